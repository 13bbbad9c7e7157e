"""proxyPort of the two Connectors in catalina-server.xml.

`port` is left alone: it stays 9763 and 9443 whatever the offset, which the server adds when it
starts, and never adds to proxyPort.
"""

from __future__ import annotations

from carbon.cluster import Node
from carbon.config.edits import Edits
from carbon.xmledit import Element, XmlDocument


def edit(node: Node, edits: Edits) -> None:
    """Let redirects name the load balancer's ports, if hosts.yaml gives these.

    Raises ConfigFileError if it is not clear which Connector is meant.
    """
    if node.proxy_ports is None:
        return
    for https, port in ((False, node.proxy_ports.http), (True, node.proxy_ports.https)):
        element = connector(edits.document, https=https)
        edits.set_attribute(element, "proxyPort", str(port), after="port")


def connector(document: XmlDocument, *, https: bool) -> Element:
    """Return the Connector for HTTP or HTTPS.

    Raises ConfigFileError if it is not clear which one is meant.
    """
    kind, base_port = ("HTTPS", "9443") if https else ("HTTP", "9763")
    connectors = [
        each
        for each in document.findall("/Server/Service/Connector")
        if _is_https(each) == https and "AJP" not in each.get("protocol", "").upper()
    ]
    if len(connectors) > 1:
        connectors = [each for each in connectors if each.get("port") == base_port]
    if len(connectors) != 1:
        raise document.error(
            f"it has no single live {kind} Connector to give a proxyPort",
            action=f"leave one {kind} Connector, or one with port {base_port}; or take "
            "proxyPort out of hosts.yaml",
        )
    return connectors[0]


def _is_https(connector: Element) -> bool:
    scheme, ssl = connector.get("scheme", ""), connector.get("SSLEnabled", "")
    return scheme.lower() == "https" or ssl.lower() == "true"
