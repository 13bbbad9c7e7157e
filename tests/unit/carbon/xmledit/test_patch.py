"""Edits change what they name and nothing else, in the layout of what stands around it."""

from __future__ import annotations

import pytest

from carbon.errors import ConfigFileError
from carbon.secret import literal
from carbon.xmledit import Element, New, XmlDocument, XmlPatch, is_comment

FILE = "repository/conf/some.xml"


def start(text: str) -> tuple[XmlDocument, XmlPatch]:
    document = XmlDocument.parse(text.encode(), file=FILE)
    return document, XmlPatch(document)


def found(document: XmlDocument, xpath: str) -> Element:
    element = document.find(xpath)
    assert element is not None
    return element


def with_text(text: str, value: str, *, xpath: str = "//b") -> str:
    document, patch = start(text)
    patch.set_text(found(document, xpath), value)
    return patch.apply().data.decode()


def with_attribute(text: str, name: str, value: str, *, after: str | None = None) -> str:
    document, patch = start(text)
    patch.set_attribute(found(document, "//b"), name, value, after=after)
    return patch.apply().data.decode()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("<a><b>old</b></a>", "<a><b>new</b></a>"),
        ("<a><b></b></a>", "<a><b>new</b></a>"),
        ("<a><b/></a>", "<a><b>new</b></a>"),
        ("<a><b  x='1' /></a>", "<a><b  x='1'>new</b></a>"),
        ("<a><b\n/></a>", "<a><b>new</b></a>"),
        ("<a><b >old</b ></a>", "<a><b >new</b ></a>"),
        ("<a><b><![CDATA[old]]></b></a>", "<a><b><![CDATA[new]]></b></a>"),
        ("<a><b>o<![CDATA[l]]>d</b></a>", "<a><b>new</b></a>"),
        ("<a><b><!-- c -->old</b></a>", "<a><b><!-- c -->new</b></a>"),
        ("<a><b>old<!-- c --></b></a>", "<a><b>new<!-- c --></b></a>"),
        ("<a><b>o<!-- c -->ld</b></a>", "<a><b>new<!-- c --></b></a>"),
        ("<a><b>\n  <!-- c -->\n  old\n</b></a>", "<a><b><!-- c -->new</b></a>"),
        ("<a><b><![CDATA[<!-- no -->]]><?pi?></b></a>", "<a><b><![CDATA[new]]><?pi?></b></a>"),
        ("<a><b x='>'>old</b></a>", "<a><b x='>'>new</b></a>"),
        ("<p:a xmlns:p='urn:p'><b/></p:a>", "<p:a xmlns:p='urn:p'><b>new</b></p:a>"),
    ],
)
def test_text_is_set_where_it_stands(before: str, after: str) -> None:
    assert with_text(before, "new") == after


def test_cdata_that_cannot_hold_the_value_becomes_text() -> None:
    assert with_text("<b><![CDATA[x]]></b>", "a]]>b<") == "<b>a]]&gt;b&lt;</b>"


def test_lines_of_a_text_end_as_those_of_the_file() -> None:
    assert with_text("<a>\r\n<b>x</b>\r\n</a>", "1\n2") == "<a>\r\n<b>1\r\n2</b>\r\n</a>"


def test_a_text_that_is_already_there_is_no_edit() -> None:
    document, patch = start("<a><b>a &amp; b<!-- c --></b></a>")
    patch.set_text(found(document, "//b"), "a & b")
    assert patch.apply() is document


def test_an_element_with_elements_in_it_gets_no_text() -> None:
    with pytest.raises(ConfigFileError, match="has elements in it"):
        with_text("<a><b><c/></b></a>", "new")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("<b x='1'/>", "<b x='2'/>"),
        ('<b  x = "1" y="3"/>', '<b  x = "2" y="3"/>'),
        ("<b y='>' x='1'>t</b>", "<b y='>' x='2'>t</b>"),
        ("<b/>", '<b x="2"/>'),
        ("<b >t</b>", '<b x="2" >t</b>'),
        ("<b y='1'/>", "<b y='1' x=\"2\"/>"),
        ("<b y='1'\n   z='2'/>", "<b y='1'\n   z='2'\n   x=\"2\"/>"),
        ("<b xmlns='urn:b'/>", "<b x=\"2\" xmlns='urn:b'/>"),
    ],
)
def test_an_attribute_is_set_or_added(before: str, after: str) -> None:
    document, patch = start(before)
    patch.set_attribute(document.root, "x", "2")
    assert patch.apply().data.decode() == after


