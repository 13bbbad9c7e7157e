"""What `lb.config` would change on the load balancer, and doing it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from carbon.balancer.nginx import is_ours, render
from carbon.cluster import LoadBalancer
from carbon.errors import ConfigFileError, refuse
from carbon.value import Value
from remote.balancer.http import http_problem
from remote.balancer.vhosts import Found, Loaded, Vhosts
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
    kept = {} if all_in else current.rotation
    asked = [
        worker
        for worker in fleet.cluster.workers
        if worker.name not in kept and current.rotation.get(worker.name) != {"in"}
    ]
    answers, errors = all_or_errors(parallel(asked, partial(http_problem, vhosts.host)))
    refuse(errors)
    silent = {worker.name: why for worker, why in zip(asked, answers, strict=True) if why}
    out = [name for name, states in kept.items() if "out" in states]
    removed = [name for name, states in kept.items() if "removed" in states and name not in out]
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
    with vhosts.held(verb="lb.config", break_lock=break_lock):
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
