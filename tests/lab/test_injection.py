"""Hostile values of hosts.yaml: each arrives as it is or is refused by name; none is executed."""

from __future__ import annotations

import http.client
import re
import ssl
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from lab import Lab
from tests.lab.cli import Fab
from tests.lab.hosts import HOME, Host, untouched
from tests.lab.inventory import ClusterFile, FromEnvironment

MARK = "/tmp/carbon-pwned"
"""What a value makes, here or on a server, that is taken for a command anywhere on its way."""
COMMANDS = [
    f"$(>{MARK})",
    f"`>{MARK}`",
    f"';>{MARK};'",
    f'";>{MARK};"',
    f"\n>{MARK}\n",
    f"|>{MARK}",
]
MARKUP = [
    "]]>",
    "<![CDATA[",
    "&",
    "&amp;",
    "&xxe;",
    "<",
    ">",
    "<!--",
    "-->",
    "<?x?>",
    "'",
    '"',
    "%x;",
]
ODD = [
    "\n",
    "\r\n",
    "\r",
    "\t",
    " ",
    "\\",
    "-",
    "--",
    "$",
    "*",
    "~",
    "#",
    "!",
    ";",
    "{}",
    "%s",
    "${x}",
]
FAR = ["é", "ß", "€", "\U0001f600", "\u00a0", "\u2028", "\u202e", "\ufeff"]
PIECES = (*COMMANDS, *MARKUP, *ODD, *FAR)
LONG = "'\"$(x)&]]>é-" * 800
"""More than 10 kB."""

