"""The clustering section of axis2.xml: only that, and only what differs."""

from __future__ import annotations

import pytest

from carbon.cluster import Member, Node
from carbon.config import files as config_files
from carbon.config.axis2 import Clustering, read_clustering
from carbon.errors import ConfigFileError
from carbon.home import layout
from tests.unit.carbon.config.samples import AXIS2, ESB_PROPERTIES, changes, crlf
from tests.unit.carbon.nodes import make_node

MEMBERS = (Member(host="10.0.0.3", port=4000), Member(host="10.0.0.2", port=4500))
NODE = make_node(local_member_port=4001, members=MEMBERS)


def patch(data: bytes, node: Node = NODE) -> bytes:
    new = config_files.patch(node, layout.AXIS2, data).data
    assert config_files.patch(node, layout.AXIS2, new).data is new
    return new


def without(name: str, data: bytes = AXIS2) -> bytes:
    """Drop the lines of one parameter, or of `members`."""
    first = f'        <parameter name="{name}"' if name != "members" else "        <members>"
    begin = data.index(first.encode(), data.index(b'<clustering class="org.wso2'))
    end = data.index(b"</members>\n" if name == "members" else b"</parameter>\n", begin)
    return data[:begin] + data[data.index(b"\n", end) + 1 :]


EXPECTED = [
    '-                 enable="false">',
    '+                 enable="true">',
    '-         <parameter name="membershipScheme">multicast</parameter>',
    '+         <parameter name="membershipScheme">wka</parameter>',
    '-         <parameter name="domain">wso2.carbon.domain</parameter>',
    '+         <parameter name="domain">wso2.as.domain</parameter>',
    '-         <parameter name="localMemberHost">127.0.0.1</parameter>',
    '+         <parameter name="localMemberHost">10.0.0.4</parameter>',
    '-         <parameter name="localMemberPort">4000</parameter>',
    '+         <parameter name="localMemberPort">4001</parameter>',
    "-                 <hostName>127.0.0.1</hostName>",
    "+                 <hostName>10.0.0.3</hostName>",
    "+             </member>",
    "+             <member>",
    "+                 <hostName>10.0.0.2</hostName>",
    "+                 <port>4500</port>",
]


def test_only_lines_with_a_changed_value_change() -> None:
    assert changes(AXIS2, patch(AXIS2)) == EXPECTED


def test_crlf_is_kept_on_every_line() -> None:
    new = patch(crlf(AXIS2))
    assert new == crlf(patch(AXIS2))


def test_what_was_written_is_read_back() -> None:
    assert read_clustering(patch(AXIS2)) == Clustering(
        enabled=True,
        agent="org.wso2.carbon.core.clustering.hazelcast.HazelcastClusteringAgent",
        membership_scheme="wka",
        domain="wso2.as.domain",
        local_member_host="10.0.0.4",
        local_member_port=4001,
        sub_domain="worker",
        members=MEMBERS,
        group_management_port=None,
    )
    stock = read_clustering(AXIS2)
    assert (stock.enabled, stock.membership_scheme) == (False, "multicast")


def test_the_packs_agent_is_kept_unless_hosts_yaml_names_another() -> None:
    tribes = "org.apache.axis2.clustering.tribes.TribesClusteringAgent"
    new = patch(AXIS2, make_node(agent=tribes))
    assert read_clustering(new).agent == tribes
    assert b'class="org.example.SampleAgent"' in new


def test_a_clustering_on_one_line_is_edited_too() -> None:
    data = AXIS2.replace(b'Agent"\n                enable="false"', b"Agent\" enable='false'")
    assert b"Agent\" enable='true'>" in patch(data)


def test_a_sub_domain_that_is_only_in_comments_is_inserted_beside_them() -> None:
    begin = AXIS2.index(b'        <parameter name="properties">')
    end = AXIS2.index(b"        <members>") - 1
    data = AXIS2[:begin] + ESB_PROPERTIES + AXIS2[end:]
    other = [line for line in changes(data, patch(data)) if line not in EXPECTED]
    assert other == ['+             <property name="subDomain" value="worker"/>']


def test_another_sub_domain_is_changed_where_it_stands() -> None:
    new = patch(AXIS2, make_node(sub_domain="mgt"))
    assert b'<property name="subDomain" value="mgt"/>' in new
    assert b'subDomain="worker"\n' in new


@pytest.mark.parametrize(
    "name",
    ["membershipScheme", "domain", "localMemberHost", "localMemberPort", "properties", "members"],
)
@pytest.mark.parametrize("ends", [bytes, crlf])
def test_what_is_missing_is_inserted(name: str, ends: type[bytes]) -> None:
    data = ends(without(name))
    assert data != ends(AXIS2)
    new = patch(data)
    assert read_clustering(new) == read_clustering(patch(AXIS2))
    assert new.count(b"\n") == new.count(b"\r\n") or ends is bytes


