"""What follows from the rest need not be written, and what is written is respected."""

from __future__ import annotations

from pathlib import Path

import pytest

from carbon.cluster import Cluster, HostsEntry, Member
from tests.unit.carbon.inventory.written import inventory, loaded, refused, worker

ELB = "elb: {localMemberHost: 10.0.0.2, home: /opt/elb, %s}\n"


def numbers(cluster: Cluster) -> dict[str, tuple[int, int]]:
    return {node.name: (node.offset, node.local_member_port) for node in cluster.nodes}


# --- Offset and localMemberPort


def test_node_alone_on_its_server_has_the_first_numbers(tmp_path: Path) -> None:
    cluster = loaded(tmp_path, inventory())
    assert set(numbers(cluster).values()) == {(0, 4000)}
    assert [node.server for node in cluster.nodes] == ["manager", "worker1", "worker2"]


def test_nodes_of_one_server_are_numbered_manager_elb_workers(tmp_path: Path) -> None:
    text = inventory(
        manager="server: box",
        worker1="server: box\nhome: /opt/as1",
        worker2="server: box\nhome: /opt/as2",
        more=ELB % "server: box",
    )
    assert numbers(loaded(tmp_path, text)) == {
        "manager": (0, 4000),
        "elb": (1, 4001),
        "worker1": (2, 4002),
        "worker2": (3, 4003),
    }


def test_one_login_address_does_not_make_one_server(tmp_path: Path) -> None:
    """Ports may be forwarded: only `server:` says what shares a machine."""
    text = inventory(cluster="ssh: {host: 127.0.0.1}")
    assert set(numbers(loaded(tmp_path, text)).values()) == {(0, 4000)}


def test_worker_may_name_another_node_as_its_server(tmp_path: Path) -> None:
    text = inventory(worker2="server: worker1\nhome: /opt/as2")
    assert numbers(loaded(tmp_path, text))["worker2"] == (1, 4001)


def test_written_numbers_are_kept_and_skipped_for_the_others(tmp_path: Path) -> None:
    text = inventory(
        manager="server: box",
        worker1="server: box\nhome: /opt/as1\nOffset: 0\nlocalMemberPort: 4001",
        worker2="server: box\nhome: /opt/as2",
    )
    assert numbers(loaded(tmp_path, text)) == {
        "manager": (1, 4000),
        "worker1": (0, 4001),
        "worker2": (2, 4002),
    }


def test_derived_port_skips_the_group_mgt_port_of_the_server(tmp_path: Path) -> None:
    text = inventory(manager="server: box", more=ELB % "server: box, group_mgt_port: 4001")
    assert numbers(loaded(tmp_path, text))["elb"] == (1, 4002)


def test_ports_follow_from_the_offset(tmp_path: Path) -> None:
    node = worker(loaded(tmp_path, inventory(worker1="Offset: 3")))
    assert (node.http_port, node.https_port) == (9766, 9446)


# --- what nodes of one server must not share


@pytest.mark.parametrize("other", ["/opt/wso2/as", "/opt/wso2/as/inner", "/opt/wso2"])
def test_nodes_of_one_server_need_homes_apart(tmp_path: Path, other: str) -> None:
    text = inventory(worker1=f"server: box\nhome: {other}", worker2="server: box")
    error = refused(tmp_path, text.replace("worker2:", "worker2: # here"))
    assert error.seen == (
        "workers.worker2 puts worker2 at /opt/wso2/as, "
        f"and worker1 on the same server is at {other}"
    )


@pytest.mark.parametrize(
    ("worker1", "worker2", "seen"),
    [
        ("home: /opt/a", "home: /opt/a/b", "workers.worker2.home puts worker2 at /opt/a/b"),
        (
            "Offset: 2",
            "Offset: 2",
            "Offset makes 9765 the HTTP port of worker2, and it is worker1's HTTP port",
        ),
        (
            "service: {systemd: as}",
            "service: {systemd: as.service}",
            "service makes as.service the unit of worker2, and it is worker1's unit",
        ),
        (
            "localMemberPort: 4100",
            "localMemberPort: 4100",
            "makes 4100 the localMemberPort of worker2, and it is worker1's localMemberPort",
        ),
        (
            "Offset: 320",
            "Offset: 0",
            "makes 9763 the HTTP port of worker2, and it is worker1's HTTPS port",
        ),
        (
            "localMemberPort: 9443",
            "Offset: 0",
            "makes 9443 the HTTPS port of worker2, and it is worker1's localMemberPort",
        ),
    ],
)
def test_nodes_of_one_server_must_not_share_a_number(
    tmp_path: Path, worker1: str, worker2: str, seen: str
) -> None:
    home = "" if "home" in worker1 else "home: /opt/one"
    text = inventory(
        worker1=f"server: box\n{home}\n{worker1}", worker2=f"server: box\n{worker2} # here"
    )
    assert seen in refused(tmp_path, text).seen