def test_a_new_attribute_gets_its_own_line_where_its_neighbours_have_theirs() -> None:
    before = '<b  p="h"\r\n    port="1" \r\n    q="2"/>\r\n'
    after = '<b  p="h"\r\n    port="1" \r\n    x="9"\r\n    q="2"/>\r\n'
    assert with_attribute(before, "x", "9", after="port") == after


def test_a_quote_in_a_value_is_escaped_for_the_quotes_around_it() -> None:
    assert with_attribute("<b x='1'/>", "x", "'\"") == "<b x='&apos;\"'/>"
    assert with_attribute('<b x="1"/>', "x", "'\"\n") == '<b x="\'&quot;&#10;"/>'


def test_an_attribute_is_known_by_its_namespace() -> None:
    before = "<a xmlns:p='urn:p' xmlns:q='urn:p'><b p:x='1' x='2'/></a>"
    assert with_attribute(before, "q:x", "3") == before.replace("p:x='1'", "p:x='3'")


@pytest.mark.parametrize(
    "name", ["p:x", "xmlns", "xmlns:p", "", "a b", 'x="1" y', "{urn:p}x", ":x"]
)
def test_a_name_that_is_no_attribute_here_is_refused(name: str) -> None:
    with pytest.raises(ConfigFileError, match="correct the name"):
        with_attribute("<b/>", name, "1")


FRUIT = """\
<fruit>
\t<basket>
\t\t<apple/> <!-- sour -->
\t\t<pear>
\t\t\t<ripe/>
\t\t</pear>
\t\t<!-- no plums -->
\t</basket>
\t<crate/>
\t<box>
\t</box>
\t<bag><nut/></bag>
</fruit>
"""
FIG = New("fig", (New("ripe", "very"), New("blue")), attributes={"from": "Izmir"})


def with_fruit(before: str, place: str, *, how: str) -> str:
    document, patch = start(before)
    getattr(patch, how)(found(document, place), FIG)
    return patch.apply().data.decode()


def test_an_element_goes_behind_its_sibling_and_what_shares_the_line_with_that() -> None:
    after = FRUIT.replace(
        "<!-- sour -->\n",
        '<!-- sour -->\n\t\t<fig from="Izmir">\n\t\t\t<ripe>very</ripe>\n\t\t\t<blue/>\n'
        "\t\t</fig>\n",
    )
    assert with_fruit(FRUIT, "//apple", how="insert_after") == after


def test_an_element_is_appended_behind_the_last_element() -> None:
    after = FRUIT.replace(
        "</pear>\n",
        '</pear>\n\t\t<fig from="Izmir">\n\t\t\t<ripe>very</ripe>\n\t\t\t<blue/>\n\t\t</fig>\n',
    )
    assert with_fruit(FRUIT, "//basket", how="append") == after
    with_crlf = with_fruit(FRUIT.replace("\n", "\r\n"), "//basket", how="append")
    assert with_crlf == after.replace("\n", "\r\n")


@pytest.mark.parametrize(("place", "old"), [("//crate", "<crate/>"), ("//box", "<box>\n\t</box>")])
def test_the_first_child_opens_its_parent(place: str, old: str) -> None:
    name = place.removeprefix("//")
    new = (
        f'<{name}>\n\t\t<fig from="Izmir">\n\t\t\t<ripe>very</ripe>\n\t\t\t<blue/>\n'
        f"\t\t</fig>\n\t</{name}>"
    )
    assert with_fruit(FRUIT, place, how="append") == FRUIT.replace(old, new)


