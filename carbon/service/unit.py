"""The unit that runs a Carbon server so that it survives a reboot, a crash and its own restarts."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

from carbon.cluster import Node
from carbon.home import layout
from carbon.home.facts import ServerFacts
from carbon.value import Value

FOLDER = PurePosixPath("/etc/systemd/system")
HEADER = "# Written by carbon-provision. The next deploy changes back what is changed here by hand."
MEMORY = "JVM_MEM_OPTS"
DEFAULT_MEMORY = "-Xms256m -Xmx1024m"
"""The product's own, without what its script adds if it does not know the JDK."""


def unit_file(unit: str) -> PurePosixPath:
    """Return where the unit that this tool writes stands."""
    return FOLDER / unit


def password_file(unit: str) -> PurePosixPath:
    """Return where root keeps the keystore password that each start of the unit uses up."""
    return PurePosixPath("/etc") / f"{unit}.password"


def is_ours(text: bytes) -> bool:
    """Tell whether this tool wrote a unit."""
    return text.startswith(HEADER.encode())


class UnitPlan(Value, kw_only=True):
    """What will be done about a node's unit."""

    unit: str
    file: PurePosixPath
    old: bytes | None
    new: bytes | None
    """None: the unit is somebody else's, and its file stays as it is."""
    enable: bool

    @property
    def writes(self) -> bool:
        """The file will be replaced."""
        return self.new is not None and self.new != self.old


def plan_unit(node: Node, facts: ServerFacts) -> UnitPlan | None:
    """Return what has to be done about the unit that hosts.yaml names; None: nothing.

    A unit that somebody else wrote is adopted as it is; what is wrong with it, a check says.
    """
    if node.service is None or facts.unit is None or not facts.systemd:
        return None
    unit = facts.unit
    foreign = unit.is_there and not is_ours(unit.text)
    plan = UnitPlan(
        unit=unit.name,
        file=unit_file(unit.name),
        old=unit.text if unit.is_there else None,
        new=None if foreign else unit_text(node, facts),
        enable=not unit.starts_at_boot,
    )
    return plan if plan.writes or plan.enable or unit.stale else None


def why_not_by_unit(node: Node, facts: ServerFacts) -> str:
    """Say why a running server has to be started again for its unit; empty if it need not."""
    if node.service is None or facts.process is None:
        return ""
    if facts.process.unit != node.service.unit:
        return f"it does not run under {node.service.unit}"
    plan = plan_unit(node, facts)
    return "its unit changes" if plan and plan.writes else ""


def unit_text(node: Node, facts: ServerFacts) -> bytes:
    """Return the unit for a node whose facts hold its start script.

    `wso2server.sh test` becomes the JVM, so that systemd sees how it ends: a crash and exit
    status 121, the product's own restart, are started again, and an orderly stop is not, whoever
    asked for it. A script without `test` has to run in the foreground; it ends with 0 whatever
    happens, so that only Restart=always brings a server back after a crash.
    """
    assert node.service is not None, "only a node with a service has a unit"
    return "\n".join((HEADER, *_lines(node, node.service.unit, facts), "")).encode()


def _lines(node: Node, unit: str, facts: ServerFacts) -> Iterator[str]:
    text = facts.data_of(layout.SCRIPT) or b""
    owner = node.run_as or facts.user
    becomes_jvm = re.search(rb"exec .?\$JAVACMD", text) is not None
    yield "[Unit]"
    yield f"Description=WSO2 Carbon {node.name} ({_escaped(node.domain)})"
    yield "Wants=network-online.target"
    yield "After=network-online.target"
    yield "StartLimitIntervalSec=600"
    yield "StartLimitBurst=5"
    yield ""
    yield "[Service]"
    yield "Type=simple"
    yield f"User={owner}"
    yield f"WorkingDirectory={_escaped(str(node.home))}"
    for name, value in _environment(node, facts, script=text).items():
        yield f"Environment={_word(f'{name}={value}')}"
    if node.keystore_password:
        words = ("-o", owner, "-m", "600", str(password_file(unit)), str(node.home / "password"))
        yield f"ExecStartPre=+{' '.join(('/usr/bin/install', *map(_quoted, words)))}"
    yield f"ExecStart=/bin/sh -c {_quoted(_command(node, becomes_jvm=becomes_jvm))}"
    yield f"Restart={'on-failure' if becomes_jvm else 'always'}"
    yield "RestartSec=5"
    yield "SuccessExitStatus=143 121"
    if becomes_jvm:
        yield "RestartForceExitStatus=121"
    yield "KillMode=control-group"
    yield "TimeoutStopSec=120"
    yield "LimitNOFILE=65535"
    yield ""
    yield "[Install]"
    yield "WantedBy=multi-user.target"


def _environment(node: Node, facts: ServerFacts, *, script: bytes) -> Mapping[str, str]:
    """Return what the start script is given.

    With `test` the script of kernel 4.4.8 adds -XX:MaxPermSize, which a newer JDK refuses, unless
    JVM_MEM_OPTS is set.
    """
    java = {"JAVA_HOME": str(node.java_home or facts.java_home or "")}
    memory = {MEMORY: DEFAULT_MEMORY} if MEMORY.encode() in script else {}
    return {**java, **memory, **node.environment}


def _command(node: Node, *, becomes_jvm: bool) -> str:
    """Return what the unit's shell does: the output goes where a start looks for it.

    An argument for one start alone, such as -Dsetup, waits in .provision/once.
    """
    words = [str(node.home / layout.SCRIPT), *(["test"] if becomes_jvm else [])]
    if node.role == "worker":
        words.append("-DworkerNode=true")
    return (
        "once=; { read -r once < .provision/once && rm -f .provision/once; } 2> /dev/null; "
        "[ ! -d .provision ] || exec > .provision/console.log 2>&1; "
        f"exec /bin/sh {shlex.join(words)} $once"
    )


def _quoted(text: str) -> str:
    """Return one word of a command of a unit; systemd puts variables into commands only."""
    return _word(text.replace("$", "$$"))


def _word(text: str) -> str:
    """Return one word of a line of a unit."""
    text = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{_escaped(text)}"'


def _escaped(text: str) -> str:
    return text.replace("%", "%%")
