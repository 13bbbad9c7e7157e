"""What `lb.config` would change on the load balancer, and doing it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from carbon.balancer.nginx import Rotation, is_ours, parse_rotation, render
from carbon.cluster import LoadBalancer, Node
from carbon.errors import ConfigFileError
from carbon.value import Value
from remote.balancer.http import http_problem
from remote.balancer.vhosts import Found, Loaded, Vhosts
from remote.host.audit import audit_line
from remote.host.fleet import Fleet
from remote.run.threads import all_or_errors, parallel


class VhostPlan(Value, kw_only=True):
    """The files that are there, those that are wanted, and what to know about it."""

    balancer: LoadBalancer
    current: Found
    wanted: Mapping[str, bytes]
    notes: Sequence[tuple[str, str]]
    """A worker, and why it gets no requests."""

    @property
    def changes(self) -> list[tuple[str, bytes, bytes]]:
        """Each file that changes: name, old and new; empty if it is not, or goes away."""
        names = dict.fromkeys((*self.wanted, *self.current.files))
        both = ((name, self.current.files.get(name), self.wanted.get(name)) for name in names)
        return [(name, old or b"", new or b"") for name, old, new in both if old != new]

    @property
    def empty(self) -> bool:
        """Nothing will be done."""
        return not self.changes and not self.current.interrupted


def plan_vhosts(fleet: Fleet, *, all_in: bool) -> VhostPlan:
    """Compare nginx's files with hosts.yaml.

    The rotation stays as it is: a worker that is out stays out, one that was removed stays so,
    unless `all_in`. A worker that gets into rotation is asked first; one that does not answer is
    listed as `down`, until a start or deploy sees it join.

    Raises InventoryError if hosts.yaml lacks what a vhost needs, ConfigFileError where a file
    of one of these names is somebody else's, ScriptError, and what the connection raises.
    """
    vhosts = Vhosts(fleet)
    render(fleet.cluster)
    current = vhosts.read()
    _refuse_foreign(current, vhosts)
    before = {} if all_in else _rotation(current)
    entering = [worker for worker in fleet.cluster.workers if worker.name not in before]
    already_in = _rotation(current)
    asked = [worker for worker in entering if already_in.get(worker.name) != "in"]
    silent = _silent(vhosts, asked)
    out = [name for name, state in before.items() if state == "out"]
    removed = [name for name, state in before.items() if state == "removed"]
    return VhostPlan(
        balancer=vhosts.balancer,
        current=current,
        wanted=render(fleet.cluster, out_of_rotation=[*out, *silent], removed=removed),
        notes=[
            *((name, "stays out of rotation (--all-in puts it in)") for name in out),
            *((name, "stays removed (--all-in lists it again)") for name in removed),
            *(
                (name, f"listed as down: {why}; a start or deploy puts it in")
                for name, why in silent.items()
            ),
        ],
    )


def push_vhosts(fleet: Fleet, plan: VhostPlan, *, break_lock: bool) -> Loaded:
    """Do what was planned, under the server's lock.

    Raises LockedError, PrivilegeError, UnfitError, and ScriptError with nginx's own sentence
    where it refuses the files; the old ones are back then.
    """
    vhosts = Vhosts(fleet)
    audit = audit_line(fleet.cluster, "lb.config", outcome="begin")
    with (
        vhosts.host.lock(verb="lb.config", break_lock=break_lock, audit=audit),
        vhosts.audited("lb.config"),
    ):
        vhosts.check_sudo()
        return vhosts.push(plan.current, plan.wanted)


def _refuse_foreign(current: Found, vhosts: Vhosts) -> None:
    for name, data in current.files.items():
        if not is_ours(data):
            raise ConfigFileError(
                "it was not written by lb.config, and would be lost",
                file=str(vhosts.balancer.conf_dir / name),
                host=vhosts.balancer.name,
                action="move it away if hosts.yaml says all that it does; then run it again",
            )


def _rotation(current: Found) -> dict[str, Rotation]:
    """Return the state of each worker; one that is out in any file is out."""
    merged: dict[str, Rotation] = {}
    for data in current.files.values():
        for name, state in parse_rotation(data).items():
            if merged.get(name, "in") == "in":
                merged[name] = state
    return merged


def _silent(vhosts: Vhosts, workers: Sequence[Node]) -> dict[str, str]:
    """Ask workers from the load balancer; return what is wrong with those that do not answer."""

    def ask(worker: Node) -> str:
        return http_problem(vhosts.host, worker)

    answers, errors = all_or_errors(parallel(workers, ask))
    if errors:
        raise errors[0]
    return {worker.name: why for worker, why in zip(workers, answers, strict=True) if why}
