"""How a change of artifacts looks, without showing a secret."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from carbon.artifacts.local import is_text
from carbon.artifacts.plan import ArtifactChange
from carbon.artifacts.template import outdated_secrets
from carbon.cluster import Node
from carbon.config.diff import masked_diff
from carbon.secret import Secret
from carbon.text import some_of

NOT_SHOWN = "(no diff: the old file does not tell where its secrets are)"
_SHOWN_NAMES = 3
_SHOWN_DIGITS = 12


def names_of(changes: Sequence[ArtifactChange]) -> str:
    """Return the names of what changes, each with a sign for how."""
    names = [f"{change.sign}{change.path.name}" for change in changes]
    return some_of(names, at_most=_SHOWN_NAMES)


def lines_of(change: ArtifactChange) -> Iterator[str]:
    """Yield, sign first, what a change does: the file and what was made of its old content."""
    yield f"{change.sign} {change.path} ({_details(change)})"
    for bundle in change.bundles:
        yield f"- {bundle}"


def diff_of(change: ArtifactChange, node: Node) -> str:
    """Return a unified diff of a short text; empty for anything else, and for a secret.

    Of a template with secrets, what stood in their places is masked; of a file in which these
    places are not known, only that is said.
    """
    new, target = change.new, change.target
    if new is None or not target.shows_text or target.local is None:
        return ""
    try:
        template = target.local.path.read_bytes()
    except OSError:
        return ""
    data = new.data if new.data is not None else template
    old = change.old_data or b""
    if not is_text(old) or not is_text(data):
        return ""
    values = (*target.entry.values.values(), *node.file_secrets)
    secrets = [value.reveal() for value in values if isinstance(value, Secret)]
    if old and target.entry.template:
        outdated = outdated_secrets(template, node, target.entry, old)
        if outdated is None:
            return NOT_SHOWN
        secrets += outdated
    return masked_diff(change.path, old, data, secrets, plain=True)


def _details(change: ArtifactChange) -> str:
    if change.new is None:
        return "goes away"
    parts = [f"{change.new.size} bytes"]
    if not change.target.holds_secrets:
        old = f"{change.old.sha256[:_SHOWN_DIGITS]} to " if change.old else ""
        parts.append(f"sha256 {old}{change.new.sha256[:_SHOWN_DIGITS]}")
    if change.old is None or change.mode != change.old.mode:
        parts.append(f"mode {change.mode:o}")
    if not change.target.restarts:
        parts.append("no restart")
    return ", ".join(parts)