hostile = st.lists(st.sampled_from(PIECES), min_size=1, max_size=6).map("".join)
few = settings(
    max_examples=5,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture(autouse=True)
def nothing_is_executed(worker1: Host, hosts: Mapping[str, Host]) -> Iterator[None]:
    """Fail a test in which any value was taken for a command, here or on a server."""
    yield
    assert not Path(MARK).exists()
    assert not worker1.exists(MARK)
    assert not hosts["lb"].exists(MARK)


# ---- XML: what a file's text may be, it becomes


@few
@given(texts=st.lists(hostile, min_size=1, max_size=12))
@example(texts=[*PIECES, *(f"{piece}x{piece}" for piece in PIECES), LONG])
@pytest.mark.usefixtures("stock_workers")
def test_any_text_arrives_in_xml_as_it_is(
    fab: Fab, cluster_file: ClusterFile, worker1: Host, texts: list[str]
) -> None:
    """As password, user name, description, URL, property, text and attribute of any file.

    Read back by another XML parser than that which wrote it.
    """
    first, last = texts[0], texts[-1]
    properties = {f"p{number}": text for number, text in enumerate(texts)}
    source = {"username": first, "description": last, "url": last, "properties": properties}
    edit = {"file": "user-mgt.xml", "xpath": "/UserManager/Realm/Configuration"}
    connector = {"file": "tomcat/catalina-server.xml", "xpath": "/Server/Service"}
    hosts = cluster_file(
        cluster={
            "datasources": {"WSO2_REGISTRY_DB": source | {"password": FromEnvironment("PLANTED")}},
            "files": [
                edit | {"fragment": '<Property name="planted"/>'},
                edit | {"xpath": f'{edit["xpath"]}/Property[@name="planted"]', "value": first},
                connector | {"attribute": "planted", "value": last},
            ],
        }
    )
    fab.succeeds("-H", "worker1", "config", hosts=hosts, PLANTED=first)
    found = datasource(worker1)
    assert (found["username"], found["password"], found["url"]) == (first, first, last)
    assert {name: found[name] for name in properties} == properties
    users = parsed(worker1, "user-mgt.xml")
    assert users.findtext("Realm/Configuration/Property[@name='planted']") == first
    service = parsed(worker1, "tomcat/catalina-server.xml").find("Service")
    assert service is not None
    assert service.get("planted") == last


def parsed(host: Host, file: str) -> ElementTree.Element:
    return ElementTree.fromstring(host.read(f"{HOME}/repository/conf/{file}"))


def datasource(host: Host) -> dict[str, str]:
    """Return the settings of WSO2_REGISTRY_DB."""
    root = parsed(host, "datasources/master-datasources.xml")
    (found,) = (
        one for one in root.iter("datasource") if one.findtext("name") == "WSO2_REGISTRY_DB"
    )
    configuration = found.find("definition/configuration")
    assert configuration is not None
    return {child.tag: child.text or "" for child in configuration}


@pytest.mark.usefixtures("stock_workers")
def test_a_password_that_no_xml_can_hold_is_refused_by_name_and_not_shown(
    fab: Fab, cluster_file: ClusterFile, worker1: Host
) -> None:
    source = {"WSO2_REGISTRY_DB": {"password": FromEnvironment("PLANTED")}}
    hosts = cluster_file(cluster={"datasources": source})
    with untouched(worker1):
        ran = fab.fails("-H", "worker1", "config", hosts=hosts, PLANTED="ge\x1bheim")
    assert "U+001B" in ran.said
    assert "heim" not in ran.said


# ---- Names, addresses, accounts: only what is harmless is one


RESTRICTED = {
    "HostName": lambda text: {"cluster": {"HostName": text}},
    "MgtHostName": lambda text: {"cluster": {"MgtHostName": text}},
    "a name for /etc/hosts": lambda text: {"cluster": {"hosts": {text: "10.0.0.9"}}},
    "an address for /etc/hosts": lambda text: {"cluster": {"hosts": {"svn": text}}},
    "a name of the manager": lambda text: {"manager": {"hostnames": [text]}},
    "localMemberHost": lambda text: {"worker1": {"localMemberHost": text}},
    "localMemberPort": lambda text: {"worker1": {"localMemberPort": text}},
    "run_as": lambda text: {"worker1": {"run_as": text}},
    "ssh user": lambda text: {"worker1": {"ssh": {"user": text}}},
    "ssh host": lambda text: {"worker1": {"ssh": {"host": text}}},
    "gateway": lambda text: {"worker1": {"ssh": {"gateway": text}}},
    "a worker's name": lambda text: {"workers": [text], text: {}},
    "home": lambda text: {"worker1": {"home": text}},
    "agent": lambda text: {"worker1": {"agent": text}},
    "driver class": lambda text: {"cluster": {"driver": {"class": text}}},
    "a datasource's name": lambda text: {"cluster": {"datasources": {text: {"url": "x"}}}},
    "an environment variable": lambda text: {"cluster": {"environment": {text: "x"}}},
    "a file": lambda text: {
        "cluster": {"files": [{"file": f"../{text}", "xpath": "/a", "value": "x"}]}
    },
    "an attribute": lambda text: {
        "cluster": {"files": [{"file": "a.xml", "xpath": "/a", "attribute": text, "value": "x"}]}
    },
    "a fragment": lambda text: {
        "cluster": {"files": [{"file": "a.xml", "xpath": "/a", "fragment": text}]}
    },
}


@few
@given(what=st.sampled_from(sorted(RESTRICTED)), text=st.sampled_from(PIECES[:18]))
@example(what="HostName", text=LONG)
def test_a_name_that_is_none_is_refused_with_file_and_line_and_nothing_is_touched(
    fab: Fab, cluster_file: ClusterFile, worker1: Host, what: str, text: str
) -> None:
    changes = RESTRICTED[what](text)
    hosts = cluster_file(**changes)
    with untouched(worker1):
        ran = fab.fails("deploy", hosts=hosts)
    assert re.search(rf"^error: {re.escape(str(hosts))}:\d+: ", ran.err), ran
    assert len(ran.err) < 2_000


# ---- What may hold more than a name


@pytest.fixture
def odd_home(worker1: Host, stock: Callable[..., None]) -> str:
    """An AS_HOME whose path holds all that a path may."""
    stock("worker1")
    home = f"/opt/wso2/-a b'c\"d$(>{MARK.replace('/', '_')})`id`;&é\\*"
    worker1.sh('cp -a "$1" "$2"', HOME, home)
    return home


def test_a_home_with_an_odd_path_is_worked_on_as_any_other(
    fab: Fab, cluster_file: ClusterFile, lab: Lab, worker1: Host, odd_home: str
) -> None:
    hosts = cluster_file(worker1={"home": odd_home})
    for verb in ("config", "driver", "reset"):
        fab.succeeds("-H", "worker1", verb, hosts=hosts)
    carbon = f"{odd_home}/repository/conf/carbon.xml"
    assert "<HostName>as.wso2.com</HostName>" in worker1.read(carbon)
    assert worker1.exists(f"{odd_home}/repository/components/lib/{lab.driver.name}")
    assert worker1.sh('ls "$1"', f"{odd_home}/repository/deployment/server") == ""
    with untouched(worker1):
        fab.succeeds("-H", "worker1", "config", hosts=hosts)


@pytest.mark.usefixtures("stock_workers")
def test_a_driver_with_an_odd_name_is_refused_by_name(
    fab: Fab, cluster_file: ClusterFile, lab: Lab, worker1: Host, tmp_path: Path
) -> None:
    """No build tool names a JAR so, and the product makes a bundle's name of it."""
    jar = tmp_path / "-driver $(id)`id`-1.0.jar"
    jar.write_bytes(lab.driver.read_bytes())
    with untouched(worker1):
        hosts = cluster_file(cluster={"driver": {"jar": str(jar)}})
        ran = fab.fails("-H", "worker1", "driver", hosts=hosts)
    assert f"'{jar.name}' cannot be the name of a driver's JAR" in ran.err


@pytest.mark.usefixtures("stock_workers")
def test_a_domain_is_one_word_in_xml_and_in_the_mark_of_etc_hosts(
    fab: Fab, cluster_file: ClusterFile, worker1: Host
) -> None:
    domain = f"$(>{MARK})`id`'\"&<]]>é;|*\\{'x' * 200}"
    hosts = cluster_file(cluster={"domain": domain})
    before = worker1.read("/etc/hosts")
    fab.succeeds("-H", "worker1", "config", hosts=hosts)
    fab.succeeds("-H", "worker1", "hosts", hosts=hosts)
    clustering = parsed(worker1, "axis2/axis2.xml").find("clustering")
    assert clustering is not None
    parameters = {one.get("name"): one.text for one in clustering.iter("parameter")}
    assert parameters["domain"] == domain
    after = worker1.read("/etc/hosts")
    assert after.startswith(before)
    marks = [line for line in after.splitlines() if domain in line]
    assert len(marks) == 2


@pytest.mark.usefixtures("stock_workers")
def test_an_environment_variable_reaches_the_server_as_it_is(
    fab: Fab, cluster_file: ClusterFile, worker1: Host
) -> None:
    value = f"-Da='b c' \"d\" $(>{MARK}) `>{MARK}` ;>{MARK} &é\\ $HOME *"
    hosts = cluster_file(worker1={"environment": {"PLANTED": value}})
    fab.succeeds("-H", "worker1", "deploy", hosts=hosts)
    environment = worker1.sh(f"tr '\\0' '\\n' < /proc/{worker1.running().pid}/environ")
    assert f"PLANTED={value}" in environment.splitlines()


def test_a_path_in_nginx_files_is_read_by_nginx_as_it_is(
    fab: Fab, cluster_file: ClusterFile, lab: Lab, hosts: Mapping[str, Host]
) -> None:
    """It finds the certificate that lies there, and serves with it."""
    lb = hosts["lb"]
    folder = "/etc/nginx/odd"
    odd = f"{folder}/-a b;{{}}#\"'\\é (>y)`id`&"
    lb.sh(
        'mkdir "$1"; cp /etc/nginx/ssl/wrk.crt "$2.crt"; cp /etc/nginx/ssl/wrk.key "$2.key"',
        folder,
        odd,
    )
    section: dict[str, Any] = {
        "ssh": {"host": "127.0.0.1", "port": lb.ssh_port},
        "ssl_certificate": f"{odd}.crt",
        "ssl_certificate_key": f"{odd}.key",
    }
    try:
        fab.succeeds("lb.config", hosts=cluster_file(load_balancer=section))
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        port = lab.port("lb.https")
        connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=30, context=context)
        connection.connect()
        connection.close()
    finally:
        lb.sh(f"rm -rf {folder} /etc/nginx/conf.d/*; nginx -s reload")
