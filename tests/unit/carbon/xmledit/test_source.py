"""What can be read at all: encodings, DTDs, sizes, and files that are not well-formed."""

from __future__ import annotations

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carbon.errors import ConfigFileError
from carbon.xmledit import XmlDocument, XmlPatch, own_text
from carbon.xmledit.source import MAX_BYTES

FILE = "repository/conf/some.xml"


def parse(data: bytes) -> XmlDocument:
    return XmlDocument.parse(data, file=FILE)


def refusal(data: bytes) -> ConfigFileError:
    with pytest.raises(ConfigFileError) as caught:
        parse(data)
    assert caught.value.file == FILE
    assert caught.value.action
    return caught.value


def with_text(data: bytes, value: str) -> bytes:
    document = parse(data)
    patch = XmlPatch(document)
    patch.set_text(document.root, value)
    return patch.apply().data


@pytest.mark.parametrize(
    ("declared", "codec"),
    [
        ("UTF-8", "utf-8"),
        ("utf-8", "utf-8"),
        ("US-ASCII", "ascii"),
        ("ISO-8859-1", "latin-1"),
        ("ISO-8859-15", "iso8859-15"),
        ("windows-1252", "cp1252"),
        ("windows-1251", "cp1251"),
    ],
)
def test_a_declared_encoding_is_read_and_written(declared: str, codec: str) -> None:
    head = f'<?xml version="1.0" encoding="{declared}"?>\n<!-- '.encode()
    other = "" if codec == "ascii" else "Ж" if codec == "cp1251" else "é"
    data = head + other.encode(codec) + b" -->\n<a>old</a>\n"
    assert own_text(parse(data).root) == "old"
    assert with_text(data, f"new{other}") == data.replace(b"old", f"new{other}".encode(codec))


def test_an_undeclared_file_is_utf_8() -> None:
    assert with_text("<a>é</a>".encode(), "ü").decode() == "<a>ü</a>"


def test_what_the_encoding_cannot_hold_becomes_a_character_reference() -> None:
    data = b'<?xml version="1.0" encoding="ISO-8859-1"?><a>\xe9</a>'
    assert with_text(data, "é€") == data.replace(b"\xe9", b"\xe9&#8364;")


@pytest.mark.parametrize(
    ("bom", "codec"),
    [
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
    ],
)
def test_a_byte_order_mark_is_kept(bom: bytes, codec: str) -> None:
    name = codec[:6].rstrip("-").upper()
    text = f'<?xml version="1.0" encoding="{name}"?>\r\n<a>old €</a>\r\n'
    new = with_text(bom + text.encode(codec), "Ж")
    assert new == bom + text.replace("old €", "Ж").encode(codec)


@pytest.mark.parametrize(
    "data",
    [
        b'<?xml version="1.0" encoding="UTF-7"?><a/>',
        b'<?xml version="1.0" encoding="UTF-16"?><a/>',
        b'<?xml version="1.0" encoding="rot13"?><a/>',
        b'<?xml version="1.0" encoding="no-such-thing"?><a/>',
        b"\xef\xbb\xbf<?xml version='1.0' encoding='ISO-8859-1'?><a/>",
        "<a/>".encode("utf-16-le"),
        "<a/>".encode("utf-32"),
    ],
)
def test_an_encoding_that_may_not_survive_is_refused(data: bytes) -> None:
    assert "UTF-" in refusal(data).action or "well-formed" in refusal(data).seen


def test_bytes_that_are_not_in_the_encoding_are_refused_with_their_line() -> None:
    error = refusal(b"<a>\n\n<b>\xe9</b></a>")
    assert error.line == 3
    assert "0xE9" in error.seen


@pytest.mark.parametrize(
    "data",
    [
        b"<!DOCTYPE a><a/>",
        b'<?xml version="1.0"?>\n<!-- licence -->\n<!DOCTYPE a SYSTEM "http://localhost/a.dtd"><a/>',
        b'\xef\xbb\xbf<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>',
        b'<!DOCTYPE a [<!ENTITY b "bb"><!ENTITY c "&b;&b;&b;&b;">]><a>&c;</a>',
    ],
)
def test_a_doctype_is_refused_unread(data: bytes) -> None:
    error = refusal(data)
    assert "DOCTYPE" in error.seen
    assert error.line == data.count(b"\n", 0, data.index(b"<!DOCTYPE")) + 1


def test_a_doctype_in_a_comment_is_none() -> None:
    parse(b"<!-- <!DOCTYPE a> --><a/>")


@pytest.mark.parametrize(
    ("data", "line"),
    [
        (b"", 1),
        (b"not xml", 1),
        (b"<a>\n<b>\n</a>\n", 3),
        (b"<a>\n", 2),
        (b"<a>\n&undefined;</a>", 2),
        (b"<a>\n<b x='1' x='2'/></a>", 2),
        (b"<a>\n<p:b/></a>", 2),
        (b"<a/>\n<a/>", 2),
        (b"<a>\n\x00</a>", 2),
    ],
)
def test_what_is_not_well_formed_is_refused_with_its_line(data: bytes, line: int) -> None:
    error = refusal(data)
    assert "not well-formed" in error.seen
    assert error.line == line


def test_a_refusal_never_quotes_the_text() -> None:
    assert "geheim" not in str(refusal(b"<password>a&geheim;b</password>"))


def test_a_huge_file_is_refused_before_it_is_parsed() -> None:
    assert str(MAX_BYTES) in refusal(b"<" * (MAX_BYTES + 1)).seen


def test_a_deeply_nested_file_is_refused() -> None:
    assert "not well-formed" in refusal(b"<a>" * 5000 + b"</a>" * 5000).seen


SAMPLE = (
    b'<?xml version="1.0" encoding="UTF-8"?>\r\n<!-- \xc3\xa9 & -->\r\n<a xmlns:p="urn:p">'
    b"<b p:c='1'><![CDATA[<d>]]></b><!-- e --><f/>text&amp;</a>\n"
)


@given(st.integers(0, len(SAMPLE) - 2))
def test_a_truncated_file_is_always_a_refusal(length: int) -> None:
    refusal(SAMPLE[:length])


@given(st.integers(0, len(SAMPLE) - 1), st.binary(max_size=4))
def test_a_corrupted_file_is_read_or_refused(offset: int, junk: bytes) -> None:
    try:
        document = parse(SAMPLE[:offset] + junk + SAMPLE[offset + 1 :])
        assert document.tag(document.root).end <= len(document.utf8)
    except ConfigFileError as error:
        assert error.action


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        parse(data)
    except ConfigFileError as error:
        assert error.action
