"""Read all facts of a server: one round trip, and nothing is changed."""

from __future__ import annotations

import re
import stat
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from ipaddress import IPv6Address
from pathlib import PurePosixPath
from typing import cast

from carbon.artifacts.facts import is_watched, parse_artifacts, without_quiet
from carbon.artifacts.local import known_targets
from carbon.cluster import Node
from carbon.config.files import NEIGHBOURS, managed_files
from carbon.errors import ScriptError
from carbon.home import layout, process
from carbon.home.driver import JarFacts, entry_pattern
from carbon.home.facts import (
    DeploymentState,
    FileRights,
    Generation,
    HostsFacts,
    Listener,
    LogFacts,
    LogState,
    RemoteFile,
    RunningServer,
    SecretsFacts,
    ServerFacts,
)
from carbon.home.unit import PROPERTIES, UnitState, parse_unit
from carbon.join.columns import zone_of
from remote.host.archive import unpack
from remote.host.host import Host
from remote.host.lock import LOCK_PATH
from remote.host.script import Script

_PRESENT = (
    layout.SCRIPT,
    layout.WORKER_PROFILE,
    layout.PASSWORD_PERSIST,
    layout.REMOVED,
    *NEIGHBOURS,
)
_JAR = re.compile(r"[^/\n]+\.jar")
_GENERATION = re.compile(r"\d{8}T\d{6}Z-[\w-]+", re.ASCII)
"""What `generation_id` makes, and what remote/scripts/lib/base.sh takes for one."""
_HOSTS = PurePosixPath("hosts")
"""/etc/hosts, in the archive beside the files of AS_HOME."""
CLOCK_TICKS = 100
"""Per second, in /proc/PID/stat: USER_HZ is 100 on every Linux that runs a JVM."""


_Files = dict[PurePosixPath, RemoteFile]
_Folders = dict[PurePosixPath, int]


def gather_facts(
    host: Host[Node],
    *,
    asked: Mapping[str, str] | None = None,
    also: Sequence[PurePosixPath] = (),
    member: str = "",
) -> ServerFacts:
    """Read all facts of a Carbon server.

    `asked` names expressions for grep, for the last lines of its logs that match each (and the
    last ones of the console that it was started on); `also` are further files to read;
    `member` is an expression for what its own log says of the member that it has to see.
    Raises ScriptError when the answer makes no sense, and what the connection raises.
    """
    outcome = host.run(
        _script(host, asked=asked or {}, also=also, member=member),
        step="facts",
        remedy=f"check whether the login works: fab -H {host.name} run 'id; ls -ld"
        f" {host.node.home}'",
    )
    facts = parse(outcome.out, name=host.name, seen_at=time.monotonic())
    return without_quiet(facts, known_targets(host.node))


def _script(
    host: Host[Node], *, asked: Mapping[str, str], also: Sequence[PurePosixPath], member: str
) -> Script:
    node = host.node
    driver = node.driver
    script = (layout.SCRIPT,) if node.service else ()
    brought = known_targets(node)
    texts = [target.path for target in brought if target.shows_text]
    files = (*managed_files(node), layout.LOG4J, *script, *also, *texts)
    return host.script(
        "facts",
        java_dir=str(node.java_home or ""),
        environment=[f"{name}={value}" for name, value in node.environment.items()],
        files=list(map(str, dict.fromkeys(files))),
        artifacts=[str(target.path) for target in brought],
        watched=[
            f"{node.home}/{path}"
            for path in (layout.TAKEN_AWAY, *(each.path for each in brought if is_watched(each)))
        ],
        present=[str(path) for path in _PRESENT],
        jar=driver.jar.name if driver else "",
        driver_pattern=entry_pattern(driver.driver_class) if driver else "",
        lock=LOCK_PATH,
        member=member,
        secret_files=layout.SECRET_FILES,
        unit=node.service.unit if node.service else "",
        unit_properties=",".join(PROPERTIES) if node.service else "",
        asked=[word for pair in asked.items() for word in pair],
    )


def parse(answer: bytes, *, name: str, seen_at: float) -> ServerFacts:
    """Turn the answer of the script `facts`, which came at `seen_at`, into facts.

    What a server says is judged before it is used: a word that may come once comes once, and a
    name has the form that it must have. Raises ScriptError.
    """
    head, mark, archive = answer.partition(b"\nfiles\n")
    lines = _Lines(head.decode(errors="replace"))
    try:
        if not mark or lines.single("facts") != "1":
            raise ValueError("it is not whole")
        return _facts(lines, *_files(archive, name), name=name, at=seen_at)
    except ValueError as error:
        raise ScriptError(
            f"unexpected output from the inspection script: {error}",
            host=name,
            step="look",
            action="find out who changed the scripts or the programs of this server, or its"
            " AS_HOME/.provision",
        ) from error


