"""An nginx configuration that somebody else wrote: its upstreams, and the vhosts that use them.

Only what stands in the files is read: variables, maps and modules stay unresolved. nginx's
language: words, quotes, comments from `#`, blocks in braces, `;` at the end of a directive.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import NamedTuple

from carbon.errors import ConfigFileError

_TOKEN = re.compile(
    r"\s+|#[^\n]*|(?P<mark>[{};])"
    r"|\"(?P<double>(?:[^\"\\]|\\.)*+)\"|'(?P<single>(?:[^'\\]|\\.)*+)'"
    r"|(?P<word>(?:\$\{[^}\s]*\}|\\.|[^\s{};\\\"'])(?:\$\{[^}\s]*\}|\\.|[^\s{};\\])*+)",
    re.DOTALL,
)
_KNOWN = ("listen", "server_name", "ssl", "ssl_certificate", "ssl_certificate_key", "proxy_pass")
"""The directives of a vhost that have a field here, beside its locations."""
_BRACE = re.compile("[{}]")
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
    others: tuple[tuple[str, ...], ...]
    """The words of every other directive, those of its locations, too."""


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
                for path in sorted(
                    each for each in self._files if PurePosixPath(each).match(pattern)
                ):
                    yield from self.file(path, depth=depth + 1)
            elif directive.block is not None:
                yield directive._replace(block=tuple(self._resolved(directive.block, depth)))
            else:
                yield directive


def parse(text: str, *, file: str) -> tuple[Directive, ...]:
    """Return the directives of one file, includes unresolved.

    Raises ConfigFileError with the line at which the text makes no sense.
    """
    return _Parser(text, file).block(depth=0)


class _Parser:
    def __init__(self, text: str, file: str) -> None:
        self._text = text
        self._file = file
        self._at = 0
        self._line = 1

    def block(self, *, depth: int) -> tuple[Directive, ...]:
        """Return the directives up to the brace that closes this block, or to the text's end."""
        directives: list[Directive] = []
        words: list[str] = []
        line = self._line
        while self._at < len(self._text):
            token = self._next()
            mark = token["mark"]
            if token.lastgroup and not mark:
                line = line if words else self._line - token[0].count("\n")
                words.append(token[token.lastgroup])
            elif mark == "}":
                if words or not depth:
                    raise self._error("a brace closes nothing")
                return tuple(directives)
            elif mark:
                if not words:
                    raise self._error(f"{mark} stands alone")
                block = self._below(words[0], depth=depth + 1) if mark == "{" else None
                directives.append(Directive(tuple(words), self._file, line, block))
                words = []
        if words or depth:
            raise self._error("it ends within a directive")
        return tuple(directives)

    def _next(self) -> re.Match[str]:
        token = _TOKEN.match(self._text, self._at)
        if token is None:
            raise self._error("a quote has no end")
        self._at = token.end()
        self._line += token[0].count("\n")
        return token

    def _below(self, name: str, *, depth: int) -> tuple[Directive, ...]:
        """Return a block; what is in another language (Lua) is passed over, and counts as empty."""
        if not name.endswith("_by_lua_block"):
            if depth > _DEEPEST:
                raise self._error("its blocks are nested too deep")
            return self.block(depth=depth)
        start, open_braces = self._at, 1
        while open_braces:
            brace = _BRACE.search(self._text, self._at)
            if brace is None:
                raise self._error("a brace has no end")
            open_braces += 1 if brace[0] == "{" else -1
            self._at = brace.end()
        self._line += self._text.count("\n", start, self._at)
        return ()

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
    return Vhost(
        file=server.file,
        line=server.line,
        names=tuple(name for line in server.below("server_name") for name in line.words[1:]),
        listens=tuple(dict.fromkeys(filter(None, listens))) or (Listen(80, tls),),
        certificate=_path(server, "ssl_certificate", folder),
        certificate_key=_path(server, "ssl_certificate_key", folder),
        targets=tuple(_targets(server, "", upstreams)),
        others=tuple(_others(server)),
    )


def _others(block: Directive) -> Iterator[tuple[str, ...]]:
    for directive in block.block or ():
        if directive.name == "location":
            yield from _others(directive)
        elif directive.name not in _KNOWN:
            yield directive.words


def _path(server: Directive, name: str, folder: PurePosixPath) -> str | None:
    words = next((line.words for line in server.below(name)), ())
    return str(folder / words[1]) if len(words) == 2 else None


def _listen(words: Sequence[str], *, tls: bool) -> Listen | None:
    if not words or words[0].startswith("unix:"):
        return None
    port = re.search(r"(?:^|:)(\d{1,5})$", words[0])
    return Listen(int(port[1]) if port else 80, tls or not {"ssl", "quic"}.isdisjoint(words))


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
