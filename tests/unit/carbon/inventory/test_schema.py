"""What hosts.yaml says is taken strictly: unknown keys, wrong types and unfit values end the
run with file, line and remedy."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Any

import pytest
import yaml

from carbon.cluster import (
    Database,
    Datasource,
    DeploymentSynchronizer,
    Driver,
    FileEdit,
    Health,
    Limits,
    LoadBalancer,
    Member,
    ProxyPorts,
    Ssh,
)
from carbon.inventory import load
from carbon.secret import Secret
from carbon.value import replace
from tests.unit.carbon.inventory.written import (
    inventory,
    line_of,
    loaded,
    refused,
    save,
    worker,
)

EVERYTHING = inventory(
    cluster="""
        HostName: as.wso2.com
        MgtHostName: mgt.as.wso2.com
        proxyPort: {http: 8080}
        agent: org.example.Agent
        java_home: /opt/java
        run_as: wso2
        keystore_password: !command pass show keystore
        environment: {JVM_MEM_OPTS: -Xmx1g}
        ssh: {user: deploy, identity_file: key, known_hosts: [a, ~/b], gateway: me@bastion:22}
        driver: {jar: driver.jar, class: org.mariadb.jdbc.Driver}
        datasources:
          REG:
            jndi: jdbc/Reg
            description: A & B
            url: jdbc:mariadb://db:3306/reg?a=b&c=d
            username: reg
            password: !env DB_PASSWORD
            properties: {maxActive: 050, testOnBorrow: true, validationQuery: SELECT 1}
        DeploymentSynchronizer:
          Enabled: true
          SvnUrl: http://svn/as
          SvnUser: wso2
          SvnPassword: !file svn.txt
          SvnUrlAppendTenantId: false
        files:
          - {file: registry.xml, xpath: /wso2registry, fragment: <mount/>} # edit
        limits: {connect: 5, command: 10.5, start: 1, join: 2, stop: 3, drain: 4}
        evidence: strict
        join_patterns: ['joined (?P<host>\\S+):(?P<port>\\d+)']
        keep_generations: 9
    """,
    more="""
        database: {address: 10.0.0.6, port: 3307, hostnames: carbondb.mysql-wso2.com}
        load_balancer:
          ssh: {host: lb.example.com, legacy_ssh: true}
          stickiness: ip_hash
          http_port: 81
          https_port: 444
          ssl_certificate: /etc/nginx/ssl/wrk.crt
          ssl_certificate_key: /etc/nginx/ssl/wrk.key
          conf_dir: /etc/nginx/sites
    """,
)


def test_every_key_arrives_where_it_belongs(tmp_path: Path) -> None:
    cluster = loaded(tmp_path, EVERYTHING)
    file = str(tmp_path / "hosts.yaml")

    def secret(origin: str, argument: str, marker: str) -> Secret:
        return Secret(origin, argument, file, line_of(marker, EVERYTHING), tmp_path)  # type: ignore[arg-type]

    login = Ssh(
        host="10.0.0.4",
        user="deploy",
        identity_files=(tmp_path / "key",),
        known_hosts=(tmp_path / "a", Path.home() / "b"),
        gateway="me@bastion:22",
    )
    node = worker(cluster)
    lines: dict[str, Any] = {
        "inventory": node.ssh.inventory,
        "identity_line": 12,
        "known_hosts_line": 12,
    }
    assert node.ssh == replace(login, **lines)
    assert node.host_name == "as.wso2.com"
    assert node.mgt_host_name == "mgt.as.wso2.com"
    assert node.proxy_ports == ProxyPorts(http=8080, https=443)
    assert node.agent == "org.example.Agent"
    assert node.home == PurePosixPath("/opt/wso2/as")
    assert node.java_home == PurePosixPath("/opt/java")
    assert node.run_as == "wso2"
    assert node.keystore_password == secret("command", "pass show keystore", "!command")
    assert node.environment == {"JVM_MEM_OPTS": "-Xmx1g"}
    driver_class = "org.mariadb.jdbc.Driver"
    assert node.driver == Driver(jar=tmp_path / "driver.jar", driver_class=driver_class)
    assert node.datasources == (
        Datasource(
            name="REG",
            jndi_name="jdbc/Reg",
            description="A & B",
            url="jdbc:mariadb://db:3306/reg?a=b&c=d",
            username="reg",
            password=secret("env", "DB_PASSWORD", "!env"),
            driver_class_name=driver_class,
            properties={"maxActive": "050", "testOnBorrow": "true", "validationQuery": "SELECT 1"},
        ),
    )
    assert node.deployment_synchronizer == DeploymentSynchronizer(
        enabled=True,
        svn_url="http://svn/as",
        svn_user="wso2",
        svn_password=secret("file", "svn.txt", "!file"),
        svn_url_append_tenant_id=False,
    )
    assert node.files == (
        FileEdit(
            file=PurePosixPath("registry.xml"),
            xpath="/wso2registry",
            fragment="<mount/>",
            inventory=file,
            line=line_of("# edit", EVERYTHING),
        ),
    )
    assert cluster.limits == Limits(
        connect_seconds=5,
        command_seconds=10.5,
        start_seconds=1,
        join_seconds=2,
        stop_seconds=3,
        drain_seconds=4,
    )
    assert cluster.evidence == "strict"
    assert cluster.join_patterns == (r"joined (?P<host>\S+):(?P<port>\d+)",)
    assert cluster.keep_generations == 9
    assert cluster.database == Database(
        address="10.0.0.6", port=3307, host_names=("carbondb.mysql-wso2.com",)
    )
    assert cluster.load_balancer == LoadBalancer(
        name="lb",
        ssh=Ssh(
            host="lb.example.com",
            user="deploy",
            identity_files=login.identity_files,
            known_hosts=login.known_hosts,
            gateway=login.gateway,
            legacy_ssh=True,
            **lines,
        ),
        stickiness="ip_hash",
        http_port=81,
        https_port=444,
        ssl_certificate=PurePosixPath("/etc/nginx/ssl/wrk.crt"),
        ssl_certificate_key=PurePosixPath("/etc/nginx/ssl/wrk.key"),
        conf_dir=PurePosixPath("/etc/nginx/sites"),
    )


def test_what_is_left_out_has_the_defaults_of_the_model(tmp_path: Path) -> None:
    cluster = loaded(tmp_path, inventory())
    assert cluster.limits == Limits()
    assert (cluster.evidence, cluster.keep_generations) == ("any", 5)
    assert (cluster.elb, cluster.database, cluster.load_balancer) == (None, None, None)
    node = worker(cluster)
    assert (node.agent, node.proxy_ports, node.driver) == (None, None, None)
    assert (node.datasources, node.files, node.deployment_synchronizer) == ((), (), None)


def test_digest_is_of_the_bytes_of_the_file(tmp_path: Path) -> None:
    cluster = loaded(tmp_path, inventory())
    assert cluster.file == tmp_path / "hosts.yaml"
    assert len(cluster.digest) == 64
    assert loaded(tmp_path, inventory() + "#\n").digest != cluster.digest


# --- inheritance


def test_mappings_merge_key_by_key(tmp_path: Path) -> None:
    text = inventory(
        cluster="""
            ssh: {user: deploy, port: 2222}
            environment: {A: '1', B: '2'}
            driver: {jar: d.jar, class: org.example.Driver}
            datasources: {REG: {url: jdbc:a, username: shared, properties: {x: 1, y: 2}}}
        """,
        worker1="""
            ssh: {user: anna}
            environment: {B: '3'}
            datasources: {REG: {username: own, properties: {y: 3}}, USERS: {url: jdbc:b}}
        """,
    )
    cluster = loaded(tmp_path, text)
    own, other = worker(cluster), worker(cluster, "worker2")
    assert (own.ssh.user, own.ssh.port) == ("anna", 2222)
    assert own.environment == {"A": "1", "B": "3"}
    assert [(it.name, it.username, it.properties) for it in own.datasources] == [
        ("REG", "own", {"x": "1", "y": "3"}),
        ("USERS", None, {}),
    ]
    assert (other.ssh.user, other.environment) == ("deploy", {"A": "1", "B": "2"})
    assert [it.username for it in other.datasources] == ["shared"]


def test_files_of_a_node_are_added_to_the_shared_ones(tmp_path: Path) -> None:
    text = inventory(
        cluster="files: [{file: a.xml, xpath: /a, value: x}]",
        worker1="files: [{file: b.xml, xpath: /b, value: y}]",
    )
    cluster = loaded(tmp_path, text)
    assert [str(edit.file) for edit in worker(cluster).files] == ["a.xml", "b.xml"]
    assert [str(edit.file) for edit in worker(cluster, "worker2").files] == ["a.xml"]


def test_null_takes_a_shared_value_away(tmp_path: Path) -> None:
    text = inventory(
        cluster="""
            run_as: wso2
            proxyPort: {http: 80}
            ssh: {gateway: bastion}
            datasources: {REG: {url: jdbc:a, driverClassName: org.example.Driver}}
        """,
        worker1="""
            run_as:
            proxyPort: null
            ssh: {gateway: ~}
            datasources: {REG: null}
        """,
    )
    cluster = loaded(tmp_path, text)
    own, other = worker(cluster), worker(cluster, "worker2")
    assert (own.run_as, own.proxy_ports, own.ssh.gateway, own.datasources) == (None, None, None, ())
    assert other.run_as == "wso2"
    assert other.ssh.gateway == "bastion"


def test_quoted_null_is_a_text(tmp_path: Path) -> None:
    assert worker(loaded(tmp_path, inventory(worker1="run_as: 'null'"))).run_as == "null"


def test_wrong_shared_value_is_reported_where_it_stands(tmp_path: Path) -> None:
    error = refused(tmp_path, inventory(cluster="home: opt/as # here"))
    assert error.seen == "cluster.home 'opt/as' is not an absolute path on one line without `..`"


def test_shared_value_is_checked_even_where_every_node_overrides_it(tmp_path: Path) -> None:
    text = inventory(
        cluster="home: opt/as # here",
        manager="home: /opt/a",
        worker1="home: /opt/a",
        worker2="home: /opt/a",
    )
    assert refused(tmp_path, text).seen.startswith("cluster.home")


def test_shared_datasource_may_be_completed_by_each_node(tmp_path: Path) -> None:
    own = "datasources: {REG: {url: 'jdbc:%s'}}"
    text = inventory(
        cluster="datasources: {REG: {driverClassName: org.example.Driver}}",
        manager=own % "m",
        worker1=own % "a",
        worker2=own % "b",
    )
    assert worker(loaded(tmp_path, text)).datasources[0].url == "jdbc:a"


# --- structure


@pytest.mark.parametrize(
    ("text", "seen", "action"),
    [
        (
            inventory(worker1="localMemberPrt: 4000 # here"),
            "workers.worker1.localMemberPrt is an unknown key",
            "did you mean 'localMemberPort'?",
        ),
        (
            inventory(more="worker: {} # here\n"),
            "worker is an unknown key",
            "did you mean 'workers'?",
        ),
        (
            inventory(worker1="offset: 1 # here"),
            "offset is an unknown key",
            "did you mean 'Offset'?",
        ),
        (
            inventory(worker1="ssh: {usr: anna} # here"),
            "workers.worker1.ssh.usr is an unknown key",
            "did you mean 'user'? known here: host, port, user",
        ),
        (
            inventory(cluster="Offset: 1 # here"),
            "cluster.Offset is an unknown key",
            "put it under the manager or a worker",
        ),
        (
            inventory(worker1="domain: other # here"),
            "workers.worker1.domain is an unknown key",
            "put it under `cluster:`",
        ),
        (
            inventory(worker1="hostnames: [a] # here"),
            "workers.worker1.hostnames is an unknown key",
            "did you mean 'HostName'?",
        ),
        (
            inventory(cluster="DeploymentSynchronizer: {AutoCommit: true} # here"),
            "cluster.DeploymentSynchronizer.AutoCommit is an unknown key",
            "the manager commits, workers never do",
        ),
        (
            inventory(cluster="limits: {reboot: 5} # here"),
            "limits.reboot is an unknown key",
            "known here",
        ),
        (
            inventory(more="elb: {localMemberHost: 10.0.0.2, home: /opt/elb, agent: a.B} # here\n"),
            "elb.agent is an unknown key",
            "an ELB is only looked at",
        ),
    ],
)
def test_unknown_key_is_refused_with_a_suggestion(
    tmp_path: Path, text: str, seen: str, action: str
) -> None:
    error = refused(tmp_path, text)
    assert seen in error.seen
    assert action in error.action


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("cluster: {domain: d, home: /opt/as} # here\n", "the file has no manager"),
        ("manager: {localMemberHost: 10.0.0.3} # here\n", "the file has no cluster"),
        (
            "cluster: {home: /opt/as} # here\nmanager: {localMemberHost: 10.0.0.3}",
            "cluster has no domain",
        ),
        (
            "cluster: {domain: d}\nmanager: {localMemberHost: 10.0.0.3} # here",
            "manager has no home",
        ),
        (inventory(more="  worker3: # here\n"), "workers.worker3 has no localMemberHost"),
        (inventory(more="elb: {localMemberHost: 10.0.0.2} # here\n"), "elb has no home"),
        (inventory(more="database: {port: 3306} # here\n"), "database has no address"),
        (
            inventory(more="load_balancer: {http_port: 80} # here\n"),
            "load_balancer.ssh has no host",
        ),
        (
            inventory(
                cluster="ssh: {user: deploy}", more="load_balancer: {http_port: 80} # here\n"
            ),
            "load_balancer.ssh has no host",
        ),
        (
            inventory(cluster="ssh: {user: deploy}", more="  worker3: {} # here\n"),
            "workers.worker3 has no localMemberHost",
        ),
        (inventory(worker1="driver: {class: a.B} # here"), "driver has no jar"),
        (inventory(worker1="driver: {jar: a.jar} # here"), "driver has no class"),
        (
            inventory(worker1="datasources:\n  REG: {url: jdbc:a} # here"),
            "datasources.REG has no driverClassName",
        ),
        (
            inventory(worker1="DeploymentSynchronizer: {Enabled: true} # here"),
            "DeploymentSynchronizer has no SvnUrl",
        ),
        (inventory(worker1="files: [{xpath: /a, value: b}] # here"), "files[0] has no file"),
    ],
)
def test_missing_key_is_refused(tmp_path: Path, text: str, seen: str) -> None:
    assert seen in refused(tmp_path, text).seen


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        (inventory(worker1="home: [/opt/as] # here"), "home is a list, not a single value"),
        (inventory(worker1="home: {a: b} # here"), "home is a mapping, not a single value"),
        (inventory(worker1="ssh: 10.0.0.4 # here"), "ssh is a single value, not a mapping"),
        (inventory(worker1="ssh: [10.0.0.4] # here"), "ssh is a list, not a mapping"),
        (inventory(worker1="files: {file: a.xml} # here"), "files is a mapping, not a list"),
        (inventory(worker1="files: a.xml # here"), "files is a single value, not a mapping"),
        (inventory(worker1="members: [[a]] # here"), "members[0] is a list, not a single value"),
        (inventory(worker1="members: [10.0.0.3:4000, ~] # here"), "members[1] has no value"),
        (inventory(more="  worker3: 10.0.0.6 # here\n"), "worker3 is a single value"),
        (inventory(more="database: [] # here\n"), "database is a list, not a mapping"),
        (inventory(cluster="evidence: all # here"), "evidence 'all' is not a known word here"),
        (inventory(worker1="ssh: {legacy_ssh: yes} # here"), "'yes' is neither true nor false"),
    ],
)
def test_wrong_type_is_refused(tmp_path: Path, text: str, seen: str) -> None:
    assert seen in refused(tmp_path, text).seen


@pytest.mark.parametrize(
    "form",
    [
        "",
        "value: ~",
        "attribute: a",
        "value: a, fragment: <a/>",
        "attribute: a, fragment: <a/>",
        "attribute: a, value: a, fragment: <a/>",
    ],
)
def test_file_edit_has_exactly_one_form(tmp_path: Path, form: str) -> None:
    text = inventory(worker1=f"files:\n  - {{file: a.xml, xpath: /a, {form}}} # here")
    assert "`attribute:` and `value:`" in refused(tmp_path, text).action


@pytest.mark.parametrize(
    "fragment",
    [
        "'<mount path=\"/_system\"><a>b &amp; c</a></mount>'",
        "' <!-- why --> <mount/> '",
        "<svns:a xmlns:svns='urn:a' svns:b='c'/>",
        "<prefix-of-the-file:a/>",
        "|\n      <mount>\n        <a/>\n      </mount>",
    ],
)
def test_fragment_arrives_as_it_was_written(tmp_path: Path, fragment: str) -> None:
    text = inventory(worker1=f"files:\n  - file: a.xml\n    xpath: /a\n    fragment: {fragment}")
    (edit,) = worker(loaded(tmp_path, text)).files
    assert edit.fragment == yaml.safe_load(f"a:\n    b: {fragment}\n")["a"]["b"]


@pytest.mark.parametrize(
    ("fragment", "seen"),
    [
        ("<mount>", "is not well-formed XML: mismatched tag"),
        ("<a/> & <b/>", "is not well-formed XML"),
        ("</around><around>", "is not well-formed XML: junk after document element"),
        ("<!DOCTYPE a><a/>", "is not well-formed XML"),
        ("<a>&undefined;</a>", "is not well-formed XML: undefined entity"),
        ("<a/><b/>", "is not exactly one element"),
        ("text", "is not exactly one element"),
        ("text <a/>", "is not exactly one element"),
        ("<a/> text", "is not exactly one element"),
        ("<!-- only a comment -->", "is not exactly one element"),
        ("", "is not exactly one element"),
    ],
)
def test_fragment_must_be_one_element(tmp_path: Path, fragment: str, seen: str) -> None:
    edit = f"{{file: a.xml, xpath: /a, fragment: '{fragment}'}}"
    error = refused(tmp_path, inventory(worker1=f"files:\n  - {edit} # here"))
    assert error.seen.startswith("workers.worker1.files[0].fragment")
    assert seen in error.seen


# --- values


def test_health_is_shared_by_all_and_another_at_a_node(tmp_path: Path) -> None:
    cluster = loaded(
        tmp_path,
        inventory(
            cluster="health: {path: /app/ping, status: 200, within: 60}",
            worker2="health: {path: /other}",
        ),
    )
    first, second = cluster.workers
    assert first.health == Health(path="/app/ping", status=200, within_seconds=60)
    assert second.health is not None and second.health.path == "/other"


BAD_VALUES = [
    ("localMemberPort: 0", "whole number from 1 to 65535"),
    ("localMemberPort: 65536", "whole number from 1 to 65535"),
    ("localMemberPort: -1", "whole number from 1 to 65535"),
    ("localMemberPort: 4e3", "whole number from 1 to 65535"),
    ("localMemberPort: 0x10", "whole number from 1 to 65535"),
    ("localMemberPort: 04000", "whole number from 1 to 65535"),
    ("localMemberPort: ٤٠٠٠", "whole number from 1 to 65535"),
    ("localMemberPort: ''", "whole number from 1 to 65535"),
    ("Offset: 55773", "whole number from 0 to 55772"),
    ("Offset: 1.5", "whole number from 0 to 55772"),
    ("ssh: {port: 70000}", "whole number from 1 to 65535"),
    ("proxyPort: {http: 0}", "whole number from 1 to 65535"),
    ("health: {path: ping}", "is not the path of an HTTP request"),
    (r'health: {path: "/a b"}', "is not the path of an HTTP request"),
    (r'health: {path: "/\r\nX: y"}', "is not the path of an HTTP request"),
    ("health: {status: 42}", "whole number from 100 to 599"),
    ("localMemberHost: worker1.example.com", "is not an IP address"),
    ("localMemberHost: 10.0.0", "is not an IP address"),
    ("localMemberHost: 010.0.0.1", "is not an IP address"),
    ("localMemberHost: fe80::1%eth0", "is not an IP address"),
    ("localMemberHost: 127.0.0.1", "not an address that other members can reach"),
    ("localMemberHost: 127.1.2.3", "not an address that other members can reach"),
    ("localMemberHost: ::1", "not an address that other members can reach"),
    ("localMemberHost: '::ffff:127.0.0.1'", "not an address that other members can reach"),
    ("localMemberHost: 0.0.0.0", "not an address that other members can reach"),
    ("localMemberHost: '::'", "not an address that other members can reach"),
    ("localMemberHost: 224.0.0.1", "not an address that other members can reach"),
    ("localMemberHost: 255.255.255.255", "not an address that other members can reach"),
    ("home: /", "directory of the system"),
    ("home: /usr", "directory of the system"),
    ("home: //opt//", "directory of the system"),
    ("home: ~/as", "not an absolute path"),
    ("home: /opt/../etc", "not an absolute path"),
    ('home: "/opt/a\\nb"', "not an absolute path"),
    ("java_home: java", "not an absolute path"),
    ("run_as: -rf", "not the name of an account"),
    ("run_as: a b", "not the name of an account"),
    ("run_as: $(id)", "not the name of an account"),
    ("ssh: {user: 'a;b'}", "not the name of an account"),
    ("ssh: {host: -oProxyCommand=x}", "not a host for ssh"),
    ("ssh: {host: me@10.0.0.4}", "not a host for ssh"),
    ("ssh: {host: ''}", "not a host for ssh"),
    ("ssh: {gateway: -J}", "not a gateway"),
    ("ssh: {gateway: 'a b'}", "not a gateway"),
    ("ssh: {identity_file: ''}", "empty or holds a line break"),
    ('ssh: {identity_file: "a\\0b"}', "empty or holds a line break"),
    ("ssh: {identity_file: ~nobody-at-all/key}", "home folder that is not known"),
    ("HostName: -as.wso2.com", "is not a host name"),
    ("HostName: as..wso2.com", "is not a host name"),
    ("HostName: as.wso2.com.", "is not a host name"),
    ("HostName: as wso2", "is not a host name"),
    ("HostName: 1.2.3", "is not a host name"),
    (f"HostName: {'a' * 64}.com", "is not a host name"),
    (f"HostName: {'a.' * 130}com", "is not a host name"),
    ('HostName: "as\\n10.0.0.1 evil"', "is not a host name"),
    ("HostName: bücher.example", "is not a host name"),
    ("subDomain: a b", "is not one word"),
    ("subDomain: ''", "is not one word"),
    ("agent: not-a-class", "not the name of a Java class"),
    ("agent: a..b", "not the name of a Java class"),
    ("server: a/b", "not a name for a node"),
    ("members: [10.0.0.3]", "not a well-known member"),
    ("members: [manager:4000]", "not a well-known member"),
    ("members: ['::1:4000']", "not a well-known member"),
    ("members: [127.0.0.1:4000]", "not an address that other members can reach"),
    ("members: [10.0.0.3:0]", "whole number from 1 to 65535"),
    ("hosts: {svn: svn.example.com}", "not the IP address of a server"),
    ("hosts: {svn: 0.0.0.0}", "not the IP address of a server"),
    ("hosts: {localhost: 10.0.0.9}", "every server's own name for itself"),
    ("hosts: {-svn: 10.0.0.9}", "is not a host name"),
    ("hosts: {10.0.0.1: 10.0.0.9}", "is not a host name"),
    ("environment: {A-B: x}", "not a name for an environment variable"),
    ("environment: {JAVA_HOME: /opt/java}", "is set for each server"),
    ('environment: {A: "x\\ny"}', "line break or control character"),
    ("datasources: {A B: {}}", "not a name for a datasource"),
    ("datasources: {A: {url: '', driverClassName: a.B}}", "url is empty"),
    (
        "datasources: {A: {driverClassName: a.B, url: 'jdbc:x://h?user=a&password=b'}}",
        "url holds a password",
    ),
    ("datasources: {A: {driverClassName: a.B, url: 'jdbc:x://anna:b@h/'}}", "url holds a password"),
    (
        'datasources: {A: {driverClassName: a.B, url: "jdbc:\\u0001"}}',
        "U+0001, which no XML file can hold",
    ),
    (
        'datasources: {A: {url: a, driverClassName: a.B, username: "\\uFFFF"}}',
        "U+FFFF, which no XML file can hold",
    ),
    (
        "datasources: {A: {url: a, driverClassName: a.B, properties: {a b: x}}}",
        "not a name for a property",
    ),
    (
        "datasources: {A: {url: a, driverClassName: a.B, properties: {url: x}}}",
        "has a key of its own",
    ),
    ("datasources: {A: {url: a, driverClassName: 'a b'}}", "not the name of a Java class"),
    ("files: [{file: /etc/passwd, xpath: /a, value: b}]", "not a file below repository/conf"),
    ("files: [{file: ../bin/x, xpath: /a, value: b}]", "not a file below repository/conf"),
    ("files: [{file: '', xpath: /a, value: b}]", "not a file below repository/conf"),
    ("files: [{file: a, xpath: /a, value: b, attribute: 'x y'}]", "not the name of an attribute"),
    ("files: [{file: a, xpath: /a, value: b, namespaces: {'': u}}]", "not a namespace prefix"),
]


@pytest.mark.parametrize(("value", "seen"), BAD_VALUES, ids=[value for value, _ in BAD_VALUES])
def test_unfit_value_is_refused(tmp_path: Path, value: str, seen: str) -> None:
    error = refused(tmp_path, inventory(worker1=f"{value} # here"))
    assert seen in error.seen
    assert error.seen.startswith(f"workers.worker1.{value.partition(':')[0]}")


@pytest.mark.parametrize(
    ("value", "seen"),
    [
        ("domain: a b", "is not one word"),
        ("domain: -a", "is not one word"),
        ('domain: "a\\nb"', "is not one word"),
        (f"domain: {'a' * 256}", "is not one word"),
        ("limits: {join: 0}", "not a number of seconds"),
        ("limits: {join: -5}", "not a number of seconds"),
        ("limits: {join: 2m}", "not a number of seconds"),
        ("limits: {join: .inf}", "not a number of seconds"),
        ("limits: {join: 100000}", "not a number of seconds up to 86400"),
        ("keep_generations: 0", "whole number from 1 to 100"),
        ("join_patterns: ['(']", "is not a regular expression"),
        ("join_patterns: ['(?P<host>.)']", "has no group named port"),
        ("join_patterns: ['joined']", "has no group named host and port"),
    ],
)
def test_unfit_setting_of_the_cluster_is_refused(tmp_path: Path, value: str, seen: str) -> None:
    assert seen in refused(tmp_path, inventory(cluster=f"{value} # here")).seen


@pytest.mark.parametrize(
    ("more", "seen"),
    [
        ("database: {address: db.example.com}", "not the IP address of a server"),
        ("database: {address: 10.0.0.6, hostnames: [a_b c]}", "is not a host name"),
        ("load_balancer: {ssh: {host: lb}, stickiness: sticky}", "not a known word here"),
        ("load_balancer: {ssh: {host: lb}, conf_dir: conf.d}", "not an absolute path"),
        ("load_balancer: {ssh: {host: lb}, ssl_certificate: /a}", "without the other"),
        ("  manager: {localMemberHost: 10.0.0.9}", "takes the name 'manager'"),
        ("  elb: {localMemberHost: 10.0.0.9}", "takes the name 'elb'"),
        ("  lb: {localMemberHost: 10.0.0.9}", "takes the name 'lb'"),
        ("  -w: {localMemberHost: 10.0.0.9}", "has the name '-w', which is not a name for a node"),
        ("  'a b': {localMemberHost: 10.0.0.9}", "is not a name for a node"),
        ("  '': {localMemberHost: 10.0.0.9}", "is not a name for a node"),
        (f"  {'w' * 64}: {{localMemberHost: 10.0.0.9}}", "is not a name for a node"),
    ],
)
def test_unfit_section_is_refused(tmp_path: Path, more: str, seen: str) -> None:
    file_end = f"{more} # here\n"
    assert seen in refused(tmp_path, inventory() + file_end).seen


@pytest.mark.parametrize(
    "value",
    [
        "localMemberHost: 2001:db8::4",
        "HostName: 10.0.0.9",
        "HostName: AS-1.wso2.com",
        "home: /opt/my as/ü",
        "home: /wso2as",
        "run_as: WORK\\anna",
        "ssh: {host: worker_1}",
        "ssh: {host: '2001:db8::4'}",
        "members: ['[2001:db8::3]:4000']",
        "environment: {EMPTY: ''}",
        "server: box.1",
    ],
)
def test_unusual_but_good_value_is_taken(tmp_path: Path, value: str) -> None:
    assert loaded(tmp_path, inventory(worker1=value)) is not None


def test_addresses_are_compared_in_one_spelling(tmp_path: Path) -> None:
    text = inventory(worker1="localMemberHost: 2001:DB8:0::4", worker2="members: ['[::0a]:4000']")
    cluster = loaded(tmp_path, text)
    assert worker(cluster).local_member_host == "2001:db8::4"
    assert worker(cluster, "worker2").members == (Member(host="::a", port=4000),)


def test_the_schema_decides_the_type_not_yaml(tmp_path: Path) -> None:
    """No text turns into a number, date or truth value on its way."""
    texts = {"a": "yes", "b": "1_000", "c": "2001-01-01", "d": "0o17", "e": "1e3", "f": "22:22"}
    properties = ", ".join(f"{key}: {text}" for key, text in texts.items())
    own = f"datasources: {{A: {{url: 5, driverClassName: a.B, properties: {{{properties}}}}}}}"
    (datasource,) = worker(loaded(tmp_path, inventory(worker1=own))).datasources
    assert datasource.properties == texts
    assert datasource.url == "5"


def test_long_hostile_value_is_shown_short_and_on_one_line(tmp_path: Path) -> None:
    error = refused(tmp_path, inventory(worker1=f'run_as: "\\n{"x" * 10_000}" # here'))
    assert "(10001 characters)" in error.seen
    assert len(error.seen) < 200


def test_relative_paths_start_at_the_inventory_not_at_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "site"
    folder.mkdir()
    save(folder, inventory(cluster="driver: {jar: d.jar, class: a.B}"))
    monkeypatch.chdir(tmp_path)
    driver = load(Path("site/hosts.yaml")).workers[0].driver
    assert driver is not None
    assert driver.jar == folder / "d.jar"
