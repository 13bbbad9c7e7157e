"""What the command line of a running process says about a Carbon server."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath

from carbon.value import Value

MAIN_CLASS = "org.wso2.carbon.bootstrap.Bootstrap"

# Options of java whose value is the next argument.
OPTIONS_WITH_VALUE = frozenset(
    {
        "-cp",
        "-classpath",
        "--class-path",
        "-p",
        "--module-path",
        "--upgrade-module-path",
        "--add-modules",
        "--add-exports",
        "--add-opens",
        "--add-reads",
        "--patch-module",
        "--limit-modules",
    }
)

# Linux before 4.2 shows no more of /proc/PID/cmdline than one page.
PAGE_BYTES = 4096


class CarbonProcess(Value, kw_only=True):
    """A running Carbon server."""

    java: str
    """The java binary, as it was called."""
    home: PurePosixPath | None
    """What -Dcarbon.home says."""
    worker_node: bool | None
    """Whether -DworkerNode=true is in effect; None if an old Linux cut the line before it."""
    profile: str | None
    """What -Dprofile says; a worker runs the worker profile without it, too."""
    port_offset: int | None
    """What -DportOffset says: it beats the Offset of carbon.xml."""


def parse_cmdline(data: bytes) -> CarbonProcess | None:
    """Read a /proc/PID/cmdline; None if the process is not a Carbon server.

    Properties before the main class are the script's own (`-DworkerNode=false` from kernel
    4.4.1 on) and JAVA_OPTS; the server sets those after the main class later, so they win, and
    there `-Dx` alone means `true` (`Main.processCmdLineArgs`). In each place the last one wins.
    """
    java, *arguments = data.removesuffix(b"\0").decode(errors="replace").split("\0")
    if PurePosixPath(java).name != "java":
        return None
    cut = len(data) in (PAGE_BYTES - 1, PAGE_BYTES) and not data.endswith(b"\0")
    if cut:
        arguments.pop()
    main = _main_class_at(arguments)
    if main < len(arguments) and arguments[main] != MAIN_CLASS:
        return None
    properties = _properties(arguments[:main], bare="")
    properties |= _properties(arguments[main + 1 :], bare="true")
    if main >= len(arguments) and not (cut and "carbon.home" in properties):
        return None
    home = properties.get("carbon.home")
    return CarbonProcess(
        java=java,
        home=PurePosixPath(home) if home else None,
        worker_node=None if cut else properties.get("workerNode", "").lower() == "true",
        profile=properties.get("profile"),
        port_offset=_integer(properties.get("portOffset", "")),
    )


def _main_class_at(arguments: Sequence[str]) -> int:
    index = 0
    while index < len(arguments) and arguments[index].startswith("-"):
        index += 2 if arguments[index] in OPTIONS_WITH_VALUE else 1
    return index


def _properties(arguments: Sequence[str], *, bare: str) -> dict[str, str]:
    properties = {}
    for argument in arguments:
        if argument.startswith("-D"):
            name, equals, value = argument[2:].partition("=")
            properties[name] = value if equals else bare
    return properties


def _integer(text: str) -> int | None:
    try:
        return int(text)
    except ValueError:
        return None
