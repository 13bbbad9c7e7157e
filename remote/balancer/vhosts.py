"""nginx's files on the load balancer: read them, replace them, have nginx test and load them."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress

from carbon.balancer.nginx import Rotation, demand_balancer, file_names, parse_rotation
from carbon.cluster import LoadBalancer
from carbon.errors import ProvisionError, ScriptError
from carbon.value import Value
from remote.host import sudo
from remote.host.archive import Member, pack, unpack
from remote.host.audit import audit_line, outcome_of
from remote.host.exit_status import ExitStatus
from remote.host.fleet import Fleet
from remote.host.host import Host
from remote.host.script import Script
from remote.host.server import Outcome

LOAD_SECONDS = 20
"""How long nginx may take to start with new files; many certificates take their time."""


class Found(Value, kw_only=True):
    """What the load balancer has of a cluster's files."""

    files: Mapping[str, bytes]
    interrupted: bool
    """A push was cut off: nginx may run with other files than these."""

    @property
    def rotation(self) -> Mapping[str, set[Rotation]]:
        """What the files say of each worker: nearly always the same."""
        states: defaultdict[str, set[Rotation]] = defaultdict(set)
        for data in self.files.values():
            for name, state in parse_rotation(data).items():
                states[name].add(state)
        return states


class Loaded(Value, kw_only=True):
    """nginx runs with the files that were pushed."""

    old_processes: tuple[str, ...]
    """Those that may still have requests by the files before; empty if nobody may see them."""
    warnings: tuple[str, ...]
    """What nginx said although it took the files."""


class Vhosts:
    """The cluster's files in nginx's conf.d; the connection is opened by the first use."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._names = file_names(fleet.cluster)
        self._has_pushed = False

    @property
    def balancer(self) -> LoadBalancer:
        """The load balancer of hosts.yaml.

        Raises InventoryError if there is none.
        """
        return demand_balancer(self._fleet.cluster)

    @property
    def host(self) -> Host[LoadBalancer]:
        """The load balancer with its connection."""
        return self._fleet.host(self.balancer)

    def read(self) -> Found:
        """Read the files that are there.

        Raises ScriptError, and what the connection raises.
        """
        values = {"conf_dir": str(self.balancer.conf_dir), "files": self._names}
        outcome = self.host.run(
            Script(name="balancer_read", values=values),
            step="rotation",
            remedy="correct `conf_dir` in hosts.yaml, or let the login read it",
        )
        head, _, archive = outcome.out.partition(b"files\n")
        members = unpack(archive, host=self.balancer.name, step="rotation")
        files = {member.name: member.data for member in members}
        return Found(files=files, interrupted=b"interrupted " in head)

    @contextmanager
    def held(self, *, verb: str, break_lock: bool) -> Iterator[None]:
        """Hold the server's lock for a block that may push: sudo will let it happen.

        An audit line is written before the block, and after one that pushed something: one that
        cannot be written ends nothing, since nginx has what it should.
        Raises LockedError and PrivilegeError.
        """
        cluster = self._fleet.cluster
        begin = audit_line(cluster, verb, outcome="begin")
        error: ProvisionError | None = None
        with self.host.lock(verb=verb, break_lock=break_lock, audit=begin):
            commands = sudo.vhost_commands(cluster, self.balancer)
            sudo.check(self.host, commands, step="rotation")
            try:
                yield
            except ProvisionError as failure:
                error = failure
                raise
            finally:
                if self._has_pushed:
                    line = audit_line(cluster, verb, outcome=outcome_of(error))
                    script = Script(name="balancer_audit", values={"audit": line})
                    with suppress(ProvisionError):
                        self.host.run(script, step="audit")

    def push(self, current: Found, wanted: Mapping[str, bytes]) -> Loaded:
        """Make the files those that are wanted, all or none; files not wanted go away.

        Where nginx refuses them the old ones come back. Raises ScriptError with nginx's own
        sentence then, UnfitError where the files are not those found any more, PrivilegeError.
        """
        if self.balancer.rotation_helper and wanted.keys() != current.files.keys():
            seen = "the set of vhost files changes, and only root may change that here"
            raise ScriptError(seen, host=self.balancer.name, step="push", action=_BY_ROOT)
        self._has_pushed = True
        new = {name: data for name, data in wanted.items() if current.files.get(name) != data}
        digests = {name: _digest(data) for name, data in current.files.items()}
        script = Script(
            name="balancer_push",
            values={
                "conf_dir": str(self.balancer.conf_dir),
                "with_helper": "yes" if self.balancer.rotation_helper else "no",
                "files": self._names,
                "expect": [part for name in self._names for part in (digests.get(name, "-"), name)],
                "put": [part for name, data in new.items() for part in (_digest(data), name)],
                "drop": [name for name in current.files if name not in wanted],
                "load_seconds": LOAD_SECONDS,
            },
            calls_sudo=True,
        )
        packed = pack(Member(name=name, data=data) for name, data in new.items())
        outcome = self.host.outcome_of(script, payload=packed, more_seconds=LOAD_SECONDS)
        _demand_loaded(outcome, self.balancer)
        lines = outcome.out.decode(errors="replace").splitlines()
        return Loaded(
            old_processes=tuple(line[4:] for line in lines if line.startswith("old ")),
            warnings=tuple(line[8:] for line in lines if line.startswith("warning ")),
        )


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _demand_loaded(outcome: Outcome, balancer: LoadBalancer) -> None:
    if outcome.status == ExitStatus.HELPER_REFUSED:
        raise ScriptError(outcome.complaint, host=balancer.name, step="push", action=_BY_ROOT)
    action = _RESTORED.get(outcome.status)
    if action is not None:
        seen = f"{outcome.complaint}; the old files are back"
        raise ScriptError(seen, host=balancer.name, step="push", action=action)
    outcome.check(host=balancer.name, step="push")


_BY_ROOT = (
    "let root run there what `fab -H lb sudoers --helper` prints (load_balancer:"
    " rotation_helper): it brings the vhosts to what hosts.yaml says"
)
_RESTORED: Mapping[int, str] = {
    ExitStatus.NGINX_REFUSED: "correct load_balancer in hosts.yaml, or the file that nginx names",
    ExitStatus.NGINX_NOT_RELOADED: "start nginx there (systemctl start nginx), then run the same"
    " command again",
    ExitStatus.NGINX_NOT_LOADED: "see its error log (/var/log/nginx/error.log): most often a port"
    " is in use",
}
"""Statuses of the script that gave the old files back, and what is to be done then."""
