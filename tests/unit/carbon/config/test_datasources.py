"""Datasources are edited if they are there, and added if not."""

from __future__ import annotations

import pytest

from carbon.cluster import Datasource
from carbon.config import files as config_files
from carbon.config.datasources import DatasourceSettings, read_datasources
from carbon.errors import ConfigFileError
from carbon.home import layout
from carbon.secret import Secret, literal
from tests.unit.carbon.config.samples import DATASOURCES, changes, crlf
from tests.unit.carbon.nodes import make_node

URL = "jdbc:mariadb://carbondb.mysql-wso2.com:3306/regdb?autoReconnect=true&useSSL=false"
DRIVER = "org.mariadb.jdbc.Driver"
LOCAL = Datasource(
    name="WSO2_CARBON_DB",
    url=URL,
    driver_class_name=DRIVER,
    username="regadmin",
    password=literal("ge]]>heim"),
    properties={"maxActive": "80", "testOnBorrow": "true"},
)
SHARED = Datasource(
    name="WSO2_UM_DB",
    url=URL,
    driver_class_name=DRIVER,
    password=literal("geheim"),
    jndi_name="jdbc/WSO2UMDB",
    description="Users & roles",
)


def patch(data: bytes, *datasources: Datasource) -> bytes:
    node = make_node(datasources=datasources)
    new = config_files.patch(node, layout.DATASOURCES, data).data
    assert config_files.patch(node, layout.DATASOURCES, new).data is new
    return new


EDITED = [
    "-                     <url>jdbc:h2:repository/database/WSO2CARBON_DB</url>",
    "-                     <username>wso2carbon</username>",
    "-                     <password>wso2carbon</password>",
    "-                     <driverClassName>org.h2.Driver</driverClassName>",
    "-                     <maxActive>50</maxActive>",
    f"+                     <url>{URL.replace('&', '&amp;')}</url>",
    "+                     <username>regadmin</username>",
    "+                     <password>ge]]&gt;heim</password>",
    "+                     <driverClassName>org.mariadb.jdbc.Driver</driverClassName>",
    "+                     <maxActive>80</maxActive>",
    "+                     <testOnBorrow>true</testOnBorrow>",
]
ADDED = """\
        <datasource>
            <name>WSO2_UM_DB</name>
            <description>Users &amp; roles</description>
            <jndiConfig>
                <name>jdbc/WSO2UMDB</name>
            </jndiConfig>
            <definition type="RDBMS">
                <configuration>
                    <url>jdbc:mariadb://carbondb.mysql-wso2.com:3306/regdb?autoReconnect=true&amp;useSSL=false</url>
                    <password>geheim</password>
                    <driverClassName>org.mariadb.jdbc.Driver</driverClassName>
                </configuration>
            </definition>
        </datasource>
"""


@pytest.mark.parametrize("ends", [bytes, crlf])
def test_only_lines_with_a_changed_value_change(ends: type[bytes]) -> None:
    new = patch(ends(DATASOURCES), LOCAL).replace(b"\r", b"")
    assert sorted(changes(DATASOURCES, new)) == sorted(EDITED)


def test_one_that_is_missing_is_built_like_its_neighbours_and_stands_behind_them() -> None:
    first = b"        </datasource>\n"
    new = patch(DATASOURCES, SHARED)
    assert new == DATASOURCES.replace(first, first + ADDED.encode(), 1)
    assert patch(crlf(DATASOURCES), SHARED) == crlf(new)


def test_several_are_added_in_their_order() -> None:
    other = Datasource(name="A", url="u", driver_class_name="d", jndi_name="jdbc/A")
    names = [each.name for each in read_datasources(patch(DATASOURCES, LOCAL, SHARED, other))]
    assert names == ["WSO2_CARBON_DB", "WSO2_UM_DB", "A"]


def test_the_first_of_all_is_added_too() -> None:
    data = b"<datasources-configuration>\n  <datasources/>\n</datasources-configuration>\n"
    new = patch(data, SHARED)
    assert b"  <datasources>\n    <datasource>\n      <name>WSO2_UM_DB</name>\n" in new


def test_a_sample_in_a_comment_is_not_there() -> None:
    sample = Datasource(
        name="SAMPLE_DATA_SOURCE", url="u", driver_class_name="d", jndi_name="jdbc/sample"
    )
    new = patch(DATASOURCES, sample)
    assert len(read_datasources(new)) == 2
    assert DATASOURCES[DATASOURCES.index(b"<!--") :] in new


def test_jndi_name_and_description_are_edited_where_hosts_yaml_has_them() -> None:
    changed = Datasource(
        name="WSO2_CARBON_DB",
        url=URL,
        driver_class_name=DRIVER,
        jndi_name="jdbc/Other",
        description="The central one",
    )
    new = patch(DATASOURCES, changed)
    assert b"<name>jdbc/Other</name>" in new
    assert b"<description>The central one</description>" in new
    assert b"<username>wso2carbon</username>" in new


def test_missing_children_are_inserted_in_the_usual_order() -> None:
    data = DATASOURCES.replace(b"                    <username>wso2carbon</username>\n", b"")
    new = patch(data, LOCAL)
    assert b"</url>\n                    <username>regadmin</username>\n" in new
    begin, end = new.index(b"            <jndiConfig>"), new.index(b"            <definition")
    named = Datasource(name="WSO2_CARBON_DB", url="u", driver_class_name="d", jndi_name="jdbc/X")
    assert b"</description>\n            <jndiConfig>\n" in patch(new[:begin] + new[end:], named)


