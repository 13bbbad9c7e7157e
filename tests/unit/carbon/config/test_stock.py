"""The product's own files, from kernel 4.2.0 to 4.4.x, where a copy of them is at hand."""

from __future__ import annotations

import difflib
import re
import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path, PurePosixPath

import pytest
from lxml import etree

from carbon.cluster import (
    Datasource,
    DeploymentSynchronizer,
    FileEdit,
    Member,
    ProxyPorts,
)
from carbon.config import files as config_files
from carbon.config.diff import masked_diff
from carbon.home import layout
from carbon.secret import literal
from tests.unit.carbon.nodes import make_node

STOCK = Path(__file__).parents[5] / "shared" / "stock"
URL = "jdbc:mariadb://carbondb.mysql-wso2.com:3306/regdb?a=1&b=2"
JMX = PurePosixPath("etc/jmx.xml")
REGISTRY = PurePosixPath("registry.xml")
USER_MGT = PurePosixPath("user-mgt.xml")
MOUNT = (
    '<mount path="/_system/config" overwrite="virtual"><targetPath>/_system/as</targetPath></mount>'
)

NODE = make_node(
    offset=1,
    local_member_port=4001,
    mgt_host_name="mgt.as.wso2.com",
    members=(Member(host="10.0.0.3", port=4000), Member(host="10.0.0.2", port=4500)),
    proxy_ports=ProxyPorts(),
    group_mgt_port=4600,
    datasources=(
        Datasource(
            name="WSO2_CARBON_DB",
            url=URL,
            driver_class_name="org.mariadb.jdbc.Driver",
            username="regadmin",
            password=literal("s3cret"),
            properties={"maxActive": "80", "removeAbandoned": "true"},
        ),
        Datasource(name="WSO2_UM_DB", url=URL, driver_class_name="d", jndi_name="jdbc/WSO2UMDB"),
    ),
    deployment_synchronizer=DeploymentSynchronizer(
        enabled=True, svn_url="http://svn/as", svn_user="svn", svn_password=literal("s3cret")
    ),
    files=(
        FileEdit(file=REGISTRY, xpath="/wso2registry/enableCache", value="false"),
        FileEdit(file=REGISTRY, xpath="/wso2registry", fragment=MOUNT),
        FileEdit(
            file=USER_MGT,
            xpath="/UserManager/Realm/Configuration/Property[@name='dataSource']",
            value="jdbc/WSO2UMDB",
        ),
        FileEdit(
            file=JMX,
            xpath="/j:JMX/j:StartRMIServer",
            namespaces={"j": "http://wso2.org/projects/carbon/jmx.xml"},
            value="false",
        ),
    ),
)

CLUSTERING = "axisconfig[AxisJava2.0]/clustering"
CARBON = "Server/DeploymentSynchronizer"
CONFIGURATION = "datasources-configuration/datasources/datasource/definition/configuration"
DATASOURCE = "datasources-configuration/datasources/datasource"

INTENDED: dict[PurePosixPath, set[str]] = {
    layout.AXIS2: {
        f"{CLUSTERING}/@enable=true",
        f"{CLUSTERING}/parameter[membershipScheme]=wka",
        f"{CLUSTERING}/parameter[domain]=wso2.as.domain",
        f"{CLUSTERING}/parameter[localMemberHost]=10.0.0.4",
        f"{CLUSTERING}/parameter[localMemberPort]=4001",
        f"{CLUSTERING}/members/member/hostName=10.0.0.3",
        f"{CLUSTERING}/members/member=",
        f"{CLUSTERING}/members/member/hostName=10.0.0.2",
        f"{CLUSTERING}/members/member/port=4500",
        f"{CLUSTERING}/groupManagement/@enable=true",
        f"{CLUSTERING}/groupManagement/applicationDomain[wso2.as.domain]/@port=4600",
    },
    layout.CARBON_XML: {
        "Server/HostName=as.wso2.com",
        "Server/MgtHostName=mgt.as.wso2.com",
        "Server/Ports/Offset=1",
        f"{CARBON}/Enabled=true",
        f"{CARBON}/SvnUrl=http://svn/as",
        f"{CARBON}/SvnUser=svn",
        f"{CARBON}/SvnPassword=s3cret",
    },
    layout.CATALINA: {
        "Server/Service[Catalina]/Connector/@proxyPort=80",
        "Server/Service[Catalina]/Connector/@proxyPort=443",
    },
    layout.DATASOURCES: {
        f"{CONFIGURATION}/url={URL}",
        f"{CONFIGURATION}/username=regadmin",
        f"{CONFIGURATION}/password=s3cret",
        f"{CONFIGURATION}/driverClassName=org.mariadb.jdbc.Driver",
        f"{CONFIGURATION}/maxActive=80",
        f"{CONFIGURATION}/removeAbandoned=true",
        f"{DATASOURCE}=",
        f"{DATASOURCE}/name=WSO2_UM_DB",
        f"{DATASOURCE}/jndiConfig=",
        f"{DATASOURCE}/jndiConfig/name=jdbc/WSO2UMDB",
        f"{DATASOURCE}/definition=",
        f"{DATASOURCE}/definition/@type=RDBMS",
        f"{CONFIGURATION}=",
        f"{CONFIGURATION}/driverClassName=d",
    },
    layout.CONF / REGISTRY: {
        "wso2registry/enableCache=false",
        "wso2registry/mount=",
        "wso2registry/mount/@path=/_system/config",
        "wso2registry/mount/@overwrite=virtual",
        "wso2registry/mount/targetPath=/_system/as",
    },
    layout.CONF / USER_MGT: {
        "UserManager/Realm/Configuration/Property[dataSource]=jdbc/WSO2UMDB",
    },
    layout.CONF / JMX: {"JMX/StartRMIServer=false"},
}
FILES = sorted(
    str(path.relative_to(STOCK)) for managed in INTENDED for path in STOCK.glob(f"*/{managed}")
)

