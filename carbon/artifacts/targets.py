"""Where an artifact may not go: what this tool or the server itself writes."""

from __future__ import annotations

from pathlib import PurePosixPath

from carbon.cluster import Node
from carbon.config.files import managed_files
from carbon.home import driver, layout

_SERVERS_OWN = (layout.LOGS, layout.TMP, layout.DATABASE, layout.TOMCAT_WORK)
"""Folders in which the server itself writes."""
_FILES_OF_A_START = frozenset({layout.PID_FILE, *layout.PASSWORD_FILES})


def refusal(node: Node, path: PurePosixPath) -> tuple[str, str] | None:
    """Return why no artifact may have this place, with the remedy; None if it may."""
    if path in managed_files(node):
        return (
            "hosts.yaml edits this file, and both would overwrite each other",
            "set what is to change in it with `files:`",
        )
    if path.is_relative_to(layout.STATE):
        return "this folder is what the tool keeps of a server", "choose another place"
    if path in _FILES_OF_A_START:
        return "each start writes or removes it", "use `keystore_password:` for a password"
    if any(path.is_relative_to(folder) for folder in _SERVERS_OWN):
        return "the server itself writes in this folder", "choose another place"
    if node.driver and _is_driver(node, path):
        return f"`driver:` keeps one version of {node.driver.jar.name}", "change `driver:` instead"
    synchronizer = node.deployment_synchronizer
    if synchronizer and synchronizer.enabled and path.is_relative_to(layout.DEPLOYMENT_SERVER):
        return (
            "the DeploymentSynchronizer fills this folder from Subversion",
            "commit it there, or turn the DeploymentSynchronizer off",
        )
    return None


def _is_driver(node: Node, path: PurePosixPath) -> bool:
    assert node.driver is not None
    same = driver.stem(path.name) == driver.stem(node.driver.jar.name)
    return path.parent == layout.LIB and path.suffix == ".jar" and same
