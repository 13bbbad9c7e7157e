"""Ports/Offset, HostName, MgtHostName and DeploymentSynchronizer in carbon.xml.

The file has a default namespace. HostName and MgtHostName are live in later packs, and only
comments in the earlier ones; a second DeploymentSynchronizer stands in a comment.
"""

from __future__ import annotations

from carbon.cluster import Node
from carbon.config.edits import Edits
from carbon.config.reading import flag, number, text
from carbon.home import layout
from carbon.secret import Secret
from carbon.value import Value
from carbon.xmledit import Element, New, XmlDocument

NAMESPACES = {"c": "http://wso2.org/projects/carbon/carbon.xml"}


class CarbonSettings(Value, kw_only=True):
    """What carbon.xml says about this server."""

    offset: int
    host_name: str | None
    mgt_host_name: str | None
    deployment_synchronizer_enabled: bool


def edit(node: Node, edits: Edits) -> None:
    """Give the server its offset, its host names, and its deployment synchronizer.

    Raises ConfigFileError for a file that is not a carbon.xml.
    """
    server = _server(edits.document)
    _set_offset(node.offset, server, edits)
    if node.host_name is not None:
        edits.set_child(server, "HostName", node.host_name, after=("Name", "ServerKey", "Version"))
    if node.mgt_host_name is not None:
        after = ("Name", "ServerKey", "Version", "HostName")
        edits.set_child(server, "MgtHostName", node.mgt_host_name, after=after)
    if node.deployment_synchronizer is not None:
        _set_deployment_synchronizer(_synchronizer_settings(node), server, edits)


def read_carbon(data: bytes, *, file: str = str(layout.CARBON_XML)) -> CarbonSettings:
    """Read the settings of carbon.xml back.

    Raises ConfigFileError for a file that is not a carbon.xml, or an Offset that is not a number.
    """
    document = XmlDocument.parse(data, file=file)
    server = _server(document)

    def find(path: str) -> Element | None:
        return document.find(path, within=server, namespaces=NAMESPACES)

    return CarbonSettings(
        offset=number(find("c:Ports/c:Offset"), document) or 0,
        host_name=text(find("c:HostName")),
        mgt_host_name=text(find("c:MgtHostName")),
        deployment_synchronizer_enabled=flag(text(find("c:DeploymentSynchronizer/c:Enabled"))),
    )


def _server(document: XmlDocument) -> Element:
    server = document.find("/c:Server", namespaces=NAMESPACES)
    if server is None:
        raise document.error(
            f"its root element is not the <Server> of the namespace {NAMESPACES['c']}",
            action="put the pack's own carbon.xml back",
        )
    return server


def _set_offset(offset: int, server: Element, edits: Edits) -> None:
    ports = edits.document.child(server, "Ports")
    if ports is None:
        edits.insert(server, New("Ports", (New("Offset", str(offset)),)))
    else:
        edits.set_child(ports, "Offset", str(offset))


def _synchronizer_settings(node: Node) -> dict[str, str | Secret]:
    """Return the section's elements, in the order of the product's own file.

    Only the manager commits: AutoCommit on a worker would push back what it has checked out.
    """
    wanted = node.deployment_synchronizer
    assert wanted is not None
    return {
        "Enabled": str(wanted.enabled).lower(),
        "AutoCommit": str(node.role == "manager").lower(),
        "AutoCheckout": "true",
        "RepositoryType": wanted.repository_type,
        "SvnUrl": wanted.svn_url,
        "SvnUser": wanted.svn_user,
        "SvnPassword": wanted.svn_password,
        "SvnUrlAppendTenantId": str(wanted.svn_url_append_tenant_id).lower(),
    }


def _set_deployment_synchronizer(
    settings: dict[str, str | Secret], server: Element, edits: Edits
) -> None:
    section = edits.document.child(server, "DeploymentSynchronizer")
    if section is None:
        children = tuple(New(name, value) for name, value in settings.items())
        edits.insert(server, New("DeploymentSynchronizer", children))
        return
    edits.set_children(section, settings, called="DeploymentSynchronizer")
