"""The ways that a diagnosis tries, and from which side."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath

import pytest

from carbon.checks.diagnosis import Diagnosis
from carbon.cluster import Database, Datasource, Node
from carbon.errors import ConnectError, ProvisionError
from carbon.home.facts import Reach
from carbon.secret import Secret, literal
from carbon.value import replace
from remote.observe import doctor
from remote.observe.doctor import examine, explain
from tests.unit.carbon.looks import axis2, log_line
from tests.unit.carbon.nodes import make_cluster, make_manager, make_node
from tests.unit.remote.local_server import LocalFleet, LocalServer
from tests.unit.remote.silent import Silent

SOURCE = Datasource(
    name="D", url="jdbc:h2:x", driver_class_name="a.B", password=literal("tr0mbone")
)


def at_home(node: Node, tmp_path: Path) -> Node:
    """Return a node whose home here has nothing but an axis2.xml."""
    home = tmp_path / node.name
    (home / "repository/conf/axis2").mkdir(parents=True)
    text = axis2(host=node.local_member_host)
    (home / "repository/conf/axis2/axis2.xml").write_text(text)
    return replace(node, home=PurePosixPath(home))


def examined(
    tmp_path: Path,
    *,
    from_worker: Mapping[tuple[str, int], Reach] | None = None,
    manager: ProvisionError | None = None,
) -> tuple[Diagnosis, LocalFleet]:
    worker = at_home(make_node(datasources=(SOURCE,)), tmp_path)
    cluster = make_cluster(
        worker,
        manager=at_home(make_manager(), tmp_path),
        database=Database(address="10.0.0.9"),
    )
    servers: dict[str, LocalServer | ProvisionError] = {
        "worker1": LocalServer("worker1", ways=from_worker or {}),
        "manager": manager or LocalServer("manager"),
    }
    fleet = LocalFleet(cluster, servers)
    (diagnosis,) = examine(fleet, [worker], progress=Silent())  # type: ignore[arg-type]
    return diagnosis, fleet


class Heard(Silent):
    """Remembers whom a view was told to show."""

    def __init__(self) -> None:
        self.seen: dict[str, str] = {}

    def now(self, name: str, text: str) -> None:
        self.seen[name] = text


def test_a_manager_that_nobody_asked_about_is_not_shown_as_looked_at(tmp_path: Path) -> None:
    """A stray line of it stood in each failure: `manager  looking (0 s)`."""
    worker = at_home(make_node(), tmp_path)
    cluster = make_cluster(worker, manager=at_home(make_manager(), tmp_path))
    servers = {name: LocalServer(name) for name in ("worker1", "manager")}
    heard = Heard()
    examine(LocalFleet(cluster, servers), [worker], progress=heard)  # type: ignore[arg-type]
    assert set(heard.seen) == {"worker1"}


def codes(diagnosis: Diagnosis) -> set[str]:
    return {finding.code for finding in diagnosis.findings}


def test_the_database_is_tried_from_the_worker(tmp_path: Path) -> None:
    diagnosis, _ = examined(tmp_path, from_worker={("10.0.0.9", 3306): "silent"})
    assert "database-connection" in codes(diagnosis)


def test_the_managers_member_port_is_tried_from_the_worker(tmp_path: Path) -> None:
    """The manager's own port is not looked at where it is down: that is told instead."""
    diagnosis, _ = examined(tmp_path, from_worker={("10.0.0.3", 4000): "refused"})
    assert ("manager", "not-running") in {(each.about, each.code) for each in diagnosis.findings}
    assert "connection-to-manager" not in codes(diagnosis)
    assert "connection to the manager" not in diagnosis.right


def test_a_manager_that_cannot_be_entered_ends_no_examination(tmp_path: Path) -> None:
    error = ConnectError("the connection failed", host="manager", action="look")
    diagnosis, _ = examined(tmp_path, manager=error, from_worker={("10.0.0.3", 4000): "silent"})
    assert {"manager-unreachable", "connection-to-manager"} <= codes(diagnosis)
    assert any(text.startswith("connection from the manager") for text in diagnosis.unchecked)


def test_a_worker_that_is_down_is_not_tried_from_the_manager(tmp_path: Path) -> None:
    diagnosis, _ = examined(tmp_path)
    assert "connection from the manager (worker1 is not running)" in diagnosis.unchecked


def test_each_side_is_surveyed_once(tmp_path: Path) -> None:
    _, fleet = examined(tmp_path)
    ran = [server.ran for server in fleet.servers.values() if isinstance(server, LocalServer)]
    assert ran == [["facts"], ["facts"]]


def test_what_a_failure_has_told_already_is_not_told_again(tmp_path: Path) -> None:
    """Nor what follows from it: that the worker is down."""
    _, fleet = examined(tmp_path)
    worker = fleet.cluster.workers[0]
    told = explain(fleet, worker, said="", progress=Silent())  # type: ignore[arg-type]
    assert "doctor: manager is not running" in told
    assert "it is not running" not in told.replace("manager is not running", "")
    again = explain(fleet, worker, said=told, progress=Silent())  # type: ignore[arg-type]
    assert again == ""


def test_a_failure_shows_the_last_lines_of_log_and_console(tmp_path: Path) -> None:
    """Also those that no rule knows: at a limit nothing was said of them."""
    _, fleet = examined(tmp_path)
    worker = fleet.cluster.workers[0]
    home = tmp_path / worker.name
    (home / "repository/logs").mkdir()
    (home / ".provision").mkdir()
    words = "a library's own words, password=hunter2, and tr0mbone"
    log = [log_line("all is well"), words, "  at x.Y(Z.java:1)", ""]
    (home / "repository/logs/wso2carbon.log").write_text("\n".join(log))
    console = ["JAVA_HOME environment variable is set", "[12:00:00] INFO {a.B} - all is well"]
    (home / ".provision/console.log").write_text("\n".join(console))
    told = explain(fleet, worker, said="", progress=Silent())  # type: ignore[arg-type]
    assert f"last lines of worker1's log, whatever they say:\n    | {log[0].strip()}" in told
    assert "\n    | a library's own words, password=" in told
    assert "hunter2" not in told and "tr0mbone" not in told and "Z.java" not in told
    _, _, of_console = told.partition("last lines of worker1's console, whatever they say:\n")
    assert of_console == f"    | {console[0]}"
    assert explain(fleet, worker, said=told, progress=Silent()) == ""  # type: ignore[arg-type]


@pytest.mark.parametrize("shape", ["p&ss<wort9", "p&amp;ss&lt;wort9", "p%26ss%3Cwort9"])
def test_a_secret_that_the_run_had_no_use_for_is_masked_in_every_shape(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shape: str
) -> None:
    """As at a restart of a manager that hosts.yaml does not keep: nothing has read its !file."""
    (tmp_path / "secret").write_text("p&ss<wort9\n")
    kept = Secret("file", str(tmp_path / "secret"))
    database = Datasource(name="DB", url="jdbc:x", driver_class_name="c", password=kept)
    monkeypatch.setattr(doctor, "_end_of_log", lambda *_: [f"it refused {shape} today"])
    (text,) = list(doctor._last_lines(None, make_manager(datasources=(database,)), (), said=""))[1:]
    assert text == "\n    | it refused ******** today"
