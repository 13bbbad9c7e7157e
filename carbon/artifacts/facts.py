"""What a server tells of the files that hosts.yaml brings to it or takes away."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import PurePosixPath

from carbon.artifacts.local import Target
from carbon.home import layout
from carbon.home.facts import ArtifactFacts, ArtifactsFacts, ServerFacts
from carbon.value import replace

_READ_AT_START = (layout.CONF, layout.LIB, layout.SCRIPT.parent)
"""What facts.sh looks through for files that changed after a start."""


def parse_artifacts(lines: Callable[[str], Sequence[str]]) -> ArtifactsFacts:
    """Read what a server says of its artifacts; `lines` has what follows a word. Raises ValueError.

    Of the files it is what `stat` and `sha256sum` print.
    """
    hashes = (line.partition("  ") for line in lines("artifact_hash"))
    digests = {path: digest for digest, _, path in hashes}
    links = (line.partition("\t") for line in lines("artifact_link"))
    return ArtifactsFacts(
        files={
            PurePosixPath(path): ArtifactFacts(
                sha256=digests.get(path, ""), size=int(size), mode=int(mode, 8)
            )
            for mode, size, path in (line.split(" ", 2) for line in lines("artifact_stat"))
        },
        in_the_way=frozenset(map(PurePosixPath, lines("artifact_folder"))),
        links={PurePosixPath(folder): place for folder, _, place in links},
        mounts=frozenset(map(PurePosixPath, lines("mounted"))),
    )


def is_watched(target: Target) -> bool:
    """Tell whether a change of it after a start would not be seen among the files of a start."""
    return target.restarts and not any(map(target.path.is_relative_to, _READ_AT_START))


def without_quiet(facts: ServerFacts, brought: Sequence[Target]) -> ServerFacts:
    """Leave out of the files that changed after a start those that want no restart."""
    quiet = {str(target.path) for target in brought if not target.restarts}
    process = facts.process
    if process is None or not quiet:
        return facts
    newer = tuple(path for path in process.newer if path not in quiet)
    return replace(facts, process=replace(process, newer=newer))
