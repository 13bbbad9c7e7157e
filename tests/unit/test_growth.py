"""Text that a server wrote costs time in proportion to its length, whatever is in it.

A regular expression that tries the same text again from each place takes hours for a file of a
few hundred kB, and nothing can interrupt it. Each reader of foreign text gets every hostile text
here, in two sizes: four times the text may take no more than eight times as long.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import PurePosixPath

import pytest

from carbon.balancer import nginx
from carbon.balancer.reading import read_vhosts
from carbon.checks.vault import uses_vault
from carbon.clone.contents import parse_checksums, parse_listing
from carbon.clone.target import relative_databases
from carbon.config.axis2 import read_clustering
from carbon.config.carbon_xml import read_carbon
from carbon.config.datasources import read_datasources
from carbon.config.diff import holds_secret, mask_secrets, masked_diff
from carbon.config.log4j import hidden
from carbon.errors import ProvisionError
from carbon.home import hostsfile
from carbon.home.process import parse_cmdline
from carbon.home.unit import parse_unit
from carbon.join.columns import take_apart
from carbon.join.lines import names_milestone, parse
from carbon.join.own_log import OwnLog
from carbon.join.quote import quote
from carbon.text import visible
from carbon.xmledit import XmlDocument, XmlPatch
from tests.unit.carbon.nodes import make_node

HOME = PurePosixPath("/opt/as")
LARGE, SMALL = 24_000, 6_000
AT_ONCE_SECONDS = 0.02
"""What takes no longer than this with the large text needs no comparison."""
MOST_GROWTH = 8
"""Four is linear, sixteen is quadratic; in between lies what a busy machine adds."""
TRIES = 4

OPENINGS = ("", '<p name="password" ', "<password>", "server a", "argv[]=", "a: ")
UNITS = (
    *(
        "<",
        ">",
        '"',
        "'",
        " ",
        "\n",
        "\t",
        "\r\n",
        "a",
        "0",
        ".",
        ":",
        "/",
        "=",
        "?",
        "&",
        ";",
        "#",
    ),
    *("(", "[", "{", "}", "]", "[]", "\x1b", "$", "\\", "${", "${a} ", "a\\\n"),
    *("<a ", "<a x", "<a>", "</a>", "<a/>", "<!--", "-->", "<?", "<?xml ", '<?xml encoding="'),
    *("<![CDATA[", "]]>", "<![CDATA[a]]>", "<password><![CDATA[", "<password>", "<password "),
    *(
        '<p name="password" ',
        '<p name="password">',
        'name="password" ',
        'value="x" ',
        "name=",
        "value=",
    ),
    *("password", 'password="', "password =  '", "?password=", "api_key", "<a.password", "key  ="),
    *("://", "://a:", "://a:b", "jdbc:oracle:a:", "a.", "a-", "0.", "10.0.0.1 a\n"),
    *("server ", "server a;", "    server a b", "server a; # b\n", "# removed: a\n", " #"),
    *("Exception", "Exception: a", "Member joined: ", "OSGi runtime ", "argv[]=", "INFO {a} - "),
    *(
        "# carbon-provision: begin x\n# carbon-provision: end x\n",
        "".join(f"{n}\n" for n in range(99)),
    ),
)


def large_texts() -> Iterator[Callable[[int], str]]:
    """Yield makers of hostile texts: the length in, the text out."""
    for opening in OPENINGS:
        for unit in UNITS:
            yield lambda size, opening=opening, unit=unit: opening + unit * (size // len(unit))


def in_xml(read: Callable[[bytes], object]) -> Callable[[str], object]:
    """Let a reader of XML read a text in a file that is well-formed, if the text allows."""
    return lambda text: read(f"<a><b {text.replace('<', '')}>{text}</b></a>".encode())


def patched(data: bytes) -> object:
    """Edit a document's first element in every way."""
    document = XmlDocument.parse(data, file="f")
    patch = XmlPatch(document)
    patch.set_attribute(document.root[0], "name", "x")
    patch.set_text(document.root[0], "x")
    patch.remove(document.root[0])
    return patch


READERS: dict[str, Callable[[str], object]] = {
    "mask_secrets": lambda text: mask_secrets(text.encode()),
    "holds_secret": lambda text: holds_secret(text.encode()),
    "masked_diff": lambda text: (
        "\n" in text and masked_diff("f", text.encode(), f"x{text}y".encode())
    ),
    "quote": quote,
    "parse": parse,
    "names_milestone": names_milestone,
    "take_apart": take_apart,
    "OwnLog": lambda text: OwnLog.of_lines(text.split("\n", 500)),
    "hostsfile": lambda text: hostsfile.plan(text.encode(), (), owner="x"),
    "parse_rotation": lambda text: nginx.parse_rotation(text.encode()),
    "parse_addresses": lambda text: nginx.parse_addresses(text.encode()),
    "take_out": lambda text: nginx.take_out(text.encode(), make_node()),
    "XmlDocument": lambda text: XmlDocument.parse(text.encode(), file="f"),
    "XmlPatch": in_xml(patched),
    "read_carbon": lambda text: read_carbon(text.encode()),
    "read_clustering": lambda text: read_clustering(text.encode()),
    "read_datasources": lambda text: read_datasources(text.encode()),
    "parse_unit": lambda text: parse_unit("a.service", [f"ExecStart={text}"]),
    "UnitState.sets": lambda text: parse_unit("a", [], text=text.encode()).sets("ExecRestart"),
    "log4j": lambda text: hidden(f"a={text}\nlog4j.rootLogger={text}".encode(), "x", home=HOME),
    "vhosts": lambda text: read_vhosts({"/f": text}, "/f"),
    "addresses_of": lambda text: hostsfile.addresses_of(text.encode()),
    "parse_cmdline": lambda text: parse_cmdline(f"java\0-D{text}".encode()),
    "parse_listing": lambda text: parse_listing(text.encode(), name="a"),
    "parse_checksums": lambda text: parse_checksums(text.encode()),
    "local_databases": lambda text: relative_databases(f"<a>{text}</a>".encode()),
    "uses_vault": lambda text: uses_vault(text.encode()),
    "visible": visible,
}


def seconds(read: Callable[[str], object], text: str) -> float:
    """Return how long a reader works on a text; it may refuse it."""
    began = time.process_time()
    with suppress(ProvisionError):
        read(text)
    return time.process_time() - began


@pytest.mark.parametrize("name", READERS)
def test_no_text_of_a_server_takes_more_than_its_length(name: str) -> None:
    read = READERS[name]
    for make in large_texts():
        large, small = make(LARGE), make(SMALL)
        if seconds(read, large) <= AT_ONCE_SECONDS:
            continue
        growths = []
        for _ in range(TRIES):
            growths.append(seconds(read, large) / max(seconds(read, small), 0.001))
            if growths[-1] < MOST_GROWTH:
                break
        else:
            pytest.fail(f"{large[:60]!r}...: four times the text took {min(growths):.0f} times")
