"""Which files are managed, what is refused by its neighbours, and what holds for all of them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from carbon.cluster import (
    Datasource,
    DeploymentSynchronizer,
    FileEdit,
    Member,
    Node,
    ProxyPorts,
)
from carbon.config import files as config_files
from carbon.config.axis2 import read_clustering
from carbon.config.carbon_xml import read_carbon
from carbon.config.datasources import read_datasources
from carbon.config.diff import masked_diff
from carbon.errors import ConfigFileError
from carbon.home import layout
from carbon.secret import literal
from tests.unit.carbon.config.samples import (
    AXIS2,
    CARBON_XML,
    CATALINA,
    DATASOURCES,
    REGISTRY,
    crlf,
)
from tests.unit.carbon.nodes import make_node

REGISTRY_PATH = layout.CONF / "registry.xml"
FILES = {
    layout.AXIS2: crlf(AXIS2),
    layout.CARBON_XML: CARBON_XML,
    layout.CATALINA: CATALINA,
    layout.DATASOURCES: DATASOURCES,
    REGISTRY_PATH: REGISTRY,
}


def node_with(value: str) -> Node:
    """Return a node that brings this text to every place where a text may go."""
    secret = literal(value)
    local = Datasource(
        name="WSO2_CARBON_DB",
        url=value,
        driver_class_name=value,
        username=value,
        password=secret,
        jndi_name=value,
        description=value,
        properties={"validationQuery": value, "added": secret},
    )
    added = Datasource(
        name="ADDED", url=value, driver_class_name=value, password=secret, jndi_name=value
    )
    registry = PurePosixPath("registry.xml")
    return make_node(
        agent=value,
        domain=value,
        sub_domain=value,
        local_member_host=value,
        members=(Member(host=value, port=4000), Member(host=value, port=4001)),
        host_name=value,
        mgt_host_name=value,
        proxy_ports=ProxyPorts(),
        datasources=(local, added),
        deployment_synchronizer=DeploymentSynchronizer(
            enabled=True, svn_url=value, svn_user=value, svn_password=secret, repository_type=value
        ),
        files=(
            FileEdit(file=registry, xpath="/wso2registry/readOnly", value=secret),
            FileEdit(file=registry, xpath="/wso2registry/dbConfig", attribute="x", value=value),
        ),
    )


TEXT = st.one_of(
    st.text(min_size=1, max_size=40),
    st.text(alphabet="<>&\"'[]! -\r\n\t\\$`();#{}é€𝄞a", min_size=1, max_size=40),
    st.sampled_from(["]]>", "--><!--", "&amp;", "${x}", "-rf", " ", "x" * 10240]),
)
NODE = node_with("value")


@given(TEXT)
def test_a_value_reaches_every_file_intact_or_is_refused_by_name(value: str) -> None:
    node = node_with(value)
    for path, data in FILES.items():
        try:
            new = config_files.patch(node, path, data).data
        except ConfigFileError as error:
            assert "U+" in error.seen
            return
        assert config_files.patch(node, path, new).data is new
        assert occurrences(new, value) >= PLACES[path]


PLACES = {
    layout.AXIS2: 6,
    layout.CARBON_XML: 6,
    layout.CATALINA: 0,
    layout.DATASOURCES: 12,
    REGISTRY_PATH: 2,
}
"""How many texts of `node_with` go into each file."""


def occurrences(data: bytes, value: str) -> int:
    elements = list(etree.fromstring(data).iter("*"))
    texts = [element.text for element in elements if not len(element)]
    return [*texts, *(each for element in elements for each in element.values())].count(value)


@given(st.sampled_from(sorted(FILES)), st.data())
def test_a_damaged_file_is_patched_or_refused_and_nothing_else(
    path: PurePosixPath, draw: st.DataObject
) -> None:
    data = FILES[path]
    start = draw.draw(st.integers(0, len(data)))
    end = draw.draw(st.integers(start, min(start + 40, len(data))) | st.just(len(data)))
    damaged = data[:start] + draw.draw(st.binary(max_size=4)) + data[end:]
    for use in (
        lambda: config_files.patch(NODE, path, damaged),
        lambda: read_clustering(damaged),
        lambda: read_carbon(damaged),
        lambda: read_datasources(damaged),
    ):
        try:
            use()
        except ConfigFileError as error:
            assert error.file
            assert error.action
    masked_diff(path, data, damaged)


@pytest.mark.parametrize("path", sorted(FILES))
def test_every_truncated_file_is_refused_with_its_line(path: PurePosixPath) -> None:
    data = FILES[path].rstrip()
    for length in range(0, len(data), 97):
        with pytest.raises(ConfigFileError, match="not well-formed") as caught:
            config_files.patch(NODE, path, data[:length])
        assert caught.value.line


def test_managed_files_are_those_that_hosts_yaml_changes() -> None:
    assert config_files.managed_files(make_node()) == (layout.AXIS2, layout.CARBON_XML)
    carbon = FileEdit(file=PurePosixPath("carbon.xml"), xpath="/a", value="b")
    assert config_files.managed_files(make_node(files=(carbon,))) == (
        layout.AXIS2,
        layout.CARBON_XML,
    )
    assert config_files.managed_files(NODE) == tuple(FILES)


def test_importing_the_package_does_not_import_lxml() -> None:
    """`fab --list` must stay fast."""
    program = "import sys, carbon.config; sys.exit('lxml' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True)