def test_nodes_of_two_servers_may_be_alike(tmp_path: Path) -> None:
    own = "Offset: 2\nlocalMemberPort: 4100"
    assert loaded(tmp_path, inventory(worker1=own, worker2=own)) is not None


def test_one_address_and_port_for_two_nodes_suggests_a_shared_server(tmp_path: Path) -> None:
    error = refused(tmp_path, inventory(worker2="localMemberHost: 10.0.0.4 # here"))
    assert error.seen == (
        "workers.worker2.localMemberHost makes worker2 the member 10.0.0.4:4000, as worker1 is"
    )
    assert "`server: worker1` at worker2" in error.action


def test_one_address_in_two_spellings_is_one(tmp_path: Path) -> None:
    text = inventory(
        worker1="localMemberHost: 2001:db8::4", worker2="localMemberHost: 2001:0db8::0004 # here"
    )
    assert "as worker1 is" in refused(tmp_path, text).seen


def test_one_address_with_two_ports_is_two_members(tmp_path: Path) -> None:
    text = inventory(worker2="localMemberHost: 10.0.0.4\nserver: worker1\nhome: /opt/as2")
    assert worker(loaded(tmp_path, text), "worker2").local_member_port == 4001


def test_group_mgt_port_must_not_be_the_node_s_own_local_member_port(tmp_path: Path) -> None:
    """Carbon refuses to start then, with an IllegalArgumentException."""
    text = inventory(manager="group_mgt_port: 4100 # here\nlocalMemberPort: 4100")
    assert "makes 4100 the group_mgt_port of manager" in refused(tmp_path, text).seen


# --- members


def test_worker_knows_the_manager(tmp_path: Path) -> None:
    cluster = loaded(tmp_path, inventory(manager="localMemberPort: 4100"))
    for node in cluster.workers:
        assert node.members == (Member(host="10.0.0.3", port=4100),)


def test_worker_knows_the_elb_at_its_group_mgt_port(tmp_path: Path) -> None:
    assert worker(loaded(tmp_path, inventory(more=ELB % ""))).members == (
        Member(host="10.0.0.3", port=4000),
        Member(host="10.0.0.2", port=4500),
    )
    other = loaded(tmp_path, inventory(more=ELB % "group_mgt_port: 4600"))
    assert worker(other).members[1].port == 4600


def test_manager_knows_the_first_two_workers(tmp_path: Path) -> None:
    more = "  worker3: {localMemberHost: 10.0.0.6}\n"
    assert loaded(tmp_path, inventory() + more).manager.members == (
        Member(host="10.0.0.4", port=4000),
        Member(host="10.0.0.5", port=4000),
    )


def test_manager_knows_the_elb_first(tmp_path: Path) -> None:
    members = loaded(tmp_path, inventory(more=ELB % "")).manager.members
    assert [member.host for member in members] == ["10.0.0.2", "10.0.0.4", "10.0.0.5"]


def test_manager_over_tribes_does_not_wait_for_workers(tmp_path: Path) -> None:
    """A Tribes node whose members are all unreachable blocks in its start for ever."""
    agent = "agent: org.apache.axis2.clustering.tribes.TribesClusteringAgent"
    assert loaded(tmp_path, inventory(cluster=agent)).manager.members == ()


def test_written_members_are_kept(tmp_path: Path) -> None:
    text = inventory(manager="members: []", worker1="members: [10.0.0.9:4001]")
    cluster = loaded(tmp_path, text)
    assert cluster.manager.members == ()
    assert worker(cluster).members == (Member(host="10.0.0.9", port=4001),)


# --- roles


def test_sub_domain_follows_from_the_role(tmp_path: Path) -> None:
    cluster = loaded(tmp_path, inventory(worker2="subDomain: api"))
    assert [node.sub_domain for node in cluster.nodes] == ["mgt", "worker", "api"]
    assert [node.role for node in cluster.nodes] == ["manager", "worker", "worker"]


def test_domain_is_the_cluster_s_for_every_node(tmp_path: Path) -> None:
    cluster = loaded(tmp_path, inventory(more=ELB % ""))
    assert {node.domain for node in cluster.nodes} == {cluster.domain}


def test_group_management_is_on_where_a_port_is_given(tmp_path: Path) -> None:
    cluster = loaded(tmp_path, inventory(manager="group_mgt_port: 2222", more=ELB % ""))
    assert cluster.manager.group_mgt_port == 2222
    assert cluster.elb is not None
    assert cluster.elb.group_mgt_port == 4500
    assert worker(cluster).group_mgt_port is None


def test_elb_inherits_the_login_but_no_configuration(tmp_path: Path) -> None:
    text = inventory(
        cluster="""
            ssh: {user: deploy}
            HostName: as.wso2.com
            driver: {jar: d.jar, class: a.B}
            datasources: {A: {url: jdbc:a}}
        """,
        more=ELB % "",
    )
    elb = loaded(tmp_path, text).elb
    assert elb is not None
    assert (elb.ssh.user, elb.ssh.host) == ("deploy", "10.0.0.2")
    assert (elb.host_name, elb.driver, elb.datasources, elb.members) == (None, None, (), ())


