"""The clustering section of axis2.xml.

Element and parameter names: Carbon kernel 4.2.0 to 4.9.x, repository/conf/axis2/axis2.xml.
Everything is looked up inside `/axisconfig/clustering`: transports have parameters of the same
names, and comments hold look-alikes of nearly every one.
"""

from __future__ import annotations

from itertools import zip_longest

from carbon.cluster import Member, Node
from carbon.config.edits import Edits
from carbon.config.reading import flag, number, text
from carbon.home import layout
from carbon.value import Value
from carbon.xmledit import Element, New, XmlDocument


class Clustering(Value, kw_only=True):
    """What axis2.xml says about this node's cluster."""

    enabled: bool
    agent: str | None
    membership_scheme: str | None
    domain: str | None
    local_member_host: str | None
    local_member_port: int | None
    sub_domain: str | None
    members: tuple[Member, ...]
    group_management_port: int | None
    """None if group management is off."""


def edit(node: Node, edits: Edits) -> None:
    """Make the node a member of its cluster.

    Raises ConfigFileError if there is not exactly one live clustering section.
    """
    clustering = _clustering(edits.document)
    _set_agent(node, clustering, edits)
    edits.set_attribute(clustering, "enable", "true")
    _set_parameter("membershipScheme", "wka", clustering, edits)
    _set_parameter("domain", node.domain, clustering, edits)
    _set_parameter("localMemberHost", node.local_member_host, clustering, edits)
    _set_parameter("localMemberPort", str(node.local_member_port), clustering, edits)
    _set_sub_domain(node.sub_domain, clustering, edits)
    _set_members(node.members, clustering, edits)
    if node.group_mgt_port is not None:
        _set_group_management(node.domain, node.group_mgt_port, clustering, edits)


def read_clustering(data: bytes, *, file: str = str(layout.AXIS2)) -> Clustering:
    """Read the clustering section back.

    Raises ConfigFileError if there is not exactly one, or a port is not a number.
    """
    document = XmlDocument.parse(data, file=file)
    clustering = _clustering(document)

    def find(path: str) -> Element | None:
        return document.find(path, within=clustering)

    sub_domain = find("parameter[@name='properties']/property[@name='subDomain']")
    return Clustering(
        enabled=flag(clustering.get("enable", "true")),
        agent=clustering.get("class"),
        membership_scheme=text(find("parameter[@name='membershipScheme']")),
        domain=text(find("parameter[@name='domain']")),
        local_member_host=text(find("parameter[@name='localMemberHost']")),
        local_member_port=number(find("parameter[@name='localMemberPort']"), document),
        sub_domain=None if sub_domain is None else sub_domain.get("value"),
        members=tuple(_read_members(clustering, document)),
        group_management_port=_read_group_management(clustering, document),
    )


def _clustering(document: XmlDocument) -> Element:
    clustering = document.find("/axisconfig/clustering")
    if clustering is None:
        raise document.error(
            "it has no live <clustering> section in <axisconfig>",
            action="put the section back from the pack's own axis2.xml; it may be in a comment",
        )
    return clustering


def _set_agent(node: Node, clustering: Element, edits: Edits) -> None:
    if node.agent is not None:
        edits.set_attribute(clustering, "class", node.agent)
    elif not clustering.get("class"):
        raise edits.document.error(
            "its <clustering> has no class, and the server does not start without",
            at=clustering,
            action="name the clustering class of this version as agent in hosts.yaml",
        )


def _parameter(name: str, clustering: Element, edits: Edits) -> Element | None:
    return edits.document.find(f"parameter[@name='{name}']", within=clustering)


def _set_parameter(name: str, value: str, clustering: Element, edits: Edits) -> None:
    parameter = _parameter(name, clustering, edits)
    if parameter is None:
        _insert_parameter(New("parameter", value, attributes={"name": name}), clustering, edits)
    else:
        edits.set_text(parameter, value, called=name)


def _insert_parameter(new: New, clustering: Element, edits: Edits) -> None:
    others = edits.document.findall("parameter", within=clustering)
    if others:
        edits.patch.insert_after(others[-1], new)
    else:
        edits.patch.append(clustering, new)


def _set_sub_domain(value: str, clustering: Element, edits: Edits) -> None:
    new = New("property", attributes={"name": "subDomain", "value": value})
    properties = _parameter("properties", clustering, edits)
    if properties is None:
        parameter = New("parameter", (new,), attributes={"name": "properties"})
        _insert_parameter(parameter, clustering, edits)
        return
    element = edits.document.find("property[@name='subDomain']", within=properties)
    if element is None:
        edits.patch.append(properties, new)
    else:
        edits.set_attribute(element, "value", value, after="name")


def _set_members(wanted: tuple[Member, ...], clustering: Element, edits: Edits) -> None:
    """Rewrite members in place, so that only addresses that differ change."""
    members = edits.document.find("members", within=clustering)
    if members is None:
        new = New("members", tuple(_new_member(member) for member in wanted))
        _insert_parameter(new, clustering, edits)
        return
    present = edits.document.findall("member", within=members)
    for element, member in zip_longest(present, wanted):
        if member is None:
            edits.patch.remove(element)
        elif element is None:
            edits.patch.append(members, _new_member(member))
        else:
            _set_member(element, member, edits)


def _new_member(member: Member) -> New:
    return New("member", (New("hostName", member.host), New("port", str(member.port))))


def _set_member(element: Element, member: Member, edits: Edits) -> None:
    if sorted(str(child.tag) for child in element.iterchildren("*")) == ["hostName", "port"]:
        edits.set_child(element, "hostName", member.host)
        edits.set_child(element, "port", str(member.port))
    else:
        edits.patch.replace(element, _new_member(member))


def _set_group_management(domain: str, port: int, clustering: Element, edits: Edits) -> None:
    document = edits.document
    management = document.find("groupManagement", within=clustering)
    groups = document.findall("groupManagement/applicationDomain", within=clustering)
    named = [group for group in groups if group.get("name") == domain]
    if management is None or len(named or groups) != 1:
        raise document.error(
            f"its <groupManagement> has no single <applicationDomain> for {domain}",
            at=clustering if management is None else management,
            action="put the section back from the pack's own axis2.xml, with one application "
            "domain, or take group_mgt_port out of hosts.yaml",
        )
    group = (named or groups)[0]
    edits.set_attribute(management, "enable", "true")
    edits.set_attribute(group, "name", domain)
    edits.set_attribute(group, "port", str(port))


def _read_members(clustering: Element, document: XmlDocument) -> list[Member]:
    members = []
    for element in document.findall("members/member", within=clustering):
        host = text(document.child(element, "hostName"))
        port = number(document.child(element, "port"), document)
        if host is None or port is None:
            raise document.error(
                "a <member> has no <hostName> or no <port>",
                at=element,
                action="let `fab config` rewrite the members, or correct it by hand",
            )
        members.append(Member(host=host, port=port))
    return members


def _read_group_management(clustering: Element, document: XmlDocument) -> int | None:
    management = document.find("groupManagement", within=clustering)
    if management is None or not flag(management.get("enable", "false")):
        return None
    groups = document.findall("applicationDomain", within=management)
    ports = [group.get("port", "").strip() for group in groups]
    return next((int(port) for port in ports if port.isdecimal()), None)
