"""A finding: one problem of one server, judged once and worded once.

Preflight, status, doctor and the explanation of a failed start show findings and judge nothing
themselves. Every sentence is in a `Kind` beside the check that finds it; docs/troubleshooting.md
is generated from them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TypeAlias

from carbon.errors import ProvisionError, UnfitError
from carbon.join.columns import cut
from carbon.value import Value, replace

Words: TypeAlias = Mapping[str, object]
"""What the names in braces of a sentence stand for."""


class Finding(Value, kw_only=True):
    """Something that is wrong with a server, or likely to be."""

    code: str
    """Stable and in kebab-case; findings of one code are about one fault."""
    seen: str
    """Without its full stop; the reader names the server before it."""
    remedy: str
    weight: int
    """How likely it is what keeps the node out of the cluster: 100 is certain."""
    blocks: bool = False
    """What was planned must not begin."""
    line: str | None = None
    """The line of a log that shows it."""
    about: str = ""
    """The server that it is about, if another one is asked about."""

    @classmethod
    def of_error(cls, error: ProvisionError, *, weight: int, blocks: bool = False) -> Finding:
        """Return the finding that an error amounts to."""
        return cls(
            code=error.code, seen=error.seen, remedy=error.action, weight=weight, blocks=blocks
        )

    def of_another(self, name: str) -> Finding:
        """Return it with the name of its server, for who reads about another server."""
        for pronoun, subject in (("it ", f"{name} "), ("its ", f"{name}'s ")):
            if self.seen.startswith(pronoun):
                return replace(self, seen=subject + self.seen.removeprefix(pronoun), about=name)
        return replace(self, seen=f"{name}: {self.seen}", about=name)

    def as_error(self, host: str, *, step: str = "preflight") -> UnfitError:
        """Return the refusal that it is for a host, before anything live is touched."""
        return UnfitError(self.seen, host=host, step=step, action=self.remedy, code=self.code)


Findings: TypeAlias = Iterator[Finding]


class Kind(Value, kw_only=True):
    """A known problem: its code and its sentences, with names in braces that are filled in."""

    code: str
    seen: str
    remedy: str
    weight: int
    log: str = ""
    """An expression for a line of the server's own log that only this problem brings; its groups
    fill in names, too."""
    logged: str = ""
    """What is said instead of `seen` if such a line shows it, which tells less than a look."""

    def finding(
        self,
        words: Words,
        *,
        weight: int | None = None,
        blocks: bool = False,
        line: str | None = None,
    ) -> Finding:
        """Return the finding for one server."""
        return Finding(
            code=self.code,
            seen=" ".join(self.seen.format_map(words).split()),
            remedy=self.remedy.format_map(words),
            weight=self.weight if weight is None else weight,
            blocks=blocks,
            line=line.strip() if line else None,
        )

    def recognise(self, line: str, words: Words) -> Finding | None:
        """Return the finding if a line of a log shows this problem."""
        match = re.search(self.log, cut(line))  # compiled only when there is something to explain
        if match is None:
            return None
        kind = replace(self, seen=self.logged or self.seen)
        return kind.finding({**words, **match.groupdict(default="")}, line=line)


def ranked(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return the likeliest first, and one of each code: files, logs and ports show one fault."""
    firsts: dict[tuple[str, str], Finding] = {}
    for finding in sorted(findings, key=lambda each: -each.weight):
        key = (finding.about, finding.code)
        first = firsts.setdefault(key, finding)
        if first.line is None and finding.line is not None:
            firsts[key] = replace(first, line=finding.line)
    return tuple(firsts.values())