def _facts(lines: _Lines, files: _Files, folders: _Folders, *, name: str, at: float) -> ServerFacts:
    return ServerFacts(
        name=name,
        user=lines.single("user") or "?",
        now=float(lines.single("now") or 0),
        seen_at=at,
        home_real=_home(lines),
        home_blocked="blocked" in lines.all("home"),
        home_closed="closed" in lines.all("home"),
        home_writable=lines.single("writable") is not None,
        disk_free_kb=int(lines.single("disk_kb") or 0),
        java_home=_path(lines.single("java")),
        java_missing=lines.single("java_missing"),
        addresses=_addresses(lines),
        hosts=_hosts(lines, files),
        lock=lines.single("lock"),
        lock_dead=lines.single("lock_dead") == "yes",
        present=frozenset(lines.all("present")),
        version=lines.single("version"),
        kernel=lines.single("kernel"),
        symlinks=frozenset(lines.all("symlink")),
        unreadable=frozenset(lines.all("unreadable")),
        jars=tuple(_jar(line) for line in lines.all("jar")),
        dropins=tuple(_checked(_JAR, line) for line in lines.all("dropin")),
        deployment=_deployment(lines),
        deployment_mode=folders.get(layout.DEPLOYMENT_SERVER),
        deployment_target=(lines.single("deployment") or "").partition(" ")[2] or None,
        artifacts=parse_artifacts(lines.all),
        log=_log(lines),
        journal=_journal(lines),
        staged=lines.single("staged") == "yes",
        record=_record(lines),
        cloned=_pairs(lines.all("cloned")),
        first_start=lines.single("first_start"),
        generations=tuple(_generation(line) for line in lines.all("generation")),
        process=_process(lines),
        listening=_listeners(lines.all("listen")),
        files=files,
        zone_seconds=_log_zone(lines),
        said=_said(lines),
        systemd=lines.single("systemd") is not None,
        ends_sessions=lines.single("ends_sessions") == "yes",
        unit=_unit(lines),
        secrets=_secrets(lines, folders),
    )


class _Lines:
    """The `word rest` lines of an answer, by word, in their order."""

    def __init__(self, text: str) -> None:
        self._by_word: defaultdict[str, list[str]] = defaultdict(list)
        for line in text.split("\n"):
            word, _, rest = line.partition(" ")
            self._by_word[word].append(rest)

    def all(self, word: str) -> list[str]:
        return self._by_word.get(word, [])

    def single(self, word: str) -> str | None:
        """Return what stands behind a word that comes at most once. Raises ValueError."""
        lines = self.all(word)
        if len(lines) > 1:
            raise ValueError(f"the line {word!r} comes twice")
        return lines[0] if lines else None


def zone_seconds(text: str) -> int:
    """Read what `date +%z` prints."""
    offset = re.fullmatch(r"([+-])(\d\d)(\d\d)", text)
    if offset is None:
        return 0
    seconds = 3600 * int(offset[2]) + 60 * int(offset[3])
    return -seconds if offset[1] == "-" else seconds


def _said(lines: _Lines) -> dict[str, tuple[str, ...]]:
    by_name: defaultdict[str, list[str]] = defaultdict(list)
    for line in lines.all("said"):
        name, _, text = line.partition(" ")
        by_name[name].append(text)
    return {name: tuple(texts) for name, texts in by_name.items()}


def _home(lines: _Lines) -> PurePosixPath | None:
    """Return AS_HOME without links; a word says why there is none."""
    home = lines.single("home") or ""
    return PurePosixPath(home) if home.startswith("/") else None


def _hosts(lines: _Lines, files: _Files) -> HostsFacts:
    """Take /etc/hosts out of the files; all others are AS_HOME's."""
    file = files.pop(_HOSTS, None)
    return HostsFacts(
        data=file.data if file else b"",
        mounted=bool(lines.all("hosts_mounted")),
        plain=file is not None and (file.owner, file.mode) == ("root", 0o644),
        leftover=lines.single("hosts_leftover") == "yes",
    )


def _log(lines: _Lines) -> LogFacts:
    written_at, _, size = (lines.single("log_at") or "").partition(" ")
    return LogFacts(
        state=cast("LogState", lines.single("log") or "missing"),
        path=_path(lines.single("log_path")),
        written_at=float(written_at) if written_at else None,
        size=int(size or 0),
        writable=lines.single("log_unwritable") is None,
    )


def _log_zone(lines: _Lines) -> int:
    """Return the zone in which a server logs: that of its JVM, which may not be the shell's."""
    of_shell = zone_seconds(lines.single("zone") or "")
    last, written_at = _said(lines).get("last"), _log(lines).written_at
    if not last or written_at is None:
        return of_shell
    return zone_of(last[0], written_at=written_at, otherwise=of_shell)


def _unit(lines: _Lines) -> UnitState | None:
    name = lines.single("unit_name")
    if name is None:
        return None
    text = "".join(f"{line}\n" for line in lines.all("unit_text")).encode()
    return parse_unit(name, lines.all("unit"), text=text)


