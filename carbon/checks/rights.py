"""The modes of files with passwords or private keys."""

from __future__ import annotations

from carbon.checks.case import Case
from carbon.checks.finding import Findings, Kind
from carbon.plan.tighten import readable_secrets, tightened
from carbon.text import some_of

SHOWN_FILES = 4

READABLE = Kind(
    code="secret-readable",
    seen="every user of {server} may read {files}, which hold passwords or keys",
    remedy="set `tighten: true` in hosts.yaml and run `fab -H {node} deploy`, or take the rights of"
    " others from these files or from {home}",
    weight=10,
)
NOT_OURS = Kind(
    code="secret-readable",
    seen="every user of {server} may read {files}, which hold passwords or keys, and `tighten`"
    " leaves them as they are",
    remedy="let their owner run `chmod o= FILE`; for a file of `artifacts:`, set its `mode:` there",
    weight=10,
)


def readable(case: Case) -> Findings:
    """Only the account that runs the server, and its group, may read passwords and keys.

    It stops nothing, and a server that is like this is well: the mode is the operator's to choose.
    """
    changes = case.planned.files if case.planned else ()
    new = {change.path: change.new for change in changes}
    open_files = readable_secrets(case.node, case.facts, new)
    ours = tightened(case.node, case.facts, new)
    left = [path.name for path in open_files if path not in ours]
    if left:
        kind = NOT_OURS if case.node.tighten else READABLE
        yield case.finding(kind, files=some_of(left, at_most=SHOWN_FILES))
