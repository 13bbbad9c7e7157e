"""What a plan is: the steps of a deploy, what was asked for, and what will be done; pure."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from enum import StrEnum
from pathlib import PurePosixPath
from typing import Literal

from carbon.artifacts.plan import ArtifactChange
from carbon.cluster import LocalCommand, Node
from carbon.config.axis2 import Clustering, read_clustering
from carbon.errors import ConfigFileError
from carbon.home import layout
from carbon.home.driver import DriverPlan
from carbon.home.facts import ServerFacts
from carbon.home.hostsfile import HostsPlan
from carbon.service.unit import UnitPlan
from carbon.value import Value, field, replace


def clustering_in(axis2: bytes | None) -> Clustering | None:
    """Return what an axis2.xml says of clustering; None if it is not there, or cannot be read."""
    with suppress(ConfigFileError):
        return read_clustering(axis2) if axis2 is not None else None
    return None


class Step(StrEnum):
    """The steps of a deploy, in their order; each is a task of its own, too."""

    DRIVER = "driver"
    CONFIG = "config"
    HOSTS = "hosts"
    RESET = "reset"
    START = "start"


ALL_STEPS = frozenset(Step)
Restarts = Literal["never", "needed", "always"]


class Options(Value, kw_only=True):
    """What the operator asked for beside the inventory."""

    steps: frozenset[Step] = ALL_STEPS
    restart: Restarts = "needed"
    """When a server that runs is restarted: `never` (start), `always` (restart, --force)."""
    reset: bool = False
    """Reset a filled deployment directory although nothing would refill it."""
    renumber: bool = False
    """Let Offset and localMemberPort of a deployed worker change."""


class FileChange(Value, kw_only=True):
    """One file that will be swapped."""

    path: PurePosixPath
    """Relative to AS_HOME."""
    old: bytes | None
    new: bytes


class Plan(Value, kw_only=True):
    """What will be done to one server, in the order in which it will be done."""

    node: Node
    facts: ServerFacts
    files: tuple[FileChange, ...] = ()
    artifacts: tuple[ArtifactChange, ...] = ()
    modes: Mapping[PurePosixPath, int] = field(default_factory=dict)
    """The new modes of files with secrets that others may read, by path (`tighten: true`)."""
    driver: DriverPlan | None = None
    """None: nothing to do about the driver."""
    upload: PurePosixPath | None = None
    """Where the driver's JAR goes, relative to AS_HOME."""
    hosts: HostsPlan | None = None
    hosts_by: str = ""
    """Another node of the same server, which makes this very edit of /etc/hosts before."""
    unit: UnitPlan | None = None
    """What will be done about the unit of systemd that hosts.yaml names; None: nothing."""
    reset: bool = False
    undo: tuple[str, ...] = ()
    """Generations to take back, newest first: a rollback."""
    finish_swap: bool = False
    """An interrupted run left its journal open: what it began is completed."""
    configures: bool = False
    """Its configuration files are held against hosts.yaml."""
    start: bool = False
    stop: bool = False
    """The server is stopped, and stays so."""
    remove: bool = False
    """It leaves for good: the load balancer and /etc/hosts forget it."""
    undrain: bool = False
    """It has joined, and is out of rotation: an earlier run took it out and did not put it back."""
    finish: bool = False
    """It has joined, and an earlier run did not come to what follows: after_join, rotation."""
    verify: bool = False
    """It was started by this tool and never seen joining: look for the evidence, from then on."""
    reason: str = ""
    """Why the server is started or restarted; empty if it is not."""
    notes: tuple[str, ...] = ()
    """What the operator should know although nothing is done about it."""

    def noting(self, *notes: str) -> Plan:
        """Return it with further notes."""
        return replace(self, notes=(*self.notes, *notes))

    def next_data(self, path: PurePosixPath) -> bytes | None:
        """Return a file as the server will start with it; None: it is not there, or not known."""
        for change in self.files:
            if change.path == path:
                return change.new
        for artifact in self.artifacts:
            if artifact.path == path:
                return artifact.text
        return self.facts.data_of(path)

    @property
    def restart(self) -> bool:
        """The server runs, or its unit is about to start it, and it is stopped and started."""
        unit = self.facts.unit
        return self.start and (self.facts.process is not None or (unit is not None and unit.is_up))

    @property
    def stops(self) -> bool:
        """The server will be stopped, for good or to be started again."""
        return self.stop or self.restart

    @property
    def rotates(self) -> bool:
        """The load balancer is concerned: requests have to be kept from the server for a while."""
        return self.stop or self.joins

    @property
    def joins(self) -> bool:
        """What follows a join will be done: the hook after_join, and back into rotation."""
        return self.start or self.verify or self.undrain or self.finish

    @property
    def hooks(self) -> dict[str, LocalCommand]:
        """The commands of the operator that its turn runs, by their points."""
        points = {"before_stop": self.stops, "after_join": self.joins, "on_failure": True}
        by_point = self.node.hooks.by_point
        return {point: by_point[point] for point in by_point if points.get(point)}

    @property
    def as_running(self) -> Node:
        """The node as it announced itself at its start: what it leaves the cluster as."""
        axis2 = clustering_in(self.facts.data_of(layout.AXIS2))
        port = axis2.local_member_port if axis2 else None
        return replace(self.node, local_member_port=port) if port else self.node

    @property
    def swaps(self) -> bool:
        """Something below AS_HOME will change."""
        changes = self.files or self.artifacts or self.modes or self.driver or self.reset
        return bool(changes or self.undo or self.finish_swap)

    @property
    def unstages(self) -> bool:
        """An interrupted run left files that it had staged, and this one stages nothing."""
        return self.facts.staged and self.facts.journal is None and not self.swaps

    @property
    def edits_hosts(self) -> bool:
        """/etc/hosts will change, or be rid of a leftover, in this node's turn."""
        return not self.hosts_by and (self.hosts is not None or self.facts.hosts.leftover)

    @property
    def installs_unit(self) -> bool:
        """Its unit is written or enabled, or given the keystore password that a start uses up."""
        brings = bool(self.node.service and self.node.keystore_password) and self.start
        return self.unit is not None or brings

    @property
    def empty(self) -> bool:
        """Nothing at all will be done."""
        does = (self.swaps, self.unstages, self.edits_hosts, self.rotates, self.unit is not None)
        return not any(does)

    @property
    def narrowed(self) -> tuple[PurePosixPath, ...]:
        """The files of which only the mode changes, relative to AS_HOME."""
        swapped = {change.path for change in self.files}
        return tuple(path for path in self.modes if path not in swapped)

    @property
    def removed(self) -> tuple[PurePosixPath, ...]:
        """The files that go away, relative to AS_HOME."""
        of_driver = self.driver.remove if self.driver else ()
        of_artifacts = (path for change in self.artifacts for path in change.removed)
        return tuple(dict.fromkeys((*of_driver, *of_artifacts)))

    @property
    def restarting(self) -> tuple[ArtifactChange, ...]:
        """The changes of artifacts that a server heeds only when it starts."""
        return tuple(change for change in self.artifacts if change.target.restarts)
