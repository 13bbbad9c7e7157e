"""What systemd says of a unit: the answer of `systemctl show`, and the text of its file."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

from carbon.value import Value

PROPERTIES = (
    *("LoadState", "ActiveState", "SubState", "MainPID", "UnitFileState", "FragmentPath"),
    *("DropInPaths", "NeedDaemonReload", "Result", "Type", "ExecStart", "Restart", "KillMode"),
    *("TimeoutStopUSec", "PIDFile", "User"),
)
"""What is asked of `systemctl show`; an older systemd leaves out what it does not know."""
_SECONDS = {
    "us": 1e-6,
    "ms": 1e-3,
    "s": 1.0,
    "min": 60.0,
    "h": 3600.0,
    "d": 86400.0,
    "w": 604800.0,
    "month": 2629800.0,
    "y": 31557600.0,
}


class UnitState(Value, kw_only=True):
    """A unit as systemd has loaded it, its drop-ins included."""

    name: str
    loaded: str = "not-found"
    """loaded, not-found, masked, bad-setting, error."""
    active: str = "inactive"
    sub: str = "dead"
    """With `activating`, `auto-restart`: it has no process now, and will have one soon."""
    enabled: str = ""
    file: PurePosixPath | None = None
    drop_ins: tuple[str, ...] = ()
    stale: bool = False
    """Its file has changed since systemd read it."""
    result: str = "success"
    type: str = "simple"
    command: str = ""
    """The words of ExecStart."""
    restart: str = "no"
    kill_mode: str = "control-group"
    stop_seconds: float | None = None
    """None: for ever."""
    pid_file: str = ""
    user: str = ""
    text: bytes = b""
    """Of its file, as far as the account may read it."""

    @property
    def is_there(self) -> bool:
        """Tell whether systemd knows such a unit."""
        return self.loaded not in ("not-found", "")

    @property
    def is_up(self) -> bool:
        """Tell whether it has a process, or will have one by itself."""
        return self.active not in ("inactive", "failed")

    @property
    def starts_at_boot(self) -> bool:
        """Tell whether it is enabled."""
        return self.enabled in ("enabled", "enabled-runtime", "static", "indirect", "generated")

    def sets(self, name: str) -> bool:
        """Tell whether its text gives this setting."""
        lines = (line.partition(b"=") for line in self.text.splitlines())
        return any(key.strip() == name.encode() and equals for key, equals, _ in lines)


def parse_unit(name: str, lines: Sequence[str], *, text: bytes = b"") -> UnitState:
    """Read the KEY=VALUE lines that `systemctl show` prints of a unit."""
    shown = {key: value for key, _, value in (line.partition("=") for line in lines)}
    return UnitState(
        name=name,
        loaded=shown.get("LoadState", "not-found"),
        active=shown.get("ActiveState", "inactive"),
        sub=shown.get("SubState", "dead"),
        enabled=shown.get("UnitFileState", ""),
        file=PurePosixPath(shown["FragmentPath"]) if shown.get("FragmentPath") else None,
        drop_ins=tuple(shown.get("DropInPaths", "").split()),
        stale=shown.get("NeedDaemonReload") == "yes",
        result=shown.get("Result", "success"),
        type=shown.get("Type", "simple"),
        command=_command(shown),
        restart=shown.get("Restart", "no"),
        kill_mode=shown.get("KillMode", "control-group"),
        stop_seconds=_seconds(shown.get("TimeoutStopUSec", "1min 30s")),
        pid_file=shown.get("PIDFile", ""),
        user=shown.get("User", ""),
        text=text,
    )


def _command(shown: Mapping[str, str]) -> str:
    _, begins, words = shown.get("ExecStart", "").partition("argv[]=")
    words, ends, _ = words.partition(" ; ignore_errors=")
    return words if begins and ends else ""


def _seconds(text: str) -> float | None:
    if text in ("infinity", ""):
        return None
    parts = re.findall(r"(\d+(?:\.\d+)?)\s*([a-z]+)", text)
    return sum(float(number) * _SECONDS.get(unit, 0.0) for number, unit in parts)