def test_server_is_reached_at_its_local_member_host_unless_said_otherwise(tmp_path: Path) -> None:
    cluster = loaded(tmp_path, inventory(worker2="ssh: {host: box7}"))
    assert worker(cluster).ssh.host == "10.0.0.4"
    assert worker(cluster, "worker2").ssh.host == "box7"


def test_datasource_uses_the_class_of_the_driver(tmp_path: Path) -> None:
    text = inventory(
        cluster="""
            driver: {jar: d.jar, class: org.mariadb.jdbc.Driver}
            datasources: {A: {url: jdbc:a}, B: {url: jdbc:b, driverClassName: org.h2.Driver}}
        """
    )
    names = [it.driver_class_name for it in worker(loaded(tmp_path, text)).datasources]
    assert names == ["org.mariadb.jdbc.Driver", "org.h2.Driver"]


# --- /etc/hosts


def entries(cluster: Cluster, name: str = "worker1") -> list[tuple[str, tuple[str, ...]]]:
    return [(entry.address, entry.names) for entry in worker(cluster, name).hosts_entries]


def test_database_manager_and_elb_are_mapped_on_every_node(tmp_path: Path) -> None:
    text = inventory(
        manager="hostnames: [mgt.as.wso2.com]",
        more=(ELB % "hostnames: [elb.wso2.com]")
        + "database: {address: 10.0.0.6, hostnames: [carbondb.mysql-wso2.com]}\n",
    )
    cluster = loaded(tmp_path, text)
    wanted = [
        ("10.0.0.6", ("carbondb.mysql-wso2.com",)),
        ("10.0.0.3", ("mgt.as.wso2.com",)),
        ("10.0.0.2", ("elb.wso2.com",)),
    ]
    for node in cluster.nodes:
        assert entries(cluster, node.name) == wanted


def test_manager_is_mapped_under_its_mgt_host_name(tmp_path: Path) -> None:
    text = inventory(cluster="MgtHostName: mgt.as.wso2.com")
    assert entries(loaded(tmp_path, text)) == [("10.0.0.3", ("mgt.as.wso2.com",))]
    without = inventory(cluster="MgtHostName: mgt.as.wso2.com", manager="hostnames: []")
    assert entries(loaded(tmp_path, without)) == []


def test_address_as_mgt_host_name_is_not_mapped(tmp_path: Path) -> None:
    assert entries(loaded(tmp_path, inventory(cluster="MgtHostName: 10.0.0.3"))) == []


def test_names_of_one_address_share_a_line(tmp_path: Path) -> None:
    text = inventory(
        manager="hostnames: [mgt.as.wso2.com, MGT.as.wso2.com, console]",
        cluster="hosts: {svn: 10.0.0.3}",
    )
    assert worker(loaded(tmp_path, text)).hosts_entries == (
        HostsEntry(address="10.0.0.3", names=("mgt.as.wso2.com", "console", "svn")),
    )


def test_further_names_belong_to_their_server(tmp_path: Path) -> None:
    text = inventory(cluster="hosts: {svn: 10.0.0.9}", worker1="hosts: {smtp: 10.0.0.8}")
    cluster = loaded(tmp_path, text)
    assert entries(cluster) == [("10.0.0.9", ("svn",)), ("10.0.0.8", ("smtp",))]
    assert entries(cluster, "worker2") == [("10.0.0.9", ("svn",))]


def test_nodes_of_one_server_want_the_same_lines(tmp_path: Path) -> None:
    text = inventory(
        worker1="server: box\nhosts: {a: 10.0.0.8}",
        worker2="server: box\nhome: /opt/as2\nhosts: {b: 10.0.0.9}",
    )
    cluster = loaded(tmp_path, text)
    assert entries(cluster) == entries(cluster, "worker2")
    assert len(entries(cluster)) == 2


@pytest.mark.parametrize(
    "text",
    [
        inventory(
            more="database: {address: 10.0.0.6, hostnames: [db]}\n",
            manager="hostnames: [DB] # here",
        ),
        inventory(manager="hostnames: [mgt]", worker1="hosts: {mgt: 10.0.0.9} # here"),
        inventory(
            worker1="server: box\nhosts: {a: 10.0.0.8}",
            worker2="server: box\nhome: /opt/as2\nhosts: {a: 10.0.0.9} # here",
        ),
    ],
)
def test_name_with_two_addresses_on_one_server_is_refused(tmp_path: Path, text: str) -> None:
    assert "already stands for" in refused(tmp_path, text).seen


def test_name_may_have_another_address_on_another_server(tmp_path: Path) -> None:
    text = inventory(worker1="hosts: {a: 10.0.0.8}", worker2="hosts: {a: 10.0.0.9}")
    assert loaded(tmp_path, text) is not None
