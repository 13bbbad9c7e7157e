"""A reboot: one server after the other, seen coming back by itself and joining."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
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
from carbon.plan.model import Plan
from carbon.value import replace
from remote.balancer.http import await_answer
from remote.host import sudo
from remote.host.audit import audit_line, outcome_of
from remote.host.fleet import Fleet
from remote.host.host import Host
from remote.host.script import Script
from remote.observe.facts import gather_facts
from remote.observe.follow import Followers, LogFollower
from remote.rollout.boot import VERB, BootCheck, read_boot
from remote.rollout.hooks import HookRunner
from remote.rollout.record import Record, Unfinished
from remote.rollout.request import LoadBalancer, Result, Rollout
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
    nodes = [check.node for check in checks]
    hooks = HookRunner(fleet.cluster, nodes, verb=VERB, run=fleet.run, progress=progress)
    hooks.demand_allowed()
    for node in nodes:
        sudo.check(fleet.host(node), sudo.REBOOT_COMMANDS, step=VERB)
    results: list[Result] = []
    try:
        with _held(balancer, nodes, break_lock=break_lock):
            hooks.before_rollout()
            for check in checks:
                plan = Plan(node=check.node, facts=check.facts)
                if any(result.error for result in results):
                    results.append(Result(plan=plan, reached=False))
                    continue
                turn = _BootTurn(
                    fleet, check, hooks, progress=progress, balancer=balancer, breaks=break_lock
                )
                results.append(turn.take())
    except ProvisionError as failure:
        hooks.conclude(failure)
        raise
    first = next((result.error for result in results if result.error), None)
    return Rollout(results=tuple(results), error=hooks.conclude(first))


@contextmanager
def _held(
    balancer: LoadBalancer | None, nodes: Sequence[Node], *, break_lock: bool
) -> Iterator[None]:
    with ExitStack() as stack:
        if balancer is not None:
            stack.enter_context(balancer.hold(nodes, verb=VERB, break_lock=break_lock))
        yield


class _BootTurn:
    """One server: out of rotation, rebooted, seen coming back and joining, back in rotation."""

    def __init__(
        self,
        fleet: Fleet,
        check: BootCheck,
        hooks: HookRunner,
        *,
        progress: Progress,
        balancer: LoadBalancer | None,
        breaks: bool,
    ) -> None:
        self._fleet = fleet
        self._node = check.node
        self._before = check.boot
        self._hooks = hooks
        self._progress = progress
        self._balancer = balancer
        self._breaks = breaks
        self._result = Result(plan=Plan(node=check.node, facts=check.facts))
        self._is_out = False
        self._is_asked = False
        """The server was asked to reboot, or may have been."""
        self._unfinished: Literal["", "after_join", "rotation"] = ""

    def take(self) -> Result:
        try:
            safe_point()
            with Followers(self._fleet, [self._node]) as followers:
                self._run(followers)
        except ProvisionError as failure:
            error = failure.at(host=self._node.name, step=VERB)
            self._result = replace(self._result, error=error)
            if self._is_out and not self._is_asked:
                self._bring_back(error)
        self._progress.now(self._node.name, "")
        return self._result

    def _run(self, followers: Followers) -> None:
        self._hooks.before_stop(self._node)
        if self._balancer is not None:
            self._balancer.take_out(self._node)
            self._is_out = True
        places = self._go_down(followers)
        self._await_boot()
        with self._locked():
            try:
                self._come_back(followers, places)
                self._follow_up()
            except ProvisionError as error:
                self._write_record(error)
                raise
            self._write_record(None)

    def _follow_up(self) -> None:
        """Do what follows a join; what fails of it is left to the next deploy or start."""
        self._unfinished = "after_join" if self._node.hooks.after_join else "rotation"
        self._hooks.after_join(self._node)
        self._unfinished = "rotation"
        self._undrain()
        self._unfinished = ""

    @contextmanager
    def _locked(self) -> Iterator[None]:
        audit = audit_line(self._fleet.cluster, VERB, outcome="begin")
        host = self._fleet.host(self._node)
        with host.lock(verb=VERB, break_lock=self._breaks, audit=audit):
            yield

    def _go_down(self, followers: Followers) -> dict[str, str]:
        """Reboot the server; return from where its own and the others' logs tell of what follows.

        Its lock ends with it: the next run clears the dead one.
        """
        host = self._fleet.host(self._node)
        with suppress(ConnectError), self._locked():
            places = self._places(followers)
            safe_point()
            self._progress.say(self._node.name, "rebooting")
            self._ask(host)
            self._fleet.forget(self._node)
            return places
        raise ConnectError(
            "the connection ended before the reboot was asked for",
            host=self._node.name,
            step=VERB,
            action="it was not rebooted by this run; run the same command again",
        )

    def _ask(self, host: Host[Node]) -> None:
        """Ask for the reboot; the answer may be lost with the connection: the next boot counts."""
        self._is_asked = True
        script = Script(name="reboot", values={}, calls_sudo=True)
        try:
            host.run(script, step=VERB, remedy="see `journalctl` there")
        except (ConnectError, TimeLimitError):
            return
        except ProvisionError:
            self._is_asked = False
            raise

    def _places(self, followers: Followers) -> dict[str, str]:
        """Return where the logs end now; only what comes after that proves a join."""
        places = {}
        own = LogFollower(self._fleet, self._node, OWN_LOG_PATTERN)
        with own:
            places["own_log"] = own.attach(_ignore)
        cluster = self._fleet.cluster
        if self._node.name != cluster.manager.name:
            places["manager_log"] = followers.manager.attach(_ignore)
            if followers.elb is not None and self._node.role == "worker":
                places["elb_log"] = followers.elb.attach(_ignore)
        # Read from these places again when it is back.
        followers.manager.close()
        if followers.elb is not None:
            followers.elb.close()
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
                boot = read_boot(self._fleet.host(self._node))
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

    def _come_back(self, followers: Followers, places: dict[str, str]) -> None:
        """See it start by itself, by its unit, and join; nothing is started."""
        facts = self._await_process()
        start = Start(self._fleet, self._node, followers=followers, progress=self._progress)
        try:
            joined = start.verify(replace(facts, record=places))
        finally:
            start.close()
        now = gather_facts(self._fleet.host(self._node))
        self._demand_unit(now)
        pid = now.process.pid if now.process else joined.pid
        self._result = replace(self._result, joined=replace(joined, pid=pid))
        self._say("started by itself")

    def _await_process(self) -> ServerFacts:
        """Wait for its process. Raises StartError with what systemd says of the unit."""
        host = self._fleet.host(self._node)
        began = time.monotonic()
        limit_seconds = host.limits.start_seconds
        while True:
            safe_point()
            self._progress.now(self._node.name, "booted, starting by itself")
            facts = gather_facts(host)
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
        boot = read_boot(self._fleet.host(node))
        case = Case(node=node, cluster=self._fleet.cluster, facts=facts)
        findings = boot_findings(case, boot)
        why = findings[0] if findings else None
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
        audit = audit_line(self._fleet.cluster, VERB, outcome=outcome_of(error))
        host = self._fleet.host(self._node)
        record = Record(host, joined=joined, audit=audit, unfinished=left)
        record.finish_quietly(self._progress)

    def _undrain(self) -> None:
        node = self._node
        if self._balancer is not None:
            self._balancer.put_back(node)
        elif node.health is not None:
            asking = self._fleet.host(self._fleet.cluster.manager)
            await_answer(asking, node, progress=self._progress)

    def _bring_back(self, error: ProvisionError) -> None:
        """Put a server back into rotation to which nothing was done."""
        try:
            self._undrain()
        except ProvisionError as failure:
            error.action += f"\n  and it is still out of rotation: {failure.seen}"

    def _say(self, text: str) -> None:
        self._result = replace(self._result, changed=(*self._result.changed, text))
        self._progress.say(self._node.name, text)


def _ignore(_: str | None) -> None:
    """Take a line of a log whose place alone is wanted."""
