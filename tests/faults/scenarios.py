"""The commands that are broken at every point, and the states that they begin from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from carbon.home.driver import bundle_name
from tests.faults.client import Client, Ran
from tests.faults.site import Site

WORKERS = ("worker1", "worker2")
OLD_DRIVER, NEW_DRIVER = "2.7.6", "2.7.7"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A command over workers that are in a certain state."""

    name: str
    state: str
    running: bool
    """The workers' servers run in that state."""
    inventory: str
    words: tuple[str, ...]
    turns: tuple[str, ...] = WORKERS
    lands: bool = False
    """An AS_HOME comes to be there: as a whole or not at all."""
    halfway: tuple[str, ...] = ()
    """A command of its own that goes a part of the way: what it makes of AS_HOME is whole, too."""
    source: str = ""
    """The worker whose AS_HOME is cloned: deployed, running, and never touched."""
    focus: str = ""
    """Only faults whose text holds this: the others are those of another scenario."""

    @property
    def bystanders(self) -> tuple[str, ...]:
        """Hosts that are looked at and never touched."""
        return ("manager", self.source) if self.source else ("manager",)

    @property
    def verb(self) -> str:
        """As audit lines name it."""
        return self.words[2]


DEPLOY = Scenario(
    name="deploy",
    state="stock",
    running=False,
    inventory="first",
    words=("-H", "worker1,worker2", "deploy"),
)
CHANGE = Scenario(
    name="deploy of a change",
    state="deployed",
    running=True,
    inventory="second",
    words=("-H", "worker1,worker2", "deploy"),
)
RESTART = Scenario(
    name="restart",
    state="deployed",
    running=True,
    inventory="first",
    words=("-H", "worker1,worker2", "restart"),
)
ROLLBACK = Scenario(
    name="rollback",
    state="changed",
    running=True,
    inventory="second",
    words=("-H", "worker1,worker2", "rollback"),
)
ARTIFACTS = Scenario(
    name="deploy of artifacts",
    state="deployed",
    running=True,
    inventory="artifacts",
    words=("-H", "worker1,worker2", "deploy"),
)
WITHOUT = Scenario(
    name="rollback of artifacts",
    state="brought",
    running=True,
    inventory="artifacts",
    words=("-H", "worker1,worker2", "rollback"),
)
CLONE = Scenario(
    name="clone",
    state="stock",
    running=False,
    inventory="first",
    words=("-H", "worker3", "clone", "--source", "worker1"),
    turns=("worker3",),
    lands=True,
    source="worker1",
)
REPLACE = Scenario(
    name="clone --replace",
    state="other",
    running=False,
    inventory="first",
    words=("-H", "worker3", "clone", "--source", "worker1", "--replace"),
    turns=("worker3",),
    lands=True,
    source="worker1",
    focus=":home_land:",
)
INSTALL = Scenario(
    name="deploy of a pack",
    state="stock",
    running=False,
    inventory="pack",
    words=("-H", "worker3", "deploy"),
    turns=("worker3",),
    lands=True,
    halfway=("-H", "worker3", "install"),
)
ALL = (DEPLOY, CHANGE, RESTART, ROLLBACK, ARTIFACTS, WITHOUT, CLONE, REPLACE, INSTALL)


class Stage:
    """Prepares the states once and brings the hosts back to them."""

    def __init__(self, site: Site, client: Client) -> None:
        self._site = site
        self._client = client
        self._inventories: dict[str, Path] = {
            "first": site.inventory("first", driver=OLD_DRIVER),
            "pack": site.inventory("pack", driver=OLD_DRIVER, pack=str(site.lab.pack("zip"))),
            "artifacts": site.inventory("artifacts", driver=OLD_DRIVER, artifacts=site.artifacts()),
            "second": site.inventory(
                "second", driver=NEW_DRIVER, HostName="other.wso2.com", tighten=True
            ),
        }

    def prepare(self) -> None:
        """Make the states `deployed`, `changed` and `brought`, each of the last two from the first.

        Deployed workers have a driver of one version and a filled deployment directory; the
        change brings another driver, other configuration, and an empty directory. Where a clone
        is to stand there is nothing, or in the state `other` the AS_HOME of somebody else.
        """
        self.restore(DEPLOY)
        self._must(DEPLOY)
        jar = self._site.driver(OLD_DRIVER).name
        self._site.on(WORKERS, "furnish", jar, bundle_name(jar))
        self._site.on(WORKERS, "save", "deployed")
        self.restore(CHANGE)
        self._must(CHANGE)
        jar = self._site.driver(NEW_DRIVER).name
        self._site.on(WORKERS, "furnish", jar, bundle_name(jar))
        self._site.on(WORKERS, "save", "changed")
        self.restore(ARTIFACTS)
        self._must(ARTIFACTS)
        self._site.on(WORKERS, "save", WITHOUT.state)
        self.restore(CLONE)
        self._site.on(CLONE.turns, "occupy")
        self._site.on(CLONE.turns, "save", REPLACE.state)

    def begin(self, scenario: Scenario) -> None:
        """Bring all hosts of a scenario to the state that it begins from."""
        if scenario.source:
            self._site.on([scenario.source], "restore", "deployed", "yes")
        self.restore(scenario)

    def restore(self, scenario: Scenario) -> None:
        """Bring the workers to the state that a scenario begins from."""
        running = "yes" if scenario.running else "no"
        self._site.on(scenario.turns, "restore", scenario.state, running)

    def run(self, scenario: Scenario, **environment: str) -> Ran:
        """Run the scenario's command."""
        return self._run(scenario, scenario.words, **environment)

    def go_halfway(self, scenario: Scenario) -> Ran:
        """Run the command that goes a part of the way."""
        return self._run(scenario, scenario.halfway)

    def _run(self, scenario: Scenario, words: tuple[str, ...], **environment: str) -> Ran:
        hosts = self._inventories[scenario.inventory]
        return self._client.run(*words, hosts=hosts, environment=environment)

    def _must(self, scenario: Scenario) -> None:
        ran = self.run(scenario)
        assert ran.status == 0, f"{scenario.name} does not work undisturbed:\n{ran.said}"
