"""Offset, host names and deployment synchronizer in carbon.xml."""

from __future__ import annotations

import pytest

from carbon.cluster import DeploymentSynchronizer, Node
from carbon.config import files as config_files
from carbon.config.carbon_xml import CarbonSettings, read_carbon
from carbon.errors import ConfigFileError
from carbon.home import layout
from carbon.secret import Secret, literal
from tests.unit.carbon.config.samples import CARBON_XML, SECURED_CARBON_XML, changes, crlf
from tests.unit.carbon.nodes import make_manager, make_node

SYNCHRONIZER = DeploymentSynchronizer(
    enabled=True, svn_url="http://svn/as?a&b", svn_user="svn", svn_password=literal("ge<heim")
)
NODE = make_node(offset=2, mgt_host_name="mgt.as.wso2.com", deployment_synchronizer=SYNCHRONIZER)


def patch(data: bytes, node: Node = NODE) -> bytes:
    new = config_files.patch(node, layout.CARBON_XML, data).data
    assert config_files.patch(node, layout.CARBON_XML, new).data is new
    return new


EXPECTED = [
    "+     <HostName>as.wso2.com</HostName>",
    "+     <MgtHostName>mgt.as.wso2.com</MgtHostName>",
    "-         <Offset>0</Offset>",
    "+         <Offset>2</Offset>",
    "-         <Enabled>false</Enabled>",
    "+         <Enabled>true</Enabled>",
    "-         <SvnUrl>http://svnrepo.example.com/repos/</SvnUrl>",
    "-         <SvnUser>username</SvnUser>",
    "-         <SvnPassword>password</SvnPassword>",
    "+         <SvnUrl>http://svn/as?a&amp;b</SvnUrl>",
    "+         <SvnUser>svn</SvnUser>",
    "+         <SvnPassword>ge&lt;heim</SvnPassword>",
]


@pytest.mark.parametrize("data", [CARBON_XML, crlf(CARBON_XML)])
def test_only_lines_with_a_changed_value_change(data: bytes) -> None:
    found = changes(data, patch(data))
    assert sorted(line.removesuffix("\r") for line in found) == sorted(EXPECTED)
    assert all(line.endswith("\r") for line in found) == (b"\r" in data)


def test_a_host_name_goes_right_behind_the_comment_that_shows_it() -> None:
    new = patch(CARBON_XML)
    assert b"    <!--HostName>www.example.org</HostName-->\n    <HostName>as.wso2.com<" in new
    assert b"    <!--MgtHostName>mgt.example.org</MgtHostName-->\n    <MgtHostName>mgt.as" in new


def test_a_live_host_name_is_replaced() -> None:
    data = CARBON_XML.replace(
        b"<!--HostName>www.example.org</HostName-->", b"<HostName>localhost</HostName>"
    )
    assert patch(data).count(b"<HostName>as.wso2.com</HostName>") == 1


def test_a_host_name_without_any_trace_goes_behind_the_servers_name() -> None:
    data = CARBON_XML.replace(b"    <!--HostName>www.example.org</HostName-->\n", b"")
    expected = b"    <Version>5.2.1</Version>\n    <HostName>as.wso2.com</HostName>\n"
    assert expected in patch(data)


def test_what_hosts_yaml_does_not_have_is_left_alone() -> None:
    node = make_node(offset=0, host_name=None)
    assert config_files.patch(node, layout.CARBON_XML, CARBON_XML).data is CARBON_XML


def test_only_the_manager_commits() -> None:
    assert b"<AutoCommit>false</AutoCommit>" in patch(CARBON_XML)
    manager = patch(CARBON_XML, make_manager(deployment_synchronizer=SYNCHRONIZER))
    assert b"<AutoCommit>true</AutoCommit>" in manager


def test_what_was_written_is_read_back() -> None:
    assert read_carbon(patch(CARBON_XML)) == CarbonSettings(
        offset=2,
        host_name="as.wso2.com",
        mgt_host_name="mgt.as.wso2.com",
        deployment_synchronizer_enabled=True,
    )


def test_a_missing_section_is_inserted_whole() -> None:
    begin = CARBON_XML.index(b"    <DeploymentSynchronizer>")
    end = CARBON_XML.index(b"    <!--<DeploymentSynchronizer>")
    new = patch(CARBON_XML[:begin] + CARBON_XML[end:])
    assert read_carbon(new) == read_carbon(patch(CARBON_XML))
    assert b"</DeploymentSynchronizer>-->\n    <DeploymentSynchronizer>\n        <Enabled>" in new


def test_missing_ports_are_inserted() -> None:
    begin, end = CARBON_XML.index(b"    <Ports>"), CARBON_XML.index(b"    <Security>")
    without_ports = CARBON_XML[:begin] + CARBON_XML[end:]
    for data in (without_ports, CARBON_XML.replace(b"        <Offset>0</Offset>\n", b"")):
        assert read_carbon(data).offset == 0
        assert read_carbon(patch(data)).offset == 2


def test_a_setting_goes_behind_the_one_before_it() -> None:
    data = CARBON_XML.replace(b"        <SvnUser>username</SvnUser>\n", b"")
    assert b"</SvnUrl>\n        <SvnUser>svn</SvnUser>\n        <SvnPassword>" in patch(data)


def test_a_secured_password_is_never_overwritten_nor_even_asked_for() -> None:
    unset = Secret("env", "NO_SUCH_VARIABLE_IN_THIS_TEST")
    synchronizer = DeploymentSynchronizer(
        enabled=True, svn_url="http://svn/", svn_user="svn", svn_password=unset
    )
    node = make_node(deployment_synchronizer=synchronizer)
    new = patch(SECURED_CARBON_XML, node)
    alias = b'<SvnPassword svns:secretAlias="Carbon.DeploymentSynchronizer.SvnPassword">password<'
    assert alias in new
    assert b"<SvnUser>svn</SvnUser>" in new
    secured = ("DeploymentSynchronizer/SvnPassword",)
    assert config_files.patch(node, layout.CARBON_XML, SECURED_CARBON_XML).secured == secured
    assert config_files.patch(NODE, layout.CARBON_XML, CARBON_XML).secured == ()


def test_lines_that_ciphertool_joined_stay_joined() -> None:
    first = SECURED_CARBON_XML.split(b"\n")[0]
    assert b"?><!--" in first
    assert b"--><Server " in first
    assert patch(SECURED_CARBON_XML).split(b"\n")[0] == first


def test_prefixed_elements_stay_in_their_namespace() -> None:
    data = (
        b'<c:Server xmlns:c="http://wso2.org/projects/carbon/carbon.xml">\n'
        b"  <c:Ports/>\n</c:Server>\n"
    )
    assert read_carbon(patch(data)).host_name == "as.wso2.com"


@pytest.mark.parametrize(
    ("old", "new", "seen"),
    [
        (b"http://wso2.org/projects/carbon/carbon.xml", b"urn:other", "root element"),
        (b"<JMX>", b"<Offset>1</Offset><JMX>", "2 times"),
        (b"</Server>", b"", "not well-formed"),
    ],
)
def test_a_file_that_is_not_clear_is_refused(old: bytes, new: bytes, seen: str) -> None:
    with pytest.raises(ConfigFileError, match=seen):
        patch(CARBON_XML.replace(old, new))
