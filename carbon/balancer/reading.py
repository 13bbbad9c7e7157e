"""An nginx configuration that somebody else wrote: its upstreams, and the vhosts that use them.

Only what stands in the files is read: variables, maps and modules stay unresolved. nginx's
language: words, quotes, comments from `#`, blocks in braces, `;` at the end of a directive.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import PurePosixPath
from typing import NamedTuple

from carbon.errors import ConfigFileError

_TOKEN = re.compile(
    r"\s+|#[^\n]*|(?P<mark>[{};])"
    r"|\"(?P<double>(?:[^\"\\]|\\.)*+)\"|'(?P<single>(?:[^'\\]|\\.)*+)'"
    r"|(?P<word>(?:\$\{[^}\s]*\}|\\.|[^\s{};\\\"'])(?:\$\{[^}\s]*\}|\\.|[^\s{};\\])*+)",
    re.DOTALL,
)
_MOST_INCLUDES = 500
_DEEPEST = 20


class Directive(NamedTuple):
    """One directive, and where it stands."""

    words: tuple[str, ...]
    file: str
    line: int
    block: tuple[Directive, ...] | None
    """None if it has no braces."""

    @property
    def name(self) -> str:
        """Its first word."""
        return self.words[0]

    def below(self, name: str) -> Iterator[Directive]:
        """Yield the directives of a name directly in its block."""
        yield from (each for each in self.block or () if each.name == name)


class UpstreamServer(NamedTuple):
    """A `server` line of an upstream, or the only server of a proxy_pass."""

    host: str
    port: int
    flags: tuple[str, ...]


class Upstream(NamedTuple):
    """A group of servers that requests are handed on to."""

    servers: tuple[UpstreamServer, ...]
    others: tuple[tuple[str, ...], ...]
    """The words of every other directive, such as ip_hash."""


class Target(NamedTuple):
    """What one location does: hand on to an upstream, or to a server by itself."""

    location: str
    scheme: str
    upstream: Upstream
    path: str
    """What proxy_pass has behind the name, mostly nothing."""


class Listen(NamedTuple):
    """A port of a vhost."""

    port: int
    is_tls: bool


class Vhost(NamedTuple):
    """A `server` block that hands requests on."""

    file: str
    line: int
    names: tuple[str, ...]
    listens: tuple[Listen, ...]
    certificate: str | None
    certificate_key: str | None
    targets: tuple[Target, ...]
    others: tuple[str, ...]
    """Names of its other directives."""


def read_vhosts(files: Mapping[str, str], conf: str) -> tuple[Vhost, ...]:
    """Return the vhosts of a configuration that begins with the file `conf`.

    `files` has the texts by their absolute paths; an include of a file that is not among them
    counts as empty. Raises ConfigFileError for a text that nginx would not take either.
    """
    blocks = [each for each in _Includes(files, conf).file(conf) if each.name == "http"]
    upstreams = {
        block.words[1]: _upstream(block)
        for http in blocks
        for block in http.below("upstream")
        if len(block.words) > 1
    }
    servers = (server for http in blocks for server in http.below("server"))
    vhosts = (_vhost(server, upstreams, PurePosixPath(conf).parent) for server in servers)
    return tuple(vhost for vhost in vhosts if vhost.targets)


class _Includes:
    """Puts the files in the place of the directives that include them."""

    def __init__(self, files: Mapping[str, str], conf: str) -> None:
        self._files = files
        self._conf = conf
        self._left = _MOST_INCLUDES

    def file(self, path: str, *, depth: int = 0) -> Iterator[Directive]:
        """Yield the directives of a file."""
        self._left -= 1
        if self._left < 0 or depth > _DEEPEST:
            raise ConfigFileError(
                f"it includes itself, or more than {_MOST_INCLUDES} files",
                file=self._conf,
                action="see what `nginx -t` says there",
            )
        yield from self._resolved(parse(self._files.get(path, ""), file=path), depth)

    def _resolved(self, tree: Sequence[Directive], depth: int) -> Iterator[Directive]:
        for directive in tree:
            if directive.name == "include" and len(directive.words) == 2:
                pattern = str(PurePosixPath(self._conf).parent / directive.words[1])
                for path in sorted(path for path in self._files if fnmatchcase(path, pattern)):
                    yield from self.file(path, depth=depth + 1)
            elif directive.block is not None:
                yield directive._replace(block=tuple(self._resolved(directive.block, depth)))
            else:
                yield directive


def parse(text: str, *, file: str) -> tuple[Directive, ...]:
    """Return the directives of one file, includes unresolved.

    Raises ConfigFileError with the line at which the text makes no sense.
    """
    return _Parser(text, file).parsed()


class _Parser:
    def __init__(self, text: str, file: str) -> None:
        self._text = text
        self._file = file
        self._at = 0
        self._line = 1
        self._words: list[str] = []
        self._first_line = 1
        self._blocks: list[list[Directive]] = [[]]
        self._heads: list[tuple[tuple[str, ...], int]] = []

    def parsed(self) -> tuple[Directive, ...]:
        """Return what the whole text says."""
        while self._at < len(self._text):
            match = _TOKEN.match(self._text, self._at)
            if match is None:
                raise self._error("a quote has no end")
            self._take(match)
            self._line += match[0].count("\n")
        if self._words or self._heads:
            raise self._error("it ends within a directive")
        return tuple(self._blocks[0])

    def _take(self, token: re.Match[str]) -> None:
        self._at = token.end()
        for kind in ("double", "single", "word"):
            if token[kind] is not None:
                if not self._words:
                    self._first_line = self._line
                self._words.append(token[kind])
        if mark := token["mark"]:
            self._end(mark)

    def _end(self, mark: str) -> None:
        if mark == "}":
            if self._words or not self._heads:
                raise self._error("a brace closes nothing")
            words, line = self._heads.pop()
            block = tuple(self._blocks.pop())
            self._blocks[-1].append(Directive(words, self._file, line, block))
            return
        if not self._words:
            raise self._error(f"{mark} stands alone")
        words, self._words = tuple(self._words), []
        if mark == ";":
            self._blocks[-1].append(Directive(words, self._file, self._first_line, None))
        elif words[0].endswith("_by_lua_block"):
            self._skip_foreign_block()
        elif len(self._heads) == _DEEPEST:
            raise self._error("its blocks are nested too deep")
        else:
            self._heads.append((words, self._first_line))
            self._blocks.append([])

    def _skip_foreign_block(self) -> None:
        """Go behind the brace that closes a block in another language."""
        start, depth = self._at, 1
        while depth:
            brace = re.compile("[{}]").search(self._text, self._at)
            if brace is None:
                raise self._error("a brace has no end")
            depth += 1 if brace[0] == "{" else -1
            self._at = brace.end()
        self._line += self._text.count("\n", start, self._at)

    def _error(self, seen: str) -> ConfigFileError:
        return ConfigFileError(
            seen, file=self._file, line=self._line, action="see what `nginx -t` says there"
        )


def _upstream(block: Directive) -> Upstream:
    servers = (server for line in block.below("server") if (server := _server(line.words[1:])))
    others = tuple(line.words for line in block.block or () if line.name != "server")
    return Upstream(tuple(servers), others)


def _server(words: Sequence[str], *, port: int = 80) -> UpstreamServer | None:
    if not words or words[0].startswith("unix:"):
        return None
    match = re.fullmatch(r"(\[[^\]]+\]|[^:]+)(?::(\d{1,5}))?", words[0])
    if match is None:
        return None
    host = match[1].strip("[]").lower()
    return UpstreamServer(host, int(match[2] or port), tuple(words[1:]))


def _vhost(server: Directive, upstreams: Mapping[str, Upstream], folder: PurePosixPath) -> Vhost:
    tls = any(line.words[1:] == ("on",) for line in server.below("ssl"))
    listens = [_listen(line.words[1:], tls=tls) for line in server.below("listen")]
    known = ("listen", "server_name", "ssl", "ssl_certificate", "ssl_certificate_key", "location")
    return Vhost(
        file=server.file,
        line=server.line,
        names=tuple(name for line in server.below("server_name") for name in line.words[1:]),
        listens=tuple(dict.fromkeys(filter(None, listens))) or (Listen(80, tls),),
        certificate=_path(server, "ssl_certificate", folder),
        certificate_key=_path(server, "ssl_certificate_key", folder),
        targets=tuple(_targets(server, "", upstreams)),
        others=tuple(
            dict.fromkeys(each.name for each in server.block or () if each.name not in known)
        ),
    )


def _path(server: Directive, name: str, folder: PurePosixPath) -> str | None:
    words = next((line.words for line in server.below(name)), ())
    return str(folder / words[1]) if len(words) == 2 else None


def _listen(words: Sequence[str], *, tls: bool) -> Listen | None:
    if not words or words[0].startswith("unix:"):
        return None
    port = re.search(r"(?:^|:)(\d{1,5})$", words[0])
    return Listen(int(port[1]) if port else 80, tls or "ssl" in words[1:])


def _targets(
    block: Directive, location: str, upstreams: Mapping[str, Upstream]
) -> Iterator[Target]:
    for directive in block.block or ():
        if directive.name == "location":
            yield from _targets(directive, " ".join(directive.words[1:]), upstreams)
        elif directive.name in ("if", "limit_except"):
            yield from _targets(directive, location, upstreams)
        elif directive.name == "proxy_pass" and len(directive.words) == 2:
            match = re.fullmatch(r"(https?)://([^/$\s]+)(/[^\s]*)?", directive.words[1])
            if match is None:
                continue
            upstream = upstreams.get(match[2])
            if upstream is None:
                server = _server([match[2]], port=443 if match[1] == "https" else 80)
                upstream = Upstream((server,) if server else (), ())
            yield Target(location, match[1], upstream, match[3] or "")
