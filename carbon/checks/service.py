"""Who starts the server: its unit of systemd, and others that nobody named.

How the product's scripts behave under systemd was tried on Carbon 4.2.0 and 4.4.8.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from contextlib import suppress

from carbon.checks.case import Case
from carbon.checks.finding import Findings, Kind
from carbon.cluster import Node
from carbon.home import layout
from carbon.home.facts import RunningServer
from carbon.home.unit import UnitState
from carbon.service.unit import is_ours, unit_file

PATIENCE_SECONDS = 90
"""The product waits 60 s for requests in flight, and needs a while after that."""
SUPERVISORS = frozenset(
    {"runsv", "supervisord", "s6-supervise", "supervise", "perpd", "circusd", "monit", "god"}
)
SESSIONS = frozenset(
    {
        *("sshd", "sshd-session", "dropbear", "mosh-server", "telnetd", "in.telnetd", "login"),
        *("tmux", "tmux: server", "screen", "dtach", "zellij"),
        *("cron", "crond", "atd", "containerd-shim"),
    }
)
"""Below one of these a server was started by hand, or once."""
WRAPPERS = frozenset({"su", "sudo", "runuser", "setpriv", "gosu", "start-stop-daemon"})
"""What became an account for one command, and starts nothing again."""
SHELLS = frozenset({"sh", "dash", "bash", "ash", "ksh", "zsh", "busybox"})

NO_SYSTEMD = Kind(
    code="service-no-systemd",
    seen="hosts.yaml names the unit {unit}, and this server's first process is not systemd",
    remedy="take `service:` out of hosts.yaml for {node}",
    weight=95,
)
OWNED = Kind(
    code="service-not-named",
    seen="its server belongs to the unit {owner}, which hosts.yaml does not name: systemd would"
    " start it again after a stop",
    remedy="add `service: {{systemd: {owner_name}}}` to {node} in hosts.yaml; or give the unit up:"
    " `systemctl disable --now {owner_name}` on {server}",
    weight=30,
)
SUPERVISED = Kind(
    code="service-supervised",
    seen="its server is kept by {keeper} (pid {keeper_pid}), which would start it again after a"
    " stop",
    remedy="stop it with {keeper} on {server} first; or have it started by a unit of systemd, and"
    " name that with `service:` in hosts.yaml",
    weight=30,
)
OUTSIDE = Kind(
    code="service-outside",
    seen="it runs outside of {unit}: systemd neither stops it nor keeps it up",
    remedy="`fab -H {node} restart` starts it by the unit",
    weight=28,
)
MISSING = Kind(
    code="service-missing",
    seen="systemd knows no unit {unit}",
    remedy="`fab -H {node} deploy` installs it",
    weight=29,
)
MASKED = Kind(
    code="service-masked",
    seen="{unit} is masked: systemd never starts it",
    remedy="run `systemctl unmask {unit}` on {server}",
    weight=90,
)
UNREADABLE = Kind(
    code="service-bad-unit",
    seen="systemd cannot load {unit} ({loaded})",
    remedy="see `systemctl status {unit}` on {server}; without its file `fab -H {node} deploy`"
    " writes one",
    weight=90,
)
FAILED = Kind(
    code="service-failed",
    seen="{unit} has failed ({result}), and systemd does not start it again by itself",
    remedy="see `systemctl status {unit}` on {server}, then `fab -H {node} start`",
    weight=87,
)
WAITING = Kind(
    code="service-restarting",
    seen="{unit} waits to start it again: the server ended",
    remedy="see why it ends: `fab -H {node} logs`; `fab -H {node} stop` keeps it down",
    weight=89,
)
NOT_ENABLED = Kind(
    code="service-not-enabled",
    seen="{unit} is not enabled: after a reboot nothing starts the server",
    remedy="`fab -H {node} deploy` enables it",
    weight=20,
)
ENDS_WITH_LOGIN = Kind(
    code="service-needed",
    seen="its server would end with the login that starts it: KillUserProcesses=yes in logind.conf",
    remedy="name a unit with `service: {{systemd: NAME}}` for {node} in hosts.yaml",
    weight=95,
)

_MEND = (
    "write {setting} into {file}; or remove that file, and `fab -H {node} deploy` writes a"
    " right one"
)
UNIT_TYPE = Kind(
    code="unit-type",
    seen="{unit} is of Type={type}: systemd does not see how the server ends",
    remedy=_MEND,
    weight=27,
)
UNIT_HOME = Kind(
    code="unit-home",
    seen="{unit} does not start {script} (ExecStart: {command})",
    remedy=_MEND,
    weight=91,
)
UNIT_ROLE = Kind(
    code="unit-role", seen="{unit} does not start it as a {wanted}", remedy=_MEND, weight=91
)
UNIT_PASSWORD = Kind(
    code="unit-password",
    seen="{unit} brings no keystore password, which each start uses up",
    remedy=_MEND,
    weight=27,
)
UNIT_SETTING = Kind(code="unit-setting", seen="{unit} {harm}", remedy=_MEND, weight=27)


def owner(case: Case) -> Findings:
    """Nobody else starts it again after a stop."""
    running, service = case.facts.process, case.node.service
    if running is None:
        return
    blocks = case.planned is not None and case.planned.stops
    if running.unit and (service is None or running.unit != service.unit):
        name = running.unit.removesuffix(".service")
        yield case.finding(OWNED, blocks=blocks, owner=running.unit, owner_name=name)
    elif not running.unit and not case.facts.recorded and (keeper := _supervisor(running)):
        yield case.finding(SUPERVISED, blocks=blocks, keeper=keeper[1], keeper_pid=keeper[0])


def _supervisor(running: RunningServer) -> tuple[int, str] | None:
    """Return pid and name of the process that keeps a server; None if nobody does.

    The process right above a server is its start script, if it is a shell. A loop that starts the
    script again is known by nothing but that it is there.
    """
    above = list(running.parents)
    if above and above[0][1] in SHELLS:
        above = above[1:]
    if not above or above[-1][1] in WRAPPERS or any(name in SESSIONS for _, name in above):
        return None
    return next((each for each in above if each[1] in SUPERVISORS), above[-1])


def outlives(case: Case) -> Findings:
    """A server that is started over SSH outlives the login."""
    if case.facts.ends_sessions and case.node.service is None and case.starts:
        yield case.finding(ENDS_WITH_LOGIN, blocks=True)


def unit(case: Case) -> Findings:
    """Its unit is there, starts the right thing, and does it at boot."""
    service, state = case.node.service, case.facts.unit
    if service is None:
        return
    starts, installs = case.starts, case.planned is not None and case.planned.unit is not None
    if not case.facts.systemd:
        yield case.finding(NO_SYSTEMD, blocks=starts or installs, unit=service.unit)
    elif state is None or not state.is_there:
        yield case.finding(MISSING, blocks=starts and not installs, unit=service.unit)
    elif state.loaded == "masked":
        yield case.finding(MASKED, blocks=starts or installs, unit=state.name)
    elif state.loaded != "loaded":
        blocks = starts and not installs
        yield case.finding(UNREADABLE, blocks=blocks, unit=state.name, loaded=state.loaded)
    else:
        yield from _state(case, state)
        if not is_ours(state.text) or state.drop_ins:
            settings = [(UNIT_SETTING, better, {"harm": harm}) for harm, better in _harms(state)]
            for kind, setting, words in (*_wrong_start(case.node, state), *settings):
                file = state.file or unit_file(state.name)
                about = {"unit": state.name, "file": file, "setting": setting, **words}
                blocks = starts and kind is not UNIT_SETTING
                yield kind.finding({**case.words, **about}, blocks=blocks)


def _state(case: Case, state: UnitState) -> Findings:
    running = case.facts.process
    if running is not None and running.unit is None:
        yield case.finding(OUTSIDE, unit=state.name)
    elif running is None and state.active == "failed":
        yield case.finding(FAILED, unit=state.name, result=state.result)
    elif running is None and state.sub == "auto-restart":
        yield case.finding(WAITING, unit=state.name)
    if not state.starts_at_boot:
        yield case.finding(NOT_ENABLED, unit=state.name)


def _wrong_start(node: Node, state: UnitState) -> Iterator[tuple[Kind, str, dict[str, str]]]:
    """Yield what is wrong with what somebody else's unit starts: the right setting, and words."""
    command, script = state.command, str(node.home / layout.SCRIPT)
    is_worker = node.role == "worker"
    if state.type in ("forking", "oneshot"):
        setting = "Type=simple, with wso2server.sh in the foreground,"
        yield UNIT_TYPE, setting, {"type": state.type}
    if not _mentions(command, script):
        words = {"script": script, "command": command or "none"}
        yield UNIT_HOME, f"ExecStart=/bin/sh {script} test", words
    elif _starts_a_worker(command) != is_worker:
        setting = f"{'' if is_worker else 'no '}-DworkerNode=true at the end of ExecStart"
        yield UNIT_ROLE, setting, {"wanted": "worker" if is_worker else "manager"}
    if node.keystore_password and b"password" not in state.text:
        yield UNIT_PASSWORD, "an ExecStartPre that writes AS_HOME/password", {}


