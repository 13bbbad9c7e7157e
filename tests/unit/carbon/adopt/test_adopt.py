"""A hosts.yaml made from servers says what they are: a plan by it changes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from carbon.adopt.cluster import write
from carbon.adopt.request import Request, provisional, split_host
from carbon.adopt.server import ALSO, Described, describe, driver_class, secret_names
from carbon.cluster import Cluster, Driver, Node, Service
from carbon.config.files import managed_files, patch
from carbon.errors import UsageError
from carbon.home import layout
from carbon.home.facts import JarFacts, RemoteFile, ServerFacts
from carbon.inventory.write import Reference
from carbon.value import replace
from tests.unit.carbon.config.samples import CARBON_XML, CATALINA, DATASOURCES
from tests.unit.carbon.inventory.written import loaded
from tests.unit.carbon.looks import make_facts, running

AXIS2 = """\
<axisconfig>
    <clustering class="org.example.Agent" enable="true">
        <!-- moved up by hand --><members>
            <member><port>4000</port><hostName>10.0.0.3</hostName></member>
            <!-- <member/> --> <member><hostName>10.0.0.9</hostName><port>4100</port></member>
        </members>
        <parameter name="localMemberPort">4007</parameter>
        <parameter name="localMemberHost">{address}</parameter>
        <parameter name="domain">by.hand</parameter>
        <parameter name="properties"><property name="subDomain" value="odd"/></parameter>
        <parameter name="membershipScheme">wka</parameter>
    </clustering>