def test_elements_on_one_line_stay_on_one_line() -> None:
    fig = '<fig from="Izmir"><ripe>very</ripe><blue/></fig>'
    assert with_fruit(FRUIT, "//bag", how="append") == FRUIT.replace("<nut/>", f"<nut/>{fig}")
    assert with_fruit("<a>t<b/>u</a>", "/a", how="append") == f"<a>t<b/>u{fig}</a>"
    assert with_fruit("<a><b/>u</a>", "//b", how="insert_after") == f"<a><b/>{fig}u</a>"
    assert with_fruit("<a><?pi?></a>", "/a", how="append") == f"<a><?pi?>{fig}</a>"


def test_an_element_can_go_behind_a_comment() -> None:
    document, patch = start("<a>\n  <!--b>x</b-->\n\n  <c/>\n</a>")
    patch.insert_after(next(filter(is_comment, document.root)), New("b", "1"))
    assert patch.apply().data == b"<a>\n  <!--b>x</b-->\n  <b>1</b>\n\n  <c/>\n</a>"


def test_several_edits_of_one_place_keep_their_order() -> None:
    document, patch = start("<a>\n  <b/>\n  <c/>\n</a>")
    for name in ("x", "y"):
        patch.insert_after(found(document, "//b"), New(name))
        patch.append(found(document, "//c"), New(name))
        patch.set_attribute(found(document, "//b"), name, "1")
    patch.append(document.root, New("z"))
    assert patch.apply().data.decode() == (
        '<a>\n  <b x="1" y="1"/>\n  <x/>\n  <y/>\n  <c>\n    <x/>\n    <y/>\n  </c>\n  <z/>\n</a>'
    )


def test_a_new_element_takes_the_namespace_of_its_parent() -> None:
    document, patch = start("<p:a xmlns:p='urn:p'><p:b/></p:a>")
    patch.append(document.root, New("c", (New("d"),)))
    assert patch.apply().data == b"<p:a xmlns:p='urn:p'><p:b/><p:c><p:d/></p:c></p:a>"


def test_an_element_is_removed_with_its_lines() -> None:
    document, patch = start(FRUIT)
    patch.remove(found(document, "//pear"))
    patch.remove(found(document, "//nut"))
    lost = "\t\t<pear>\n\t\t\t<ripe/>\n\t\t</pear>\n"
    assert patch.apply().data.decode() == FRUIT.replace(lost, "").replace("<nut/>", "")


def test_an_element_is_replaced_where_it_stands() -> None:
    document, patch = start("<a>\n  <b>1</b> <!-- c -->\n</a>")
    patch.replace(found(document, "//b"), New("d", "2"))
    assert patch.apply().data == b"<a>\n  <d>2</d> <!-- c -->\n</a>"


def with_fragment(before: str, text: str, **namespaces: str) -> str:
    document, patch = start(before)
    fragment = document.fragment(text, parent=document.root, namespaces=namespaces)
    patch.append(document.root, fragment)
    return patch.apply().data.decode()


def test_a_fragment_is_indented_where_that_changes_no_value() -> None:
    text = "<b x='1\n2'\n   y='3'>\n  <c>\n 4\n5</c>\n  <![CDATA[\n6]]>\n\n  <d/>\n</b>\n"
    assert with_fragment("<a>\n    <z/>\n</a>", text) == (
        "<a>\n    <z/>\n    <b x='1\n2'\n       y='3'>\n      <c>\n 4\n5</c>\n"
        "      <![CDATA[\n6]]>\n\n      <d/>\n    </b>\n</a>"
    )


def test_a_fragment_keeps_its_comments() -> None:
    after = "<a>\n  <!-- ours -->\n  <b/><!-- end -->\n</a>"
    assert (
        with_fragment("<a>\n</a>", "<!-- ours -->\n<b/><!-- end -->").replace(" " * 4, "  ")
        == after
    )


