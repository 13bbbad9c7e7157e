"""Any value arrives intact, or is refused by name."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from carbon.errors import ConfigFileError
from carbon.xmledit import New, XmlDocument, XmlPatch

HOSTILE = st.one_of(
    st.text(max_size=60),
    st.text(alphabet="<>&\"'[]! -\r\n\t\\$`();#{}é€𝄞a", max_size=60),
    st.sampled_from(["]]>", "<!--", "-->", "&amp;", "&#0;", "<![CDATA[x]]>", "-rf", "x" * 10240]),
)
FILES = (
    b"<a><b>old</b><c x='1'/><d><![CDATA[old]]></d></a>",
    b'<?xml version="1.0" encoding="ISO-8859-1"?>\r\n<a>\r\n'
    b"  <b>old</b>\r\n  <c x='1'/>\r\n  <d><![CDATA[old]]></d>\r\n</a>\r\n",
    b"\xff\xfe" + "<a>\n<b/><c/><d>\n</d></a>".encode("utf-16-le"),
)
ALLOWED = re.compile("[\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]*")


def edited(data: bytes, value: str) -> XmlDocument:
    document = XmlDocument.parse(data, file="some.xml")
    patch = XmlPatch(document)
    b, c, d = document.root
    patch.set_text(b, value)
    patch.set_attribute(c, "x", value)
    patch.set_attribute(c, "y", value)
    patch.set_text(d, value)
    patch.append(document.root, New("e", (New("f", value),), attributes={"x": value}))
    return patch.apply()


@given(st.sampled_from(FILES), HOSTILE)
def test_a_value_arrives_intact_or_is_refused_by_name(data: bytes, value: str) -> None:
    if not ALLOWED.fullmatch(value):
        with pytest.raises(ConfigFileError, match=r"U\+[0-9A-F]{4,}"):
            edited(data, value)
        return
    root = etree.fromstring(edited(data, value).data)
    b, c, d, e = root
    values = [b.text, c.get("x"), c.get("y"), d.text, e.get("x"), e[0].text]
    assert [found or "" for found in values] == [value] * 6


@given(st.sampled_from(FILES), HOSTILE.filter(lambda value: bool(ALLOWED.fullmatch(value))))
def test_an_edit_made_twice_is_made_once(data: bytes, value: str) -> None:
    once = edited(data, value)
    patch = XmlPatch(once)
    b, c, d, _ = once.root
    patch.set_text(b, value)
    patch.set_attribute(c, "x", value)
    patch.set_text(d, value)
    assert patch.apply() is once


@given(HOSTILE, HOSTILE, HOSTILE | HOSTILE.map(lambda text: f"<b c='1'>{text}</b>"))
def test_any_name_xpath_and_fragment_is_used_or_refused(
    name: str, xpath: str, fragment: str
) -> None:
    document = XmlDocument.parse(FILES[0], file="some.xml")

    def insert_fragment(namespaces: dict[str, str]) -> None:
        patch = XmlPatch(document)
        root = document.root
        patch.append(root, document.fragment(fragment, parent=root, namespaces=namespaces))
        patch.apply()

    for edit in (
        lambda: XmlPatch(document).append(document.root, New(name)),
        lambda: XmlPatch(document).set_attribute(document.root, name, "1"),
        lambda: document.findall(xpath, namespaces={name: "urn:x"}),
        lambda: insert_fragment({}),
        lambda: insert_fragment({name: xpath}),
    ):
        try:
            edit()
        except ConfigFileError as error:
            assert error.file == "some.xml"
            assert error.action