def test_what_was_written_is_read_back_without_the_password() -> None:
    local, shared = read_datasources(patch(DATASOURCES, LOCAL, SHARED))
    assert local == DatasourceSettings(
        name="WSO2_CARBON_DB",
        jndi_name="jdbc/WSO2CarbonDB",
        url=URL,
        username="regadmin",
        driver_class_name=DRIVER,
        password_secured=False,
    )
    assert (shared.jndi_name, shared.username) == ("jdbc/WSO2UMDB", None)


def test_a_secured_password_stays_and_is_named() -> None:
    data = DATASOURCES.replace(
        b"<password>wso2carbon</password>", b'<password svns:secretAlias="Carbon.DB"></password>'
    )
    node = make_node(datasources=(LOCAL,))
    new = patch(data, LOCAL)
    assert b'<password svns:secretAlias="Carbon.DB"></password>' in new
    assert b"heim" not in new
    secured = ("WSO2_CARBON_DB/password",)
    assert config_files.patch(node, layout.DATASOURCES, data).secured == secured
    assert read_datasources(new)[0].password_secured


def test_a_secret_that_cannot_be_had_leaves_the_file_alone() -> None:
    unset = Secret("env", "NO_SUCH_VARIABLE_IN_THIS_TEST")
    datasource = Datasource(name="WSO2_CARBON_DB", url="u", driver_class_name="d", password=unset)
    with pytest.raises(Exception, match="NO_SUCH_VARIABLE_IN_THIS_TEST"):
        patch(DATASOURCES, datasource)


def test_one_without_a_jndi_name_is_not_added() -> None:
    unnamed = Datasource(name="WSO2_UM_DB", url="u", driver_class_name="d")
    with pytest.raises(ConfigFileError, match="no datasource WSO2_UM_DB") as caught:
        patch(DATASOURCES, unnamed)
    assert "a jndi in hosts.yaml" in caught.value.action


@pytest.mark.parametrize(
    ("old", "new", "seen"),
    [
        (b"    <datasources>\n", b"    <datasources><datasource><name>WSO2_CARBON_DB </name>"
         b"</datasource>\n", "is there 2 times, on lines 3, 5"),
        (b"<configuration>", b"<configuration/><configuration>", "2 times"),
        (b"definition", b"definitions", "no <definition>"),
    ],
)  # fmt: skip
def test_a_file_that_is_not_clear_is_refused(old: bytes, new: bytes, seen: str) -> None:
    with pytest.raises(ConfigFileError, match=seen):
        patch(DATASOURCES.replace(old, new), LOCAL)


def test_a_file_without_datasources_is_refused() -> None:
    with pytest.raises(ConfigFileError, match="no <datasources>"):
        patch(b"<datasources-configuration/>", SHARED)


def test_a_property_that_is_no_element_name_is_refused() -> None:
    bad = Datasource(name="WSO2_CARBON_DB", url="u", driver_class_name="d", properties={"a/>": "1"})
    with pytest.raises(ConfigFileError, match="'a/>' is not the name of an element"):
        patch(DATASOURCES, bad)


XA = b"""<datasources-configuration xmlns:svns="http://org.wso2.securevault/configuration">
  <datasources>
    <datasource>
      <name>WSO2_UM_DB</name>
      <jndiConfig><name>jdbc/WSO2UMDB</name></jndiConfig>
      <definition type="RDBMS">
        <configuration>
          <dataSourceClassName>org.example.XADataSource</dataSourceClassName>
          <dataSourceProps><property name="url">jdbc:mariadb://old:3306/OLD</property></dataSourceProps>
        </configuration>
      </definition>
    </datasource>
  </datasources>
</datasources-configuration>
"""


@pytest.mark.parametrize("without", [b"dataSourceClassName", b"dataSourceProps", b"nothing"])
def test_an_xa_data_source_is_refused_by_name(without: bytes) -> None:
    """A <url> beside its properties has no effect: the server would go on to the old database."""
    data = b"\n".join(line for line in XA.split(b"\n") if without not in line)
    with pytest.raises(ConfigFileError, match="WSO2_UM_DB is an XA data source") as refusal:
        patch(data, SHARED)
    assert "files:" in refusal.value.action


def test_a_data_source_of_another_type_is_refused_by_name() -> None:
    """Another reader of the product reads its configuration, and knows no <url>."""
    plain = b"\n".join(line for line in XA.split(b"\n") if b"dataSource" not in line)
    custom = plain.replace(b'type="RDBMS"', b'type="CASSANDRA"')
    with pytest.raises(ConfigFileError, match="is of the type CASSANDRA, not RDBMS") as refusal:
        patch(custom, SHARED)
    assert refusal.value.action
    assert b"<url>" in patch(plain.replace(b' type="RDBMS"', b""), SHARED)


def test_a_jndi_name_that_another_datasource_has_is_refused() -> None:
    """Two datasources of one JNDI name: which of them a component gets, nobody can say."""
    other = DATASOURCES.replace(b"jdbc/WSO2CarbonDB", b"jdbc/WSO2UMDB")
    assert other != DATASOURCES
    with pytest.raises(ConfigFileError, match="WSO2_CARBON_DB has the JNDI name jdbc/WSO2UMDB"):
        patch(other, SHARED)