def _path(text: str | None) -> PurePosixPath | None:
    return PurePosixPath(text) if text else None


def _deployment(lines: _Lines) -> DeploymentState:
    state = (lines.single("deployment") or "missing").split(" ")[0]
    mounted = bool(lines.all("deployment_mounted")) and state in ("empty", "filled")
    return "mount" if mounted else cast("DeploymentState", state)


def _pairs(lines: Sequence[str]) -> dict[str, str]:
    return {key: value for key, _, value in (line.partition("=") for line in lines)}


def _checked(form: re.Pattern[str], name: str) -> str:
    """Return a name that is of the form that it must have: it becomes part of a path."""
    if not form.fullmatch(name):
        raise ValueError(f"{name!r} is not a name that belongs there")
    return name


def _journal(lines: _Lines) -> str | None:
    generation = lines.single("journal")
    return None if generation is None else _checked(_GENERATION, generation)


def _record(lines: _Lines) -> dict[str, str]:
    """Return the record, without places in logs that are none: they become part of a script."""
    pairs = _pairs(lines.all("record")).items()
    return {
        key: value
        for key, value in pairs
        if not key.endswith("_log") or re.fullmatch(r"(\d+ \d+)?", value)
    }


def _jar(line: str) -> JarFacts:
    digest, marks, jar = line.split(" ", 2)
    return JarFacts(name=_checked(_JAR, jar), sha256=digest, has_driver_class=marks == "driver")


def _secrets(lines: _Lines, folders: _Folders) -> SecretsFacts:
    closed = frozenset(map(PurePosixPath, lines.all("closed")))
    home = PurePosixPath(lines.single("home") or "")
    is_open = folders.get(PurePosixPath(), 0) & stat.S_IXOTH and closed.isdisjoint(home.parents)
    readable = dict(map(_rights, lines.all("readable_secret")))
    return SecretsFacts(others_enter=bool(is_open), closed=closed, readable=readable)


def _rights(line: str) -> tuple[PurePosixPath, FileRights]:
    match = re.fullmatch(r"(\d+) (.*?) (password\S*|repository/.*)", line)
    mode, owner, name = match.groups() if match else ("", "", line)
    if not any(fnmatchcase(name, pattern) for pattern in layout.SECRET_FILES) or ".." in name:
        raise ValueError(f"{name!r} is not a file that was asked for")
    return PurePosixPath(name), FileRights(mode=int(mode, 8), owner=owner)


def _generation(line: str) -> Generation:
    identity, _, meta = line.partition(" ")
    return Generation(
        id=_checked(_GENERATION, identity), meta=_pairs(meta.rstrip("\t").split("\t"))
    )


def _process(lines: _Lines) -> RunningServer | None:
    identity = lines.single("process")
    if identity is None:
        return None
    pid, ticks = identity.split(" ")
    command = process.parse_cmdline((lines.single("cmdline") or "").replace("\t", "\0").encode())
    if command is None:
        return None
    newer = lines.all("newer") + [line.split(" ", 1)[1] for line in lines.all("mtime")]
    home = (lines.single("home") or "") + "/"
    boot = float(lines.single("boot") or 0)
    parents = (line.partition(" ") for line in lines.all("parent"))
    return RunningServer(
        pid=int(pid),
        start_ticks=int(ticks),
        started_at=boot + int(ticks) / CLOCK_TICKS,
        command=command,
        others=tuple(map(int, lines.all("other"))),
        cgroup=next(iter(lines.all("cgroup")), ""),
        parents=tuple((int(pid), name) for pid, _, name in parents),
        newer=tuple(sorted(path.removeprefix(home) for path in newer)),
        unlike=tuple(lines.all("unlike")),
    )


def _addresses(lines: _Lines) -> frozenset[str]:
    """Return IPv4 addresses as they stand there, and IPv6 ones from 32 hexadecimal digits."""
    six = (str(IPv6Address(int(digits, 16))) for digits in lines.all("address6"))
    return frozenset((*lines.all("address"), *six))


def _listeners(lines: Sequence[str]) -> dict[int, Listener]:
    ports: dict[int, Listener] = {}
    for line in lines:
        port, owner = line.split(" ")
        if owner == "own" or int(port, 16) not in ports:
            ports[int(port, 16)] = cast("Listener", owner)
    return ports


def _files(archive: bytes, name: str) -> tuple[_Files, _Folders]:
    """Return the files of the archive, and the modes of its folders."""
    files: _Files = {}
    folders: _Folders = {}
    for member in unpack(archive, host=name, step="look"):
        path = PurePosixPath(member.name)
        if path.is_absolute() or ".." in path.parts:
            raise ValueError(f"{member.name!r} is not a file that was asked for")
        if member.is_folder:
            folders[path] = member.mode
        else:
            files[path] = RemoteFile(data=member.data, mode=member.mode, owner=member.owner)
    return files, folders
