"""Which datasources are tried, when, and with which driver."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any

import pytest

from carbon.cluster import Datasource, HostsEntry, Node
from carbon.config import files as config_files
from carbon.home import layout
from carbon.home.driver import DriverPlan
from carbon.home.hostsfile import HostsPlan
from carbon.plan.model import FileChange, Plan
from carbon.plan.trial import trial_before, trial_now
from carbon.secret import literal
from carbon.value import replace
from tests.unit.carbon.config.samples import DATASOURCES
from tests.unit.carbon.looks import make_facts, remote_file
from tests.unit.carbon.nodes import make_node

DRIVER = "org.mariadb.jdbc.Driver"
STAGED = PurePosixPath(".provision/staged/files/repository/components/lib")
LIB = PurePosixPath("repository/components/lib")


def source(url: str = "jdbc:mariadb://db/reg", **own: Any) -> Datasource:
    values: dict[str, Any] = {
        "name": "REG",
        "url": url,
        "driver_class_name": DRIVER,
        "jndi_name": "jdbc/reg",
        "username": "reg",
        "password": literal("p4ss"),
    }
    return Datasource(**values | own)


def make_plan(*sources: Datasource, live: bytes | None = None, **own: Any) -> Plan:
    """Return a plan of a server that has what hosts.yaml says, or `live`, and is started."""
    node = own.pop("node", make_node())
    node = replace(node, datasources=sources or (source(),))
    data = written(node) if live is None else live
    facts = make_facts(files={layout.DATASOURCES: remote_file(data.decode())})
    values: dict[str, Any] = {"start": True, "configures": True}
    return Plan(node=node, facts=facts, **values | own)


def written(node: Node) -> bytes:
    return config_files.patch(node, layout.DATASOURCES, DATASOURCES).data


def urls(plan: Plan) -> list[str]:
    trial = trial_before(plan)
    return [each.url for each in trial.datasources] if trial else []


def test_a_server_that_is_started_is_tried() -> None:
    assert urls(make_plan()) == ["jdbc:mariadb://db/reg"]


def test_a_deploy_that_changes_nothing_tries_nothing() -> None:
    assert trial_before(make_plan(start=False)) is None


def test_a_step_alone_is_not_held_up_by_another_that_is_still_to_come() -> None:
    """`config` may come before `driver`."""
    changed = FileChange(path=layout.DATASOURCES, old=b"", new=written(make_plan().node))
    assert trial_before(make_plan(start=False, files=(changed,))) is None


def test_what_the_plan_writes_is_tried() -> None:
    plan = make_plan(live=DATASOURCES)
    assert not urls(plan)
    changed = FileChange(path=layout.DATASOURCES, old=b"", new=written(plan.node))
    assert urls(replace(plan, files=(changed,))) == ["jdbc:mariadb://db/reg"]


def test_check_databases_false_turns_it_off() -> None:
    plan = make_plan(node=make_node(check_databases=False))
    assert trial_before(plan) is None
    assert trial_now(plan) is None


def test_a_start_that_writes_nothing_tries_only_what_the_server_has_already() -> None:
    """The values of hosts.yaml are not those that it starts with, if its file says otherwise."""
    assert urls(make_plan(configures=False))
    other = make_plan(source(password=literal("0ther"))).facts.files[layout.DATASOURCES].data
    assert not urls(make_plan(configures=False, live=other))


def test_a_rollback_is_never_held_up_by_the_values_that_it_takes_back() -> None:
    assert trial_before(make_plan(undo=("20261128T000000Z-x",))) is None


def test_the_new_driver_is_tried_from_where_it_is_staged() -> None:
    remove = (LIB / "old.jar",)
    driver = DriverPlan(upload=True, remove=remove, reasons=())
    trial = trial_before(make_plan(upload=LIB / "new.jar", driver=driver))
    assert trial is not None
    assert trial.first == (STAGED / "new.jar",)
    assert trial.without == (LIB / "old.jar", LIB / "new.jar")


def test_a_login_that_secure_vault_keeps_is_not_tried() -> None:
    data = written(make_plan().node).replace(
        b"<password>p4ss<", b'<password svns:secretAlias="Datasources.REG">x<'
    )
    assert b"secretAlias" in data
    assert not urls(make_plan(live=data))


@pytest.mark.parametrize(
    "url",
    [
        "jdbc:h2:repository/database/X;DB_CLOSE_ON_EXIT=FALSE",
        "jdbc:derby:X;create=true",
        "jdbc:hsqldb:file:X",
        "jdbc:sqlite:X",
        "jdbc:mariadb://${db.host}/reg",
    ],
)
def test_databases_in_files_of_the_server_and_placeholders_are_left_alone(url: str) -> None:
    assert not urls(make_plan(source(url)))


@pytest.mark.parametrize(
    "url", ["jdbc:h2:tcp://db/x", "jdbc:derby://db/x", "jdbc:hsqldb:hsql://db/x"]
)
def test_their_servers_are_tried(url: str) -> None:
    assert urls(make_plan(source(url))) == [url]


@pytest.mark.parametrize(
    ("url", "tried"),
    [
        ("jdbc:mariadb://db:3306/db?x=db", "jdbc:mariadb://10.0.0.9:3306/db?x=db"),
        (
            "jdbc:mariadb:replication://DB,db.two/db",
            "jdbc:mariadb:replication://10.0.0.9,db.two/db",
        ),
        ("jdbc:oracle:thin:@db:1521:db", "jdbc:oracle:thin:@10.0.0.9:1521:db"),
        ("jdbc:oracle:thin:@(HOST=db)(SID=db)", "jdbc:oracle:thin:@(HOST=10.0.0.9)(SID=db)"),
        (
            "jdbc:sqlserver://;serverName=db;databaseName=db",
            "jdbc:sqlserver://;serverName=10.0.0.9;databaseName=db",
        ),
        ("jdbc:mariadb://six/x", "jdbc:mariadb://[fd00::9]/x"),
    ],
)
def test_a_name_that_etc_hosts_will_have_is_its_address_until_then(url: str, tried: str) -> None:
    """The block of /etc/hosts is written in the turn, after the trial."""
    entries = (
        HostsEntry(address="10.0.0.9", names=("db",)),
        HostsEntry(address="fd00::9", names=("six",)),
    )
    node = make_node(hosts_entries=entries)
    hosts = HostsPlan(new=b"", changed=True)
    assert urls(make_plan(source(url), node=node, hosts=hosts)) == [tried]
    assert urls(make_plan(source(url), node=node)) == [url]


def test_doctor_tries_what_is_there_without_a_start() -> None:
    trial = trial_now(make_plan(start=False, upload=LIB / "new.jar"))
    assert trial is not None
    assert (trial.first, trial.without) == ((), ())


def test_doctor_looks_for_the_jndi_names_that_a_deploy_would_not_bring() -> None:
    trial = trial_now(make_plan(start=False))
    assert trial is not None
    assert trial.jndi_names == ("jdbc/reg",)
    users = FileChange(path=layout.CONF / "user-mgt.xml", old=b"", new=b"<x>jdbc/reg</x>")
    trial = trial_now(make_plan(start=False, files=(users,)))
    assert trial is not None
    assert trial.jndi_names == ()
