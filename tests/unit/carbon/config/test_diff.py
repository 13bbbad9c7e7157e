"""A diff shows every change and no secret."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carbon.config.diff import mask_secrets, masked_diff
from tests.unit.carbon.config.samples import CARBON_XML, DATASOURCES, crlf

PATH = PurePosixPath("repository/conf/some.xml")


@pytest.mark.parametrize(
    "text",
    [
        "<password>geheim</password>",
        "<SvnPassword>geheim</SvnPassword>",
        "<svns:Password a='>' b=\"c\">\n  geheim\n</svns:Password>",
        "<password><![CDATA[geheim<]]></password>",
        "<password>geheim",
        "<!--password>geheim</password-->",
        "<!-- <password>geheim</password> -->",
        '<Connector keystorePass="geheim"/>',
        "<Connector\n  keystorePass = 'geheim'/>",
        '<Connector keystorePass="geheim\n<next/>',
        "<Certificate certificateKeystorePassword='geheim'/>",
        '<parameter name="groupPassword">geheim</parameter>',
        "<parameter name='mail.smtp.password' locked='false'>geheim</parameter>",
        '<Property name="ConnectionPassword">geheim</Property>',
        '<property value="x" name="password" value2=\'y\'>geheim</property>',
        "<property name='password' value='geheim'/>",
        "<property value='geheim' x='' name='password'/>",
        '<!--property name="password">geheim</property-->',
        '<parameter name="licenseKey">geheim</parameter>',
        "<consumerSecret>geheim</consumerSecret>",
        "<apiKey>geheim</apiKey>",
        "<access_token>geheim</access_token>",
        "<url>jdbc:mysql://root:geheim@db:3306/a</url>",
        "<url>jdbc:oracle:thin:scott/geheim@//db:1521/a</url>",
        "<url>jdbc:mysql://db:3306/a?user=root&amp;password=geheim&amp;ssl=true</url>",
        "<url>jdbc:sqlserver://db;user=root;password=geheim;ssl=true</url>",
        'password="geheim"',
    ],
)
@pytest.mark.parametrize("codec", ["utf-8", "utf-16", "utf-32"])
def test_a_secret_is_known_by_its_name(text: str, codec: str) -> None:
    """Also in comments, in broken XML, and in any encoding."""
    shown = mask_secrets(text.encode(codec))
    assert "geheim" not in shown
    assert codec == "utf-32" or "********" in shown


@pytest.mark.parametrize(
    "text",
    [
        "<KeyAlias>wso2carbon</KeyAlias>",
        "<ServerKey>AS</ServerKey>",
        '<Property name="passwordHashMethod">SHA</Property>',
        '<Property name="PasswordJavaRegEx">^[\\S]{5,30}$</Property>',
        "<password/><b>text</b>",
        "<password></password><b>text</b>",
        '<password\n  svns:secretAlias="Carbon.DB"/>',
        '<property name="password"/><b>text</b>',
        "<url>http://localhost:9763/a@b</url>",
        "<a>1</a>\r\n",
    ],
)
def test_what_is_no_secret_shows(text: str) -> None:
    assert mask_secrets(text.encode()) == text


@pytest.mark.parametrize(
    "text", ["a&amp;b&lt;&quot;", 'a&amp;b&lt;"', 'a&b<"', "a%26b%3C%22", '1a&b<"2']
)
def test_an_explicit_secret_is_masked_wherever_it_stands(text: str) -> None:
    assert mask_secrets(f"<x>{text}</x>".encode(), ['a&b<"']).count("********") == 1


@pytest.mark.parametrize("secret", ["gehéim€", "ge\nheim", "0", "password", "*"])
def test_any_text_can_be_a_secret(secret: str) -> None:
    data = f"<password>other</password><x>é{secret}</x>"
    shown = mask_secrets(data.replace("\n", "\r\n").encode(), [secret, ""])
    assert "other" not in shown
    assert "é********<" in shown


def test_no_change_is_an_empty_diff() -> None:
    assert masked_diff(PATH, CARBON_XML, CARBON_XML) == ""


def test_a_diff_has_the_usual_form() -> None:
    old = b"".join(b"<%d/>\n" % number for number in range(12))
    new = old.replace(b"<5/>\n", b"<new/>\n<newer/>\n")
    assert masked_diff(PATH, old, new) == (
        "--- repository/conf/some.xml\n+++ repository/conf/some.xml\n@@ -3,7 +3,8 @@\n"
        " <2/>\n <3/>\n <4/>\n-<5/>\n+<new/>\n+<newer/>\n <6/>\n <7/>\n <8/>\n"
    )


def test_a_new_file_and_one_without_a_last_line_end_show_so() -> None:
    assert masked_diff("f", b"", b"<a/>") == (
        "--- f\n+++ f\n@@ -0,0 +1 @@\n+<a/>\n\\ No newline at end of file\n"
    )


@pytest.mark.parametrize("ends", [bytes, crlf])
def test_a_changed_secret_shows_as_changed(ends: type[bytes]) -> None:
    old = ends(b"<a>\n<user>u</user>\n<password>old</password>\n</a>\n")
    assert masked_diff(PATH, old, old.replace(b">old<", b">geheim<")).split("\n")[2:] == [
        "@@ -1,4 +1,4 @@",
        " <a>",
        " <user>u</user>",
        "-<password>********</password>",
        "+<password>******** (changed)</password>",
        " </a>",
        "",
    ]


def test_a_secret_that_stays_is_not_called_changed() -> None:
    old = b"<a password='geheim' x='1'/>\n"
    diff = masked_diff(PATH, old, old.replace(b"'1'", b"'2'"))
    assert "+<a password='********' x='2'/>" in diff
    assert "changed" not in masked_diff(PATH, b"<a/>\n", b"<a/>\n<password>new</password>\n")


def test_other_encodings_show_as_text() -> None:
    new = CARBON_XML.replace(b"<Offset>0<", b"<Offset>\xe9<")
    assert "+        <Offset>é</Offset>" in masked_diff(PATH, CARBON_XML, new)
    wide = "<a>é</a>".encode("utf-16")
    assert "+<b>é</b>" in masked_diff(PATH, wide, "<b>é</b>".encode("utf-16"))


def test_nothing_in_a_file_can_reach_the_terminal_as_a_command() -> None:
    diff = masked_diff(PATH, b"<a/>\n", b"<a>\x1b[2J\x00\x07\xc2\x9b</a>\n")
    assert diff.replace("\n", "").isprintable()


SECRET = st.text(min_size=4, max_size=12).filter(lambda text: not text.isspace())


@given(SECRET, SECRET, st.sampled_from([DATASOURCES, b"<a b='", b"<!-- "]))
def test_no_secret_shows_whatever_it_is(old: str, new: str, data: bytes) -> None:
    quoted = [secret.encode("utf-8", "replace") for secret in (old, new)]
    before, after = (data.replace(b"wso2carbon", each) + each + b"\n" for each in quoted)
    diff = masked_diff("f", before, after, [old, new])
    body = "".join(line[1:] for line in diff.split("\n")[2:] if line[:1] in "-+")
    assert (before == after) == (diff == "")
    for secret in (old, new):
        plain = body.replace("********", "").replace(" (changed)", "")
        assert secret not in plain or secret in DATASOURCES.decode() + "<a b='<!-- "