def test_a_fragment_declares_the_prefixes_that_its_place_lacks() -> None:
    before = "<a xmlns='urn:a' xmlns:q='urn:q'/>"
    after = with_fragment(before, "<b q:x='1' r:y='2'/>", q="urn:q", r="urn:r")
    inserted = "<b xmlns:r=\"urn:r\" q:x='1' r:y='2'/>"
    assert after == before.replace("/>", f">\n    {inserted}\n</a>")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "text",
        "<b/><c/>",
        "<b/>text",
        "<b>",
        "<b>&no;</b>",
        "<b>a & b</b>",
        "</here><here>",
        "<!DOCTYPE b><b/>",
        "<?xml version='1.0'?><b/>",
        "<q:b/>",
        "<b>\x07</b>",
        "<b>\ud800</b>",
    ],
)
def test_a_fragment_that_is_not_one_element_is_refused(text: str) -> None:
    with pytest.raises(ConfigFileError) as caught:
        with_fragment("<a/>", text)
    assert caught.value.file == FILE
    assert "fragment" in caught.value.seen


def test_a_name_in_a_fragment_that_the_encoding_cannot_hold_is_refused() -> None:
    data = b'<?xml version="1.0" encoding="US-ASCII"?><a/>'
    document = XmlDocument.parse(data, file=FILE)
    patch = XmlPatch(document)
    patch.append(document.root, document.fragment("<é/>", parent=document.root, namespaces={}))
    with pytest.raises(ConfigFileError, match="unreadable"):
        patch.apply()


@pytest.mark.parametrize("name", ["a b", "", "1a", "a/><b", "a:b:c"])
def test_a_new_element_needs_the_name_of_one(name: str) -> None:
    document, patch = start("<a/>")
    with pytest.raises(ConfigFileError, match="is not the name of an element"):
        patch.append(document.root, New(name))


def test_edits_that_overlap_are_refused() -> None:
    document, patch = start("<a><b><c>1</c></b></a>")
    patch.set_text(found(document, "//c"), "2")
    patch.remove(found(document, "//b"))
    with pytest.raises(ConfigFileError, match="overlap"):
        patch.apply()


def test_an_edit_that_would_mean_something_else_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The proof does not rest on the code that makes the splices."""
    monkeypatch.setattr("carbon.xmledit.patch.escape_text", lambda value: f"{value}<!-- -->")
    document, patch = start("<a>\n<b>1</b></a>")
    patch.set_text(found(document, "//b"), "2")
    with pytest.raises(ConfigFileError, match="change more than it should, on line 2"):
        patch.apply()


def test_the_root_can_be_neither_replaced_nor_given_siblings() -> None:
    document, patch = start("<a/>")
    with pytest.raises(ConfigFileError, match="is the root"):
        patch.remove(document.root)
    with pytest.raises(ConfigFileError, match="is the root"):
        patch.insert_after(document.root, FIG)
    with pytest.raises(ConfigFileError, match="is the root"):
        patch.replace(document.root, FIG)


def test_a_character_that_xml_cannot_hold_is_named_and_the_secret_is_not() -> None:
    document, patch = start("<a x='1'/>")
    secret = literal("geheim\x07")
    with pytest.raises(ConfigFileError, match=r"U\+0007") as of_text:
        patch.set_text(document.root, secret)
    with pytest.raises(ConfigFileError, match=r"U\+0007") as of_attribute:
        patch.set_attribute(document.root, "x", secret)
    with pytest.raises(ConfigFileError, match=r"U\+0007") as of_element:
        patch.append(document.root, New("b", secret))
    for caught in (of_text, of_attribute, of_element):
        assert "geheim" not in str(caught.value)


@pytest.mark.parametrize(
    "xpath", ["//", "//p:b", "1 + 1", "//@x", "//text()", "\x00", "\ud800", ""]
)
def test_an_xpath_that_selects_no_elements_is_refused(xpath: str) -> None:
    document, _ = start("<a x='1'>t</a>")
    with pytest.raises(ConfigFileError, match="xpath"):
        document.findall(xpath)


def test_an_element_that_is_there_twice_is_refused_with_its_lines() -> None:
    document, _ = start("<a>\n<b/>\n<b/>\n</a>")
    with pytest.raises(ConfigFileError, match="2 times, on lines 2, 3"):
        document.find("/a/b")
    with pytest.raises(ConfigFileError, match="2 times, on lines 2, 3"):
        document.child(document.root, "b")