def _mentions(command: str, script: str) -> bool:
    words = command.split()
    with suppress(ValueError):
        words += shlex.split(command)
    return any(word.strip("'\";") == script for word in words)


def _starts_a_worker(command: str) -> bool:
    return re.search(r"-DworkerNode(?:=true)?(?![\w=.])", command) is not None


def _harms(state: UnitState) -> Iterator[tuple[str, str]]:
    """Yield how such a unit stops the server or keeps it up wrongly, and the right setting."""
    if state.sets("ExecRestart"):
        yield "has ExecRestart, which systemd does not know", "nothing in its place"
    if state.pid_file:
        harm = f"reads PIDFile={state.pid_file}, which any start by hand overwrites"
        yield harm, "no PIDFile, with Type=simple,"
    becomes_jvm = re.search(r"(^|\s)-{0,2}test(\s|$)", state.command) is not None
    if state.restart == "no":
        yield "has no Restart: a server that crashed stays down", "Restart=on-failure"
    elif state.restart != "always" and not becomes_jvm:
        harm = (
            f"has Restart={state.restart}, which never acts: the start script ends with 0"
            " whatever becomes of the JVM"
        )
        yield harm, "`wso2server.sh test`, which becomes the JVM,"
    if state.kill_mode != "control-group":
        yield f"has KillMode={state.kill_mode}: {_KILLS[state.kill_mode]}", "KillMode=control-group"
    if state.stop_seconds is not None and state.stop_seconds < PATIENCE_SECONDS:
        seconds = f"{state.stop_seconds:g}"
        harm = f"has TimeoutStopSec={seconds}, and the product waits 60 s for requests in flight"
        yield harm, "TimeoutStopSec=120"


_KILLS = {
    "mixed": "a stop kills the JVM at once instead of letting it end in order",
    "process": "a stop leaves the JVM running",
    "none": "a stop ends nothing",
}


def boot_note(case: Case) -> str | None:
    """Return what an operator may want to know of a server that runs without a unit."""
    running = case.facts.process
    if case.node.service or not case.facts.systemd or running is None or running.unit:
        return None
    return "not enabled at boot: no unit of systemd starts it (`service:` in hosts.yaml)"
