"""A reboot: one server after the other, seen coming back by itself and joining."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, suppress
from functools import partial
from typing import Literal

from carbon.checks.boot import boot_findings
from carbon.checks.case import Case
from carbon.cluster import Node
from carbon.errors import (
    ConnectError,
    HostKeyError,
    ProvisionError,
    ScriptError,
    StartError,
    TimeLimitError,
)
from carbon.home.facts import ServerFacts
from carbon.join.grep import OWN_LOG_PATTERN
from carbon.plan.model import Options, Plan
from carbon.value import replace
from remote.host import sudo
from remote.host.audit import outcome_of
from remote.host.fleet import Fleet
from remote.host.host import Host
from remote.host.script import Script
from remote.observe.facts import gather_facts
from remote.observe.follow import Followers, LogFollower
from remote.rollout.boot import VERB, BootCheck, read_boot
from remote.rollout.record import Record, Unfinished
from remote.rollout.request import (
    Context,
    LoadBalancer,
    Request,
    Result,
    Rollout,
    concluded,
    context_of,
)
from remote.rollout.start import Start
from remote.run.interrupt import safe_point
from remote.run.progress import Progress

POLL_SECONDS = 1.0


def reboot(
    fleet: Fleet,
    checks: Sequence[BootCheck],
    *,
    progress: Progress,
    balancer: LoadBalancer | None,
    break_lock: bool,
) -> Rollout:
    """Reboot one server after the other, and prove that each came back; stop at a failure.

    Raises all that refuses it together, before any server is touched.
    """
    nodes = tuple(check.node for check in checks)
    request = Request(nodes=nodes, options=Options(), verb=VERB, break_lock=break_lock)
    context = context_of(fleet, request, nodes, progress=progress, balancer=balancer)
    context.hooks.demand_allowed()
    for node in nodes:
        sudo.check(fleet.host(node), sudo.REBOOT_COMMANDS, step=VERB)
    return concluded(context.hooks, partial(_reboot_all, context, checks))


def _reboot_all(context: Context, checks: Sequence[BootCheck]) -> list[Result]:
    results: list[Result] = []
    with context.hold_balancer(context.request.nodes):
        context.hooks.before_rollout()
        for check in checks:
            if any(result.error for result in results):
                plan = Plan(node=check.node, facts=check.facts)
                results.append(Result(plan=plan, reached=False))
            else:
                results.append(_BootTurn(context, check).take())
    return results


class _BootTurn:
    """One server: out of rotation, rebooted, seen coming back and joining, back in rotation."""

    def __init__(self, context: Context, check: BootCheck) -> None:
        self._context = context
        self._fleet = context.fleet
        self._progress = context.progress
        self._node = check.node
        self._before = check.boot
        self._followers = Followers(context.fleet, [check.node])
        self._result = Result(plan=Plan(node=check.node, facts=check.facts))
        self._is_out = False
        self._is_asked = False
        """The server was asked to reboot, or may have been."""
        self._unfinished: Literal["", "after_join", "rotation"] = ""

    def take(self) -> Result:
        try:
            safe_point()
            with self._followers:
                self._run()
        except ProvisionError as failure:
            error = failure.at(host=self._node.name, step=VERB)
            self._result = replace(self._result, error=error)
            if self._is_out and not self._is_asked:
                self._bring_back(error)
        self._progress.now(self._node.name, "")
        return self._result

    def _run(self) -> None:
        self._context.hooks.before_stop(self._node)
        if self._context.balancer is not None:
            self._context.balancer.take_out(self._node)
            self._is_out = True
        places = self._go_down()
        self._await_boot()
        with self._locked():
            try:
                self._come_back(places)
                self._follow_up()
            except ProvisionError as error:
                self._write_record(error)
                raise
            self._write_record(None)

    def _follow_up(self) -> None:
        """Do what follows a join; what fails of it is left to the next deploy or start."""
        self._unfinished = "after_join" if self._node.hooks.after_join else "rotation"
        self._context.hooks.after_join(self._node)
        self._unfinished = "rotation"
        self._undrain()
        self._unfinished = ""

    def _locked(self) -> AbstractContextManager[None]:
        breaks, audit = self._context.request.break_lock, self._context.audit("begin")
        return self._host.lock(verb=VERB, break_lock=breaks, audit=audit)

    def _go_down(self) -> dict[str, str]:
        """Reboot the server; return from where its own and the others' logs tell of what follows.

        Its lock ends with it: the next run clears the dead one.
        """
        with suppress(ConnectError), self._locked():
            places = self._places()
            safe_point()
            self._progress.say(self._node.name, "rebooting")
            self._ask()
            self._fleet.forget(self._node)
            return places
        raise ConnectError(
            "the connection ended before the reboot was asked for",
            host=self._node.name,
            step=VERB,
            action="it was not rebooted by this run; run the same command again",
        )

    def _ask(self) -> None:
        """Ask for the reboot; the answer may be lost with the connection: the next boot counts."""
        self._is_asked = True
        script = Script(name="reboot", calls_sudo=True)
        try:
            self._host.run(script, step=VERB, remedy="see `journalctl` there")
        except (ConnectError, TimeLimitError):
            return
        except ProvisionError:
            self._is_asked = False
            raise

    def _places(self) -> dict[str, str]:
        """Return where the logs end now; only what comes after that proves a join."""
        with LogFollower(self._fleet, self._node, OWN_LOG_PATTERN) as own:
            places = {"own_log": own.attach(_ignore)}
        with self._followers as followers:  # read from these places again when it is back
            if self._node.name != self._fleet.cluster.manager.name:
                places["manager_log"] = followers.manager.attach(_ignore)
                if followers.elb is not None and self._node.role == "worker":
                    places["elb_log"] = followers.elb.attach(_ignore)
        return places

    def _await_boot(self) -> None:
        """Wait until the server answers in another boot. Raises TimeLimitError, HostKeyError."""
        began = time.monotonic()
        limit_seconds = self._fleet.cluster.limits.boot_seconds
        last: ProvisionError | None = None
        while (after := time.monotonic() - began) < limit_seconds:
            safe_point()
            self._progress.now(self._node.name, "booting")
            try:
                boot = read_boot(self._host)
            except HostKeyError:
                raise
            except (ConnectError, ScriptError, TimeLimitError) as error:
                last = error
            else:
                last = None
                if proof := boot.is_another_than(self._before):
                    self._say(f"rebooted: sshd is back after {after:.1f} s ({proof})")
                    return
            self._fleet.forget(self._node)
            time.sleep(POLL_SECONDS)
        raise self._not_back(last, limit_seconds)

    def _not_back(self, last: ProvisionError | None, limit_seconds: float) -> TimeLimitError:
        name = self._node.name
        if last is None:
            return TimeLimitError(
                f"it did not reboot within {limit_seconds:g} s: it answers, in the same boot",
                host=name,
                step=VERB,
                action="see `systemctl list-jobs` there, and what a stop waits for; it is out of"
                f" rotation: `fab -H {name} restart` puts it back",
                code="boot-not-begun",
            )
        return TimeLimitError(
            f"it is not back {limit_seconds:g} s after the reboot (limits: boot): {last.seen}",
            host=name,
            step=VERB,
            action="see its console; it stays out of rotation until it has joined:"
            f" `fab -H {name} deploy`",
            code="boot-not-back",
        )

    def _come_back(self, places: dict[str, str]) -> None:
        """See it start by itself, by its unit, and join; nothing is started."""
        facts = self._await_process()
        start = Start(self._fleet, self._node, followers=self._followers, progress=self._progress)
        joined = start.verify(replace(facts, record=places))
        now = gather_facts(self._host)
        self._demand_unit(now)
        pid = now.process.pid if now.process else joined.pid
        self._result = replace(self._result, joined=replace(joined, pid=pid))
        self._say("started by itself")

    def _await_process(self) -> ServerFacts:
        """Wait for its process. Raises StartError with what systemd says of the unit."""
        began = time.monotonic()
        limit_seconds = self._fleet.cluster.limits.start_seconds
        while True:
            safe_point()
            self._progress.now(self._node.name, "booted, starting by itself")
            facts = gather_facts(self._host)
            if facts.process is not None:
                self._demand_unit(facts)
                return facts
            gone_for_good = facts.unit is not None and facts.unit.active == "failed"
            if gone_for_good or time.monotonic() - began > limit_seconds:
                raise self._not_started(facts, time.monotonic() - began)
            time.sleep(POLL_SECONDS)

    def _demand_unit(self, facts: ServerFacts) -> None:
        """See that the process belongs to the unit of hosts.yaml, and no other."""
        service, process = self._node.service, facts.process
        unit = process.unit if process else None
        if service is None or process is None or unit == service.unit:
            return
        owner = f"belongs to {unit}" if unit else "belongs to no unit"
        raise StartError(
            f"after the reboot it runs, and {owner} instead of {service.unit}",
            host=self._node.name,
            step=VERB,
            action="find out what else starts it at boot (crontab @reboot, rc.local, another unit)"
            " and end that",
            code="boot-other-owner",
        )

    def _not_started(self, facts: ServerFacts, seconds: float) -> StartError:
        node = self._node
        case = Case(node=node, cluster=self._fleet.cluster, facts=facts)
        why = next(iter(boot_findings(case, read_boot(self._host))), None)
        unit = node.service.unit if node.service else ""
        return StartError(
            f"after the reboot nothing has started it within {seconds:.0f} s"
            f"{f': {why.seen}' if why else ''}",
            host=node.name,
            step=VERB,
            action=why.remedy if why else f"see `systemctl status {unit}` on {node.server}",
            code="boot-not-started",
        )

    def _write_record(self, error: ProvisionError | None) -> None:
        joined = self._result.joined
        left = Unfinished(what=self._unfinished, pid=joined.pid) if joined else None
        audit = self._context.audit(outcome_of(error))
        record = Record(host=self._host, joined=joined, audit=audit, unfinished=left)
        record.finish_quietly(self._progress)

    def _undrain(self) -> None:
        if self._context.balancer is not None:
            self._context.balancer.put_back(self._node)
        else:
            self._context.await_answer(self._node)

    def _bring_back(self, error: ProvisionError) -> None:
        """Put a server back into rotation to which nothing was done."""
        try:
            self._undrain()
        except ProvisionError as failure:
            error.action += f"\n  and it is still out of rotation: {failure.seen}"

    @property
    def _host(self) -> Host[Node]:
        """Connected anew if the server went away."""
        return self._fleet.host(self._node)

    def _say(self, text: str) -> None:
        self._result = replace(self._result, changed=(*self._result.changed, text))
        self._progress.say(self._node.name, text)


def _ignore(_: str | None) -> None:
    """Take a line of a log whose place alone is wanted."""