def test_an_empty_section_is_filled() -> None:
    agent = "org.example.Agent"
    data = f'<axisconfig>\n    <clustering class="{agent}"/>\n</axisconfig>\n'.encode()
    assert patch(data).decode() == (
        f'<axisconfig>\n    <clustering class="{agent}" enable="true">\n'
        '        <parameter name="membershipScheme">wka</parameter>\n'
        '        <parameter name="domain">wso2.as.domain</parameter>\n'
        '        <parameter name="localMemberHost">10.0.0.4</parameter>\n'
        '        <parameter name="localMemberPort">4001</parameter>\n'
        '        <parameter name="properties">\n'
        '            <property name="subDomain" value="worker"/>\n'
        "        </parameter>\n"
        "        <members>\n"
        "            <member>\n"
        "                <hostName>10.0.0.3</hostName>\n"
        "                <port>4000</port>\n"
        "            </member>\n"
        "            <member>\n"
        "                <hostName>10.0.0.2</hostName>\n"
        "                <port>4500</port>\n"
        "            </member>\n"
        "        </members>\n"
        "    </clustering>\n</axisconfig>\n"
    )


@pytest.mark.parametrize("wanted", [(), MEMBERS[:1], MEMBERS, MEMBERS[::-1]])
@pytest.mark.parametrize(
    "present", [(), MEMBERS[:1], MEMBERS, MEMBERS[::-1], (*MEMBERS, MEMBERS[0])]
)
def test_members_are_replaced_whatever_they_were(
    present: tuple[Member, ...], wanted: tuple[Member, ...]
) -> None:
    before = patch(AXIS2, make_node(members=present))
    after = patch(before, make_node(members=wanted))
    assert read_clustering(before).members == present
    assert read_clustering(after).members == wanted


def test_a_member_in_another_form_is_replaced_whole() -> None:
    data = AXIS2.replace(b"<port>4000</port>", b"<port>4000</port><remote>x</remote>")
    assert read_clustering(patch(data)).members == MEMBERS
    assert b"<remote>" not in patch(data)


def test_group_management_is_left_alone_unless_hosts_yaml_has_it() -> None:
    assert b'<groupManagement enable="false">' in patch(AXIS2)
    node = make_node(group_mgt_port=4500)
    new = patch(AXIS2, node)
    assert read_clustering(new).group_management_port == 4500
    assert b'port="4500"/>' in new


def test_group_management_manages_the_domain_of_hosts_yaml() -> None:
    data = AXIS2.replace(b'name="wso2.as.domain"', b'name="wso2.esb.domain"')
    new = patch(data, make_node(group_mgt_port=4500))
    assert b'<applicationDomain name="wso2.as.domain"' in new


@pytest.mark.parametrize(
    ("old", "new", "seen"),
    [
        (b"<clustering class=", b"<gathering class=", "not well-formed"),
        (b"    </clustering>\n", b'    </clustering>\n    <clustering class="a"/>\n', "2 times"),
        (b"axisconfig", b"axis", "no live <clustering>"),
        (b'class="org.wso2.carbon.core.clustering.hazelcast.HazelcastClusteringAgent"', b"",
         "has no class"),
        (b'<parameter name="mcastPort">45564<', b'<parameter name="domain">x<', "2 times"),
    ],
)  # fmt: skip
def test_a_section_that_is_not_clear_is_refused(old: bytes, new: bytes, seen: str) -> None:
    with pytest.raises(ConfigFileError, match=seen) as caught:
        patch(AXIS2.replace(old, new))
    assert caught.value.file == "repository/conf/axis2/axis2.xml"
    assert caught.value.action


def test_a_section_in_a_comment_does_not_count() -> None:
    begin, end = AXIS2.index(b"    <clustering class"), AXIS2.index(b"</axisconfig>")
    with pytest.raises(ConfigFileError, match="no live <clustering>"):
        patch(AXIS2[:begin] + AXIS2[end:])


def test_group_management_without_its_section_is_refused() -> None:
    begin, end = AXIS2.index(b"        <groupManagement"), AXIS2.index(b"    </clustering>")
    with pytest.raises(ConfigFileError, match="applicationDomain"):
        patch(AXIS2[:begin] + AXIS2[end:], make_node(group_mgt_port=1))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'localMemberPort">4000', b'localMemberPort">four'),
        (b"<port>4000</port>", b"<port>\xc2\xb2</port>"),
        (b"<port>4000</port>", b""),
    ],
)
def test_reading_a_port_that_is_none_is_a_refusal(old: bytes, new: bytes) -> None:
    with pytest.raises(ConfigFileError) as caught:
        read_clustering(AXIS2.replace(old, new))
    assert caught.value.line
