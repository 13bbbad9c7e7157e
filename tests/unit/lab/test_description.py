"""compose.yaml and the pack keep the promises that the rest of the project builds on."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from lxml import etree

from lab.machine import COMPOSE_FILE
from lab.rundir import PORTS

COMPOSE = yaml.safe_load(COMPOSE_FILE.read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
CONF = COMPOSE_FILE.parent / "image" / "pack" / "repository" / "conf"
MAPPED_BY_THE_GUIDE = {"carbondb.mysql-wso2.com", "elb.wso2.com", "mgt.as.wso2.com", "as.wso2.com"}


@pytest.mark.parametrize("name", SERVICES)
def test_every_port_is_published_on_loopback_alone_and_can_be_chosen(name: str) -> None:
    for entry in SERVICES[name]["ports"]:
        inside = entry.rpartition(":")[2]
        variable = f"{name.upper()}_{inside}"
        assert variable in PORTS
        assert entry == f"127.0.0.1:${{{variable}:-}}:{inside}"


def test_two_labs_can_stand_side_by_side() -> None:
    assert "networks" not in COMPOSE
    assert all("container_name" not in service for service in SERVICES.values())


def test_no_service_answers_to_a_name_that_the_hosts_step_maps() -> None:
    names = {*SERVICES, *(service["hostname"] for service in SERVICES.values())}
    assert not names & MAPPED_BY_THE_GUIDE
    assert all("extra_hosts" not in service for service in SERVICES.values())


@pytest.mark.parametrize("file", sorted(CONF.rglob("*.xml")), ids=lambda file: file.name)
def test_the_packs_files_are_well_formed(file: Any) -> None:
    etree.fromstring(file.read_bytes())


@pytest.mark.parametrize("name", ["axis2/axis2.xml", "registry.xml"])
def test_files_with_crlf_have_it_on_every_line(name: str) -> None:
    text = (CONF / name).read_bytes()
    assert text.count(b"\r\n") == text.count(b"\n") > 0


def test_axis2_has_the_layout_that_trips_naive_edits() -> None:
    text = (CONF / "axis2/axis2.xml").read_bytes()
    assert not text.startswith(b"<?xml")
    assert (
        b'clustering.hazelcast.HazelcastClusteringAgent"\r\n                enable="false">' in text
    )
    assert b'<groupManagement enable="false">' in text
    root = etree.fromstring(text)
    assert root.xpath("count(clustering)") == 1
    assert root.xpath("string(clustering/@enable)") == "false"
    assert root.xpath("string(clustering/members/member/hostName)") == "127.0.0.1"


def test_carbon_xml_has_hostname_in_comments_only() -> None:
    text = (CONF / "carbon.xml").read_text()
    assert text.count("<DeploymentSynchronizer>") == 2
    assert "<!--HostName>" in text
    namespace = {"c": "http://wso2.org/projects/carbon/carbon.xml"}
    root = etree.fromstring(text.encode())
    assert root.xpath("count(//c:HostName)", namespaces=namespace) == 0
    assert root.xpath("count(//c:DeploymentSynchronizer)", namespaces=namespace) == 1


def test_proxy_ports_are_in_comments_only() -> None:
    root = etree.parse(CONF / "tomcat/catalina-server.xml").getroot()
    assert root.xpath("count(Service/Connector)") == 2
    assert root.xpath("count(Service/Connector/@proxyPort)") == 0
    assert b'proxyPort="443"' in (CONF / "tomcat/catalina-server.xml").read_bytes()