</axisconfig>
"""
HOSTS = b"10.0.0.3 manager\n"


def test_a_plan_by_what_is_written_changes_no_file(tmp_path: Path) -> None:
    servers = {name: facts(address) for name, address in ADDRESSES.items()}
    cluster = loaded(tmp_path, written(servers))
    for node in cluster.nodes:
        for path in managed_files(node):
            data = servers[node.name].files[path].data
            assert patch(without_passwords(node), path, data).data is data, path
    assert [(m.host, m.port) for m in cluster.workers[0].members] == [
        ("10.0.0.3", 4000),
        ("10.0.0.9", 4100),
    ]
    assert cluster.workers[0].local_member_port == 4007


def test_no_secret_is_written(tmp_path: Path) -> None:
    text = written({name: facts(address) for name, address in ADDRESSES.items()})
    assert "!env" in text
    assert "wso2carbon" not in text.split("password:")[1].splitlines()[0]
    loaded(tmp_path, text)


def test_what_only_some_servers_have_is_taken_away_from_the_others(tmp_path: Path) -> None:
    manager = adopted("manager", {"home": "/opt/wso2/as"}, "10.0.0.3")
    shared = {"home": "/opt/wso2/as", "HostName": "as.example.com"}
    workers = [adopted("worker1", shared, "10.0.0.4"), adopted("worker2", shared, "10.0.0.5")]
    text = write(manager, workers, ssh={"user": "deploy"}, load_balancer=None)
    cluster = loaded(tmp_path, text)
    assert [node.host_name for node in cluster.nodes] == [None, *["as.example.com"] * 2]


def test_a_difference_between_workers_is_told_with_its_key() -> None:
    workers = [
        adopted("worker1", {"home": "/opt/as", "HostName": "a.example.com"}, "10.0.0.4"),
        adopted("worker2", {"home": "/opt/as", "HostName": "b.example.com"}, "10.0.0.5"),
    ]
    manager = adopted("manager", {"home": "/opt/as"}, "10.0.0.3")
    text = write(manager, workers, ssh={}, load_balancer=None)
    assert "# the workers differ in HostName: worker2 from worker1" in text


def test_what_no_key_can_say_is_listed() -> None:
    broken = AXIS2.format(address="${bind.address}").replace("10.0.0.9", "elb.example.com")
    described = describe(node("worker1"), facts("10.0.0.4", axis2=broken), environment={})
    assert any("localMemberHost" in note for note in described.notes)
    assert any("elb.example.com:4100" in note for note in described.notes)
    assert "members" not in described.own


def test_a_file_that_cannot_be_read_is_named_once() -> None:
    described = describe(node("worker1"), facts("10.0.0.4", axis2="<a"), environment={})
    (note,) = (note for note in described.notes if "axis2.xml" in note)
    assert note.count("axis2.xml") == 1


def test_the_password_of_a_datasource_is_a_name() -> None:
    secret = b"<password>hunter2</password>"
    data = DATASOURCES.replace(b"<password>wso2carbon</password>", secret).replace(
        b"jdbc:h2:", b"jdbc:mysql:"
    )
    described = describe(node("worker1"), facts("10.0.0.4", datasources=data), environment={})
    assert "hunter2" not in repr(described)
    sources = described.shared["datasources"]
    assert isinstance(sources, dict)
    assert Reference("env", "WSO2_CARBON_DB_PASSWORD") in [
        source.get("password") for source in sources.values()
    ]


def test_the_name_of_a_variable_does_not_begin_with_a_digit() -> None:
    data = DATASOURCES.replace(b"<name>WSO2_CARBON_DB</name>", b"<name>2ND.DB</name>")
    shared = describe(node("worker1"), facts("10.0.0.4", datasources=data), environment={}).shared
    assert "_2ND_DB_PASSWORD" in secret_names(shared["datasources"])


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("worker1", {"host": "worker1"}),
        ("10.0.0.4:2222", {"host": "10.0.0.4", "port": 2222}),
        ("fd00::4", {"host": "fd00::4"}),
    ],
)
def test_a_server_is_named_as_for_ssh_with_a_port(text: str, place: dict[str, Any]) -> None:
    assert split_host(text) == place


def test_a_port_that_is_wrong_is_named_by_itself() -> None:
    with pytest.raises(UsageError, match=r"^'99999' is not a whole number"):
        split_host("10.0.0.4:99999")


@pytest.mark.parametrize(
    ("option", "seen"),
    [
        ({"user": "a b"}, "--user 'a b' is not the name of an account"),
        ({"run_as": "a b"}, "--run-as 'a b' is not the name of an account"),
        ({"home": "/opt"}, "--home '/opt' is a directory of the system"),
        ({"key": "~nobody-of-that-name/key"}, "--key '~nobody-of-that-name/key' is not a file"),
    ],
)
def test_an_option_that_hosts_yaml_would_refuse_is_refused_before_any_server_is_asked(
    option: dict[str, str], seen: str
) -> None:
    with pytest.raises(UsageError) as refused:
        provisional(Request(manager="10.0.0.3", workers=(), **option))
    assert refused.value.seen == seen


def test_a_server_that_could_be_an_option_of_ssh_is_refused() -> None:
    with pytest.raises(UsageError):
        split_host("-oProxyCommand=x")


def without_passwords(node: Node) -> Node:
    """Return the node without what only an environment variable has."""
    sources = tuple(replace(source, password=None) for source in node.datasources)
    return replace(node, datasources=sources)


ADDRESSES = {"manager": "10.0.0.3", "worker1": "10.0.0.4"}


THREE = {**ADDRESSES, "worker2": "10.0.0.5"}


def written(
    servers: dict[str, ServerFacts], *, environment: Mapping[str, str] | None = None
) -> str:
    manager, *workers = (
        describe(node(name), facts, environment=environment or {})
        for name, facts in servers.items()
    )
    return write(manager, workers, ssh={"user": "deploy"}, load_balancer=None)


def facts(address: str, *, axis2: str = "", datasources: bytes = DATASOURCES) -> ServerFacts:
    texts = {
        layout.AXIS2: (axis2 or AXIS2.format(address=address)).encode(),
        layout.CARBON_XML: CARBON_XML,
        layout.CATALINA: CATALINA,
        layout.DATASOURCES: datasources.replace(b"jdbc:h2:", b"jdbc:mysql:"),
    }
    assert set(ALSO) <= set(texts)
    files = {
        path: RemoteFile(data=data, mode=0o644, owner="deploy") for path, data in texts.items()
    }
    return make_facts(
        files=files, user="deploy", hosts=RemoteFile(data=HOSTS, mode=0o644, owner="root")
    )


def node(name: str) -> Node:
    cluster: Cluster = provisional(Request(manager="10.0.0.3", workers=("10.0.0.4", "10.0.0.5")))
    found = cluster.node(name)
    assert found is not None
    return found


def adopted(name: str, shared: dict[str, Any], address: str) -> Described:
    return Described(
        name=name,
        host=address,
        port=None,
        hosts=HOSTS,
        domain="d",
        shared=shared,
        own={"localMemberHost": address},
        notes=(),
    )


def test_a_unit_that_owns_the_server_is_named_as_its_service(tmp_path: Path) -> None:
    """A deploy that does not know of it would refuse to stop the server."""
    owned = running(cgroup="/system.slice/wso2as.service")
    servers = {name: replace(facts(at), process=owned) for name, at in ADDRESSES.items()}
    cluster = loaded(tmp_path, written(servers))
    assert all(each.service == Service(unit="wso2as.service") for each in cluster.nodes)


def test_the_jar_that_has_the_drivers_class_is_named() -> None:
    seen = facts("10.0.0.4")
    name = driver_class(seen)
    assert name is not None
    jars = (JarFacts(name="x-1.jar", sha256="0" * 64, has_driver_class=True),)
    asked = replace(node("worker1"), driver=Driver(jar=Path("any.jar"), driver_class=name))
    notes = describe(asked, replace(seen, jars=jars), environment={}).notes
    assert any(f"driver: {{jar: x-1.jar, class: {name}}}" in note for note in notes)


def test_a_database_that_not_every_server_maps_alike_is_told() -> None:
    source = {
        "url": "jdbc:mysql://db.example.com:3306/R",
        "driverClassName": "com.mysql.jdbc.Driver",
    }
    shared = {"home": "/opt/as", "datasources": {"R": source}}
    manager = adopted("manager", shared, "10.0.0.3")
    worker = adopted("worker1", shared, "10.0.0.4")
    named = replace(worker, hosts=b"10.0.0.206 db.example.com\n")
    text = write(manager, [named], ssh={}, load_balancer=None)
    assert "the database's name db.example.com is not in every server's /etc/hosts" in text
    both = [replace(each, hosts=b"10.0.0.206 db.example.com\n") for each in (manager, worker)]
    assert "address: 10.0.0.206" in write(both[0], both[1:], ssh={}, load_balancer=None)


def test_a_worker_that_is_down_differs_in_nothing_that_only_a_process_says(tmp_path: Path) -> None:
    """Differences are between what was seen; what was not seen is said."""
    process = running(java="/opt/jdk/bin/java", cgroup="/system.slice/wso2as.service")
    servers = {name: replace(facts(at), process=process) for name, at in THREE.items()}
    for down in ("worker1", "worker2"):
        seen = servers | {down: replace(facts(THREE[down]), process=None)}
        text = written(seen, environment={"JAVA_OPTS": "-Dx=y"})
        assert "the workers differ" not in text
        assert f"# {down}: it is down: its java_home, environment, service cannot be read" in text
        cluster = loaded(tmp_path, text)
        assert {str(each.java_home) for each in cluster.nodes} == {"/opt/jdk"}
        assert all(each.service == Service(unit="wso2as.service") for each in cluster.nodes)
        assert all(each.environment == {"JAVA_OPTS": "-Dx=y"} for each in cluster.nodes)


def test_a_file_that_cannot_be_read_makes_no_difference_between_workers() -> None:
    servers = {name: facts(at) for name, at in THREE.items()}
    left = {p: f for p, f in servers["worker2"].files.items() if p != layout.CARBON_XML}
    text = written(servers | {"worker2": replace(servers["worker2"], files=left)})
    assert "the workers differ" not in text
    assert "HostName: null" not in text


def test_a_file_that_makes_no_sense_is_named_once() -> None:
    servers = {name: facts(at) for name, at in THREE.items()}
    carbon = servers["worker2"].files[layout.CARBON_XML]
    files = {**servers["worker2"].files, layout.CARBON_XML: replace(carbon, data=b"<x>")}
    text = written(servers | {"worker2": replace(servers["worker2"], files=files)})
    note = next(line for line in text.splitlines() if "well-formed" in line)
    assert note.startswith(f"# worker2: {layout.CARBON_XML}:1: it is not well-formed XML")


def test_the_variables_of_a_running_server_are_its_environment(tmp_path: Path) -> None:
    process = running(java="java")
    servers = {name: replace(facts(at), process=process) for name, at in THREE.items()}
    given = {"JAVA_HOME": "/opt/jdk", "JVM_MEM_OPTS": "-Xmx1g", "JAVA_OPTS": "-Da=b -Dc=d"}
    cluster = loaded(tmp_path, written(servers, environment=given))
    assert {str(each.java_home) for each in cluster.nodes} == {"/opt/jdk"}
    assert cluster.workers[0].environment == {
        "JVM_MEM_OPTS": "-Xmx1g",
        "JAVA_OPTS": "-Da=b -Dc=d",
    }


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CARBON_DB_PASSWORD", "hunter2"),
        ("JAVA_OPTS", "-Djavax.net.ssl.keyStorePassword=hunter2 -Dx=y"),
        ("CARBON_URL", "https://user:hunter2@svn.example.com/"),
    ],
)
def test_a_variable_that_may_hold_a_secret_is_named_and_not_written(name: str, value: str) -> None:
    seen = replace(facts("10.0.0.4"), process=running())
    described = describe(node("worker1"), seen, environment={name: value})
    assert "hunter2" not in repr(described)
    assert "environment" not in described.shared
    assert any(name in note and "secret" in note for note in described.notes)


def test_an_environment_that_another_account_hides_is_told_and_differs_from_nothing() -> None:
    seen = replace(facts("10.0.0.4"), process=running())
    hidden = describe(node("worker1"), seen, environment=None)
    assert hidden.unseen == {"environment"}
    assert any("--run-as" in note for note in hidden.notes)
