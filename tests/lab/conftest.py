"""The lab for the tests: brought up once, by pytest-docker, in the way of lab/.

PROVISION_KEEP_LAB=1 leaves it up for the next run. PROVISION_LAB names another one than `test`,
so that several people can run the tests on one machine. Where tests run side by side
(`pytest -n 2`), each process has a lab of its own.
"""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Callable, Generator, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lab import Lab, attach, prepare
from lab.hosts import project
from lab.machine import COMPOSE_FILE, UP
from tests.lab.cli import Fab
from tests.lab.hosts import LOG, Host
from tests.lab.inventory import ClusterFile
from tests.waiting import wait_for

NAME = os.environ.get("PROVISION_LAB", "test") + os.environ.get("PYTEST_XDIST_WORKER", "")
KEEP = bool(os.environ.get("PROVISION_KEEP_LAB"))
CARBON_HOSTS = ("manager", "worker1", "worker2", "worker3", "legacy", "plain", "systemd")
SHOWN_LINES = 40


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark everything below this folder, so that `-m "not lab"` leaves it out."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.lab)


# ---- pytest-docker, told what lab/ knows


@pytest.fixture(scope="session")
def docker_compose_command() -> str:
    """Have an engine and the image, installed and built where missing, and Compose v1 or v2."""
    return shlex.join(prepare(NAME, extras=True))


@pytest.fixture(scope="session")
def docker_compose_file() -> str:
    return str(COMPOSE_FILE)


@pytest.fixture(scope="session")
def docker_compose_project_name() -> str:
    return project(NAME)


@pytest.fixture(scope="session")
def docker_setup() -> str:
    return shlex.join(UP)


@pytest.fixture(scope="session")
def docker_cleanup() -> str:
    return "" if KEEP else "down --volumes --remove-orphans --timeout 1"


# ---- The lab and its hosts


@pytest.fixture(scope="session")
def lab(docker_services: object) -> Lab:  # noqa: ARG001 - its containers
    """The running lab, every host answering with its SSH banner."""
    return attach(NAME)


@pytest.fixture(scope="session")
def hosts(lab: Lab) -> Iterator[Mapping[str, Host]]:
    """The hosts by name, to look at them and to break them past SSH."""
    made = {name: Host(lab, name) for name in lab.hosts}
    yield made
    for host in made.values():
        host.close()


@pytest.fixture(scope="session")
def manager(hosts: Mapping[str, Host]) -> Host:
    return hosts["manager"]


@pytest.fixture(scope="session")
def worker1(hosts: Mapping[str, Host]) -> Host:
    return hosts["worker1"]


@pytest.fixture(scope="session")
def worker2(hosts: Mapping[str, Host]) -> Host:
    return hosts["worker2"]


@pytest.fixture
def stock(hosts: Mapping[str, Host]) -> Callable[..., None]:
    """Make hosts stock again: `stock("worker1", "plain")`; none named means both workers."""
    return lambda *names: restore(*(hosts[name] for name in names or ("worker1", "worker2")))


@pytest.fixture
def bare(lab: Lab, stock: Callable[..., None]) -> Iterator[Host]:
    """worker3, with nothing on it; so again afterwards."""
    stock("worker3")
    yield Host(lab, "worker3")
    stock("worker3")


def restore(*hosts: Host) -> None:
    """Make several hosts stock again, at once."""
    with ThreadPoolExecutor() as pool:
        list(pool.map(Host.restore, hosts))


@pytest.fixture
def stock_workers(stock: Callable[..., None]) -> None:
    """Begin with worker1 and worker2 as unpacked."""
    stock()


@pytest.fixture
def deployed(
    lab: Lab, worker1: Host, worker2: Host, cluster_file: ClusterFile, fab: Fab
) -> tuple[Host, Host]:
    """Begin with worker1 and worker2 deployed by `cluster_file()`, both up and members.

    Where the test before left them so, they are taken as they are.
    """
    both = (worker1, worker2)
    if _last_deployed.get(lab.name) != _contents(both):
        restore(*both)
        fab.succeeds("deploy", hosts=cluster_file())
        _last_deployed[lab.name] = _contents(both)
    return both


_last_deployed: dict[str, list[str]] = {}


def _contents(hosts: tuple[Host, ...]) -> list[str]:
    """Return what the homes hold, and whether the server that was seen joining runs."""
    return [host.contents() + str(host.is_member()) for host in hosts]


@pytest.fixture
def changed_manager(manager: Host) -> Iterator[Host]:
    """The manager, for a test that breaks it; it is as new afterwards."""
    yield manager
    restore_manager(manager)


def restore_manager(manager: Host, *, agent: str = "") -> None:
    """Make the manager as new, with this clustering agent, and wait until it has started.

    It knows no member but itself: workers that run now are a cluster of their own, for good.
    """
    _last_deployed.clear()
    manager.script("restore-manager", *([agent] if agent else []))
    started = f"grep -qs 'WSO2 Carbon started' {LOG} && echo yes || true"
    wait_for("the manager has started", lambda: manager.sh(started))


@pytest.fixture
def reboots(lab: Lab) -> Iterator[None]:
    """Docker starts the host again when its systemd has ended, as a machine's power does."""
    container = lab.hosts["systemd"].container
    update = ("docker", "update", "--restart")
    subprocess.run([*update, "always", container], check=True, capture_output=True)
    yield
    subprocess.run([*update, "no", container], check=True, capture_output=True)
    lab.reboot("systemd")


# ---- The command line


@pytest.fixture
def cluster_file(lab: Lab, tmp_path: Path) -> ClusterFile:
    """Write a hosts.yaml for this lab, with what this test wants different."""
    return ClusterFile(lab, tmp_path)


@pytest.fixture
def fab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fab]:
    """Run the real `fab`; no process of it may be left."""
    runner = Fab(tmp_path_factory.mktemp("home"))
    yield runner
    runner.close()


@pytest.fixture(autouse=True)
def nothing_is_left_behind(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test whose runs leave processes, a lock or staged files on any server."""
    yield
    if "hosts" not in request.fixturenames:
        return
    found = {}
    for name in CARBON_HOSTS:
        host: Host = request.getfixturevalue("hosts")[name]
        try:  # sshd may still be clearing away the sessions of a run that has just ended
            wait_for("nothing is left", lambda host=host: not host.leftovers(), seconds=5)
        except AssertionError:
            found[name] = host.leftovers()
    assert not found, f"left behind: {found}"


# ---- What a failure needs to be understood


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Attach the hosts' logs to a test that failed."""
    report = yield
    if report.failed and "lab" in getattr(item, "fixturenames", ()):
        funcargs = getattr(item, "funcargs", {})
        running = funcargs.get("lab")
        if isinstance(running, Lab):
            report.sections += [(f"log of {name}", _log(running, name)) for name in CARBON_HOSTS]
    return report


def _log(lab: Lab, name: str) -> str:
    logs = (
        "for log in /opt/wso2/*/repository/logs/wso2carbon.log /opt/wso2/*/.provision/console.log"
    )
    tail = f"tail -n {SHOWN_LINES}"
    script = f'{logs}; do [ -e "$log" ] && echo "$log:" && {tail} "$log"; done; true'
    return lab.exec(name, "sh", "-c", script, check=False).stdout
