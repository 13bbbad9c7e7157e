"""The entries of `files`: a value, an attribute, or a fragment that is inserted once."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest

from carbon.cluster import FileEdit
from carbon.config import files as config_files
from carbon.config.carbon_xml import read_carbon
from carbon.errors import ConfigFileError
from carbon.secret import literal
from tests.unit.carbon.config.samples import CARBON_XML, CATALINA, REGISTRY, changes
from tests.unit.carbon.nodes import make_node

PATH = PurePosixPath("repository/conf/registry.xml")
CARBON = {"c": "http://wso2.org/projects/carbon/carbon.xml"}
VAULT = "http://org.wso2.securevault/configuration"
MOUNT = """\
<mount path="/_system/config" overwrite="true">
    <instanceId>shared</instanceId>
    <targetPath>/_system/as</targetPath>
</mount>
"""


def patch(data: bytes, *edits: FileEdit) -> bytes:
    path = PurePosixPath("repository/conf") / edits[0].file
    node = make_node(files=edits, host_name=None, offset=0)
    new = config_files.patch(node, path, data).data
    assert config_files.patch(node, path, new).data is new
    return new


def registry(xpath: str, **form: object) -> FileEdit:
    file = PurePosixPath("registry.xml")
    return FileEdit(file=file, xpath=xpath, inventory="lab.yaml", line=12, **form)  # type: ignore[arg-type]


def test_a_value_is_the_text_of_the_element() -> None:
    new = patch(REGISTRY, registry("/wso2registry/readOnly", value=literal("true")))
    assert changes(REGISTRY, new) == [
        "-     <readOnly>false</readOnly>\r",
        "+     <readOnly>true</readOnly>\r",
    ]


def test_an_attribute_is_set_or_added() -> None:
    first = registry("/wso2registry/dbConfig", attribute="name", value="shared&registry")
    second = registry("/wso2registry/readOnly", attribute="x", value="1")
    assert changes(REGISTRY, patch(REGISTRY, first, second)) == [
        "-     <readOnly>false</readOnly>\r",
        '+     <readOnly x="1">false</readOnly>\r',
        '-     <dbConfig name="wso2registry">\r',
        '+     <dbConfig name="shared&amp;registry">\r',
    ]


def test_a_fragment_is_inserted_once_as_the_last_child() -> None:
    new = patch(REGISTRY, registry("/wso2registry", fragment=MOUNT))
    assert changes(REGISTRY, new) == [
        '+     <mount path="/_system/config" overwrite="true">\r',
        "+         <instanceId>shared</instanceId>\r",
        "+         <targetPath>/_system/as</targetPath>\r",
        "+     </mount>\r",
    ]


def test_a_fragment_that_is_there_in_another_layout_is_there() -> None:
    one_line = b"<mount overwrite='true' path='/_system/config'><!-- c --><instanceId> shared"
    one_line += b"</instanceId><targetPath>/_system/as</targetPath></mount></wso2registry>"
    data = REGISTRY.replace(b"</wso2registry>", one_line)
    assert patch(data, registry("/wso2registry", fragment=MOUNT)) is data


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('<m path="/a"><x>1</x></m>', '<m path="/a"><x>2</x></m>'),
        ('<m name="a" y="1"/>', '<m name="a" y="2"/>'),
        ("<m><id>a</id><x>1</x></m>", "<m><id>a</id></m>"),
    ],
)
def test_a_new_version_of_a_fragment_takes_the_place_of_the_old(old: str, new: str) -> None:
    before = patch(REGISTRY, registry("/wso2registry", fragment=old))
    after = patch(before, registry("/wso2registry", fragment=new))
    assert after == patch(REGISTRY, registry("/wso2registry", fragment=new))


def test_fragments_that_only_share_their_url_stand_side_by_side() -> None:
    one = '<remoteInstance url="https://localhost:9443/registry"><id>config</id></remoteInstance>'
    other = one.replace("config", "governance")
    edits = [registry("/wso2registry", fragment=each) for each in (one, other)]
    assert patch(REGISTRY, *edits).count(b"<remoteInstance url=") == 2


def test_a_fragment_takes_the_default_namespace_of_its_place() -> None:
    file = PurePosixPath("carbon.xml")
    edit = FileEdit(
        file=file, xpath="/c:Server/c:Security", namespaces=CARBON, fragment="<Extra>1</Extra>"
    )
    new = patch(CARBON_XML, edit)
    assert changes(CARBON_XML, new) == ["+         <Extra>1</Extra>"]
    read = FileEdit(file=file, xpath="/c:Server/c:Security/c:Extra", namespaces=CARBON, value="1")
    assert patch(new, read) is new


def test_a_fragment_brings_the_prefixes_that_it_needs() -> None:
    fragment = '<password svns:secretAlias="Registry.Password"/>'
    edit = registry("/wso2registry/dbConfig", namespaces={"svns": VAULT}, fragment=fragment)
    expected = f'        <password xmlns:svns="{VAULT}" svns:secretAlias="Registry.Password"/>\r\n'
    assert expected.encode() in patch(REGISTRY, edit)


def test_edits_are_made_in_their_order_so_one_may_build_on_another() -> None:
    inserted = registry("/wso2registry", fragment="<new/>")
    filled = registry("/wso2registry/new", attribute="x", value="1")
    node = make_node(files=(inserted, filled))
    with pytest.raises(ConfigFileError, match="anew with every run"):
        config_files.patch(node, PATH, REGISTRY)
    replaced = registry("/wso2registry", fragment='<new name="a"/>')
    later = registry("/wso2registry/new", attribute="y", value="1")
    assert b'<new name="a" y="1"/>' in patch(REGISTRY, replaced, later)


def test_an_edit_of_a_file_of_the_guide_comes_after_that() -> None:
    edit = FileEdit(
        file=PurePosixPath("carbon.xml"),
        xpath="/c:Server/c:Ports/c:JMX/c:RMIServerPort",
        namespaces=CARBON,
        value="11112",
    )
    node = make_node(files=(edit,), offset=3)
    new = config_files.patch(node, PurePosixPath("repository/conf/carbon.xml"), CARBON_XML).data
    assert read_carbon(new).offset == 3
    assert b"<RMIServerPort>11112</RMIServerPort>" in new


def test_a_secured_value_or_attribute_is_left_alone_and_named() -> None:
    data = REGISTRY.replace(
        b"<readOnly>", f'<readOnly xmlns:svns="{VAULT}" svns:secretAlias="a">'.encode()
    ).replace(b"<dbConfig ", f'<dbConfig xmlns:svns="{VAULT}" svns:name="b" '.encode())
    edits = (
        registry("/wso2registry/readOnly", value="true"),
        registry("/wso2registry/dbConfig", attribute="name", value="x"),
    )
    assert patch(data, *edits) is data
    secured = config_files.patch(make_node(files=edits), PATH, data).secured
    assert secured == ("/wso2registry/readOnly", "name")


def test_what_a_secret_replaces_is_told_so_that_no_diff_shows_it() -> None:
    """Names that sound harmless included: hosts.yaml calls the value a secret."""
    edits = (
        registry("/wso2registry/readOnly", value=literal("new")),
        registry("/wso2registry/dbConfig", attribute="name", value=literal("new")),
        registry("/wso2registry/currentDBConfig", value="no secret"),
    )
    outdated = config_files.outdated_secrets(make_node(files=edits), PATH, REGISTRY)
    assert outdated == ("false", "wso2registry")
    assert config_files.outdated_secrets(make_node(files=edits[2:]), PATH, REGISTRY) == ()


def test_a_fragment_never_replaces_a_value_that_was_secured_since() -> None:
    for fragment in (
        "<db><password>geheim</password><x>1</x></db>",
        '<db name="a"><password>geheim</password><x>1</x></db>',
    ):
        edit = registry("/wso2registry", fragment=fragment)
        alias = f'<password xmlns:svns="{VAULT}" svns:secretAlias="A">'.encode()
        data = patch(REGISTRY, edit).replace(b"<password>geheim", alias)
        assert alias in data
        assert patch(data, edit) is data
        assert config_files.patch(make_node(files=(edit,)), PATH, data).secured == ("password",)


def test_another_version_of_an_element_with_secured_values_is_refused() -> None:
    edit = registry("/wso2registry", fragment='<db name="a"><password>p</password><x>2</x></db>')
    present = f'<db name="a"><password xmlns:s="{VAULT}" s:secretAlias="A"/><x>1</x></db>'.encode()
    with pytest.raises(ConfigFileError, match="Secure Vault"):
        patch(REGISTRY.replace(b"</wso2registry>", present + b"</wso2registry>"), edit)


def test_an_attribute_has_the_prefix_of_the_file() -> None:
    data = CATALINA.replace(b"<Server ", f'<Server xmlns:s="{VAULT}" '.encode())
    edit = FileEdit(
        file=PurePosixPath("tomcat/catalina-server.xml"),
        xpath="/Server/Service",
        namespaces={"svns": VAULT},
        attribute="svns:name",
        value="Alias",
    )
    assert b'name="Catalina" s:name="Alias"' in patch(data, edit)
    with pytest.raises(ConfigFileError, match="declares no prefix"):
        patch(CATALINA, edit)


@pytest.mark.parametrize(
    ("edit", "seen"),
    [
        (registry("/wso2registry/mount", value="x"), "selects no live element"),
        (registry("//dataSource | //readOnly", value="x"), "selects 2 elements, on lines 4, 7"),
        (registry("//mount[", value="x"), "cannot be evaluated"),
        (registry("//x:mount", value="x"), "cannot be evaluated"),
        (registry("//dbConfig/@name", value="x"), "something other than elements"),
        (registry("/wso2registry", value="x"), "has elements in it"),
        (registry("/wso2registry/readOnly", value="\x00"), r"U\+0000"),
        (registry("/wso2registry/readOnly", attribute="a b", value="x"), "is not the name"),
        (registry("/wso2registry", fragment="<a>"), "the fragment:1: it is not well-formed"),
        (registry("/wso2registry", fragment="<a/><b/>"), "not exactly one element"),
    ],
)
def test_an_edit_that_cannot_be_made_names_its_line_of_hosts_yaml(
    edit: FileEdit, seen: str
) -> None:
    with pytest.raises(ConfigFileError, match=seen) as caught:
        patch(REGISTRY, edit)
    assert caught.value.file == str(PATH)
    assert "(lab.yaml, line 12)" in caught.value.action


def test_plain_names_in_a_file_with_a_namespace_are_explained() -> None:
    edit = FileEdit(file=PurePosixPath("carbon.xml"), xpath="/Server/HostName", value="x")
    with pytest.raises(ConfigFileError, match="selects no live element") as caught:
        patch(CARBON_XML, edit)
    assert "http://wso2.org/projects/carbon/carbon.xml" in caught.value.action


def test_a_key_that_is_there_twice_is_refused() -> None:
    twice = REGISTRY.replace(b"</wso2registry>", b'<m name="a"/><m name="a"/></wso2registry>')
    with pytest.raises(ConfigFileError, match="with name 'a' is there 2 times"):
        patch(twice, registry("/wso2registry", fragment='<m name="a" x="1"/>'))


def test_a_file_that_is_no_xml_is_refused() -> None:
    edit = FileEdit(file=PurePosixPath("log4j.properties"), xpath="/a", value="x")
    with pytest.raises(ConfigFileError, match="not well-formed"):
        patch(b"log4j.rootLogger=ERROR\n", edit)
