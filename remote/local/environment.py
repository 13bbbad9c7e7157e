"""What a command of the operator finds in its environment, and what of its output is shown."""

from __future__ import annotations

from collections.abc import Callable

from carbon.cluster import Cluster, Node
from carbon.join.quote import quote
from carbon.text import visible


def node_variables(node: Node) -> dict[str, str]:
    """Return what a command has to know of the node that it is about."""
    return {
        "PROVISION_HOST": node.name,
        "PROVISION_ROLE": node.role,
        "PROVISION_ADDRESS": node.local_member_host,
        "PROVISION_HTTP_PORT": str(node.http_port),
        "PROVISION_HTTPS_PORT": str(node.https_port),
    }


def cleaner(cluster: Cluster) -> Callable[[str], str]:
    """Return what makes a line fit to be shown: secrets masked, control characters visible.

    A secret of hosts.yaml that nobody has fetched yet is not fetched for that.
    """
    secrets = [secret for node in cluster.nodes for secret in node.file_secrets]
    secrets += [node.keystore_password for node in cluster.nodes if node.keystore_password]
    texts = tuple({secret.known_text() for secret in secrets} - {""})
    return lambda line: visible(quote(line, texts)).replace("\n", " ")
