"""What a deploy would do about the artifacts of a node; pure, from facts and local files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from carbon.artifacts.local import Target, Wanted, targets, wanted
from carbon.cluster import Node
from carbon.home import driver, layout
from carbon.home.facts import ArtifactFacts, ServerFacts
from carbon.value import Value


class ArtifactChange(Value, kw_only=True):
    """One artifact that will be swapped, or removed."""

    target: Target
    old: ArtifactFacts | None = None
    """None: it is not there yet."""
    old_data: bytes | None = None
    """What is there, if it is a text that may be shown."""
    new: Wanted | None = None
    """None: it goes away."""
    bundles: tuple[PurePosixPath, ...] = ()
    """What Carbon made of the old JAR: it goes, too (see carbon/home/driver.py)."""

    @property
    def path(self) -> PurePosixPath:
        """Where it is, relative to AS_HOME."""
        return self.target.path

    @property
    def sign(self) -> str:
        """How lines about it begin: `-` it goes away, `~` it changes, `+` it is new."""
        return "-" if self.new is None else "~" if self.old else "+"

    @property
    def mode(self) -> int:
        """The mode that it will have."""
        return self.target.mode(self.old.mode if self.old else None)

    @property
    def text(self) -> bytes | None:
        """What it will hold, if it is a template or a short text, and can be read here."""
        if self.new is None or self.target.local is None:
            return None
        if self.new.data is not None:
            return self.new.data
        try:
            return self.target.local.path.read_bytes() if self.target.local.is_text else None
        except OSError:
            return None

    @property
    def removed(self) -> tuple[PurePosixPath, ...]:
        """The files that go away, relative to AS_HOME."""
        return self.bundles if self.new else (self.path, *self.bundles)


def plan_artifacts(node: Node, facts: ServerFacts) -> tuple[ArtifactChange, ...]:
    """Compare what is there with what hosts.yaml brings and takes away.

    Raises InventoryError for a local file that cannot be used.
    """
    return tuple(_changes(node, facts, targets(node))) if node.artifacts else ()


def _changes(node: Node, facts: ServerFacts, brought: Sequence[Target]) -> Iterator[ArtifactChange]:
    for target in brought:
        old = facts.artifacts.files.get(target.path)
        if target.local is None:
            if old is not None or str(target.path) in facts.unreadable:
                yield ArtifactChange(target=target, old=old, bundles=_bundles(target, facts))
            continue
        new = wanted(target, node)
        if old and old.sha256 == new.sha256 and old.mode == target.mode(old.mode):
            continue
        file = facts.files.get(target.path)
        yield ArtifactChange(
            target=target,
            old=old,
            old_data=file.data if file and target.shows_text else None,
            new=new,
            bundles=_bundles(target, facts) if old else (),
        )


def _bundles(target: Target, facts: ServerFacts) -> tuple[PurePosixPath, ...]:
    """Return the bundle that Carbon made of a JAR of repository/components/lib."""
    if target.path.parent != layout.LIB or target.path.suffix != ".jar":
        return ()
    name = driver.bundle_name(target.path.name)
    return (layout.DROPINS / name,) if name in facts.dropins else ()