pytestmark = pytest.mark.skipif(not FILES, reason="the product's own files are not in ../shared")


@pytest.fixture(params=FILES or ["none"])
def stock(request: pytest.FixtureRequest) -> tuple[PurePosixPath, bytes]:
    """One of the product's files, and where it belongs in AS_HOME."""
    file = PurePosixPath(request.param)
    return PurePosixPath(*file.parts[1:]), (STOCK / file).read_bytes()


def test_the_diff_holds_only_lines_with_a_changed_value(
    stock: tuple[PurePosixPath, bytes],
) -> None:
    path, old = stock
    new = config_files.patch(NODE, path, old).data
    lines = difflib.ndiff(_lines(old), _lines(new))
    changed = [line for line in lines if line[0] in "-+"]
    gone = [line[2:] for line in changed if line[0] == "-"]
    come = [line[2:] for line in changed if line[0] == "+"]
    assert come
    left = Counter(map(_without_values, gone))
    assert left <= Counter(map(_without_values, come))
    assert all(line.endswith("\r") == old.endswith(b"\r\n") for line in come)


def test_the_parsed_result_is_the_stock_but_for_the_intended_values(
    stock: tuple[PurePosixPath, bytes],
) -> None:
    path, old = stock
    new = config_files.patch(NODE, path, old).data
    before, after = _settings(old), _settings(new)
    assert set(after - before) == INTENDED[path]
    assert all(_place(setting) in map(_place, INTENDED[path]) for setting in before - after)
    assert _comments(new) == _comments(old)


def test_a_second_run_changes_nothing(stock: tuple[PurePosixPath, bytes]) -> None:
    path, old = stock
    new = config_files.patch(NODE, path, old).data
    assert config_files.patch(NODE, path, new).data is new


def test_what_hosts_yaml_does_not_give_stays_byte_for_byte(
    stock: tuple[PurePosixPath, bytes],
) -> None:
    path, old = stock
    bare = make_node(offset=0, host_name=None)
    if path != layout.AXIS2:
        assert config_files.patch(bare, path, old).data is old


def test_a_changed_secret_shows_in_the_diff_and_its_value_does_not(
    stock: tuple[PurePosixPath, bytes],
) -> None:
    path, old = stock
    diff = masked_diff(path, old, config_files.patch(NODE, path, old).data)
    assert "s3cret" not in diff
    assert ("******** (changed)" in diff) == (path in {layout.CARBON_XML, layout.DATASOURCES})


def _lines(data: bytes) -> list[str]:
    return data.decode("latin-1").split("\n")


def _without_values(line: str) -> str:
    return re.sub(r'"[^"]*"|>[^<]*<', "", line)


def _settings(data: bytes) -> Counter[str]:
    """List every attribute and every text with its path, by a third parser."""
    settings: Counter[str] = Counter()

    def collect(element: ET.Element, above: str) -> None:
        name = element.tag.rpartition("}")[2]
        path = above + name + (f"[{element.get('name')}]" if "name" in element.attrib else "")
        settings[f"{path}={(element.text or '').strip()}"] += 1
        settings.update(f"{path}/@{key}={value}" for key, value in element.items() if key != "name")
        for child in element:
            collect(child, f"{path}/")

    collect(ET.fromstring(data), "")
    return settings


def _place(setting: str) -> str:
    return setting.partition("=")[0]


def _comments(data: bytes) -> list[str]:
    tree = etree.fromstring(data).getroottree()
    return [str(comment.text) for comment in tree.iter(etree.Comment)]
