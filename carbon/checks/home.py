"""AS_HOME, its disk and its files: can the server be worked on, and can it start from there?"""

from __future__ import annotations

from carbon.checks.case import Case
from carbon.checks.finding import Findings, Kind
from carbon.home import layout
from carbon.text import some_of

SPARE_KB = 50 * 1024
"""Free space to insist on beside what is copied: a full disk breaks a server in its logs."""
SHOWN_FILES = 3

_GIVE_ACCESS = "set `run_as: OWNER` for {node} in hosts.yaml, and install what `fab sudoers` prints"
NO_DIRECTORY = Kind(
    code="home-missing",
    seen="{home} is not a directory",
    remedy="correct `home:` of {node} in hosts.yaml",
    weight=100,
)
CLOSED = Kind(
    code="home-closed", seen="{user} may not enter {home}", remedy=_GIVE_ACCESS, weight=100
)
MISSING = Kind(
    code="home-missing",
    seen="AS_HOME {home} does not exist",
    remedy="set `pack:` in hosts.yaml and run `fab -H {node} deploy`, correct `home:` of {node}, or"
    " use `fab -H {node} clone --source ANOTHER`",
    weight=100,
)
NOT_INSTALLED = Kind(
    code="home-missing",
    seen="AS_HOME {home} does not exist",
    remedy="`fab -H {node} deploy` installs the pack of hosts.yaml there; or correct `home:` of"
    " {node}",
    weight=100,
)
WATCHER_MISSING = Kind(
    code="home-missing",
    seen="AS_HOME {home} does not exist",
    remedy="correct `home:` of {node} in hosts.yaml",
    weight=100,
)
READ_ONLY = Kind(
    code="home-read-only", seen="{user} may not write in {home}", remedy=_GIVE_ACCESS, weight=100
)
NOT_CARBON = Kind(
    code="home-not-carbon",
    seen=f"{{home}} has no {layout.SCRIPT}",
    remedy="this is not a Carbon installation: correct `home:` of {node} in hosts.yaml",
    weight=100,
)
INTERRUPTED = Kind(
    code="swap-interrupted",
    seen="an interrupted run left its journal open ({journal}): its files may be a mixture, and it"
    " is not started like that",
    remedy="complete it with `fab -H {node} deploy`, or take it back with `fab -H {node} rollback`",
    weight=99,
)
FULL_DISK = Kind(
    code="disk-full",
    seen="only {free_kb} kB are free at {home}",
    remedy=f"free at least {SPARE_KB} kB there, old logs and kept generations first",
    weight=97,
    log=r"No space left on device",
    logged="a disk of {server} is full",
)
UNREADABLE = Kind(
    code="file-unreadable",
    seen="{user} cannot read {files}",
    remedy="give the files back to the account that runs the server (chown, chmod u+r)",
    weight=96,
)
NO_PROFILE = Kind(
    code="worker-profile",
    seen=f"its pack has no worker profile ({layout.WORKER_PROFILE})",
    remedy="install a pack of this product version that has the profile; without it this server"
    " cannot start",
    weight=96,
    log=r"(?<![\w-])(?P<profile>[\w-]+) profile not found",
    logged="the pack of {node} has no {profile} profile in repository/components",
)
IN_USE = Kind(
    code="deployment-in-use",
    seen="it runs (pid {pid}); the deployment directory is reset only while it is down",
    remedy="stop it first (`fab -H {node} stop`), or use `deploy --reset`",
    weight=0,
)


def home(case: Case) -> Findings:
    """AS_HOME is there, and the account may work in it."""
    facts = case.facts
    if facts.home_blocked:
        yield case.finding(NO_DIRECTORY, blocks=True)
    elif facts.home_closed:
        yield case.finding(CLOSED, blocks=True)
    elif facts.home_real is None:
        kind = MISSING if case.node.role == "worker" else WATCHER_MISSING
        kind = NOT_INSTALLED if case.node.pack else kind
        yield case.finding(kind, blocks=True)
    elif case.plan is not None and not facts.home_writable:
        yield case.finding(READ_ONLY, blocks=True)
    elif str(layout.SCRIPT) not in facts.present:
        yield case.finding(NOT_CARBON, blocks=not case.watches)


def journal(case: Case) -> Findings:
    """No earlier run stopped half-way through its swap."""
    if case.facts.journal is not None:
        blocks = case.starts and not case.swaps
        yield case.finding(INTERRUPTED, blocks=blocks, journal=case.facts.journal)


def disk(case: Case) -> Findings:
    """A full disk is known from itself: no room is left for a line that says so."""
    if case.facts.disk_free_kb < SPARE_KB:
        yield case.finding(
            FULL_DISK,
            weight=40 if case.has_started else None,
            blocks=case.swaps or case.starts,
            free_kb=case.facts.disk_free_kb,
        )


def readable(case: Case) -> Findings:
    """The account that runs the server can read the files that it reads at a start."""
    names = sorted(case.facts.unreadable)
    if names:
        yield case.finding(
            UNREADABLE,
            weight=20 if case.runs else None,
            blocks=case.starts,
            files=some_of(names, at_most=SHOWN_FILES),
        )


def profile(case: Case) -> Findings:
    """The pack can run as a worker."""
    if case.node.role == "worker" and str(layout.WORKER_PROFILE) not in case.facts.present:
        yield case.finding(NO_PROFILE, weight=20 if case.runs else None, blocks=case.starts)


def reset(case: Case) -> Findings:
    """The deployment directory of a running server is not emptied."""
    running = case.facts.process
    if case.planned and case.planned.reset and running and not case.starts:
        yield case.finding(IN_USE, blocks=True, pid=running.pid)
