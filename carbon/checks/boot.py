"""Whether a server comes back by itself after a reboot, as far as that can be seen beforehand."""

from __future__ import annotations

from carbon.checks import home, process, service
from carbon.checks.case import Case
from carbon.checks.finding import Finding, Findings, Kind, ranked
from carbon.home.boot import Boot
from carbon.service.unit import is_ours, password_file

NO_SERVICE = Kind(
    code="boot-no-service",
    seen="nothing starts it after a reboot: hosts.yaml names no unit of systemd for it",
    remedy="add `service: {{systemd: NAME}}` to {node} in hosts.yaml; `fab -H {node} deploy`"
    " installs and enables it",
    weight=95,
)
NOT_RUNNING = Kind(
    code="boot-not-running",
    seen="it does not run now, so that nothing shows what a reboot would bring back",
    remedy="`fab -H {node} start`",
    weight=60,
)
NO_PASSWORD = Kind(
    code="boot-no-password",
    seen="{password_file} is not there: a start that nobody asked for has no keystore password",
    remedy="`fab -H {node} deploy --force` brings it",
    weight=90,
)
NOT_MOUNTED = Kind(
    code="boot-not-mounted",
    seen="AS_HOME is on {point} ({source}, {type}), which neither /etc/fstab nor an enabled unit"
    " mounts at boot",
    remedy="add it to /etc/fstab on {server}",
    weight=85,
)
STALE_UNIT = Kind(
    code="boot-stale-unit",
    seen="the file of {unit} has changed since systemd read it: the next boot starts another one",
    remedy="`fab -H {node} deploy` loads it and proves the start",
    weight=50,
)


def boot_findings(case: Case, boot: Boot) -> tuple[Finding, ...]:
    """Return all that would keep a server from coming back, the worst first."""
    return ranked(_findings(case, boot))


def _findings(case: Case, boot: Boot) -> Findings:
    if at_home := tuple(home.home(case)):  # what is not there shows nothing else
        yield from at_home
        return
    yield from service.owner(case)
    yield from process.single(case)
    running, named, unit = case.facts.process, case.node.service, case.facts.unit
    if named is None and (running is None or not running.unit):
        yield case.finding(NO_SERVICE)
    yield from service.unit(case)
    if named and unit and unit.stale:
        yield case.finding(STALE_UNIT, unit=unit.name)
    lacks_password = case.node.keystore_password and not boot.has_password
    if named and unit and is_ours(unit.text) and lacks_password:
        yield case.finding(NO_PASSWORD, password_file=password_file(named.unit))
    if running is None and (unit is None or not unit.is_up):
        yield case.finding(NOT_RUNNING)
    if not boot.mounted_at_boot and len(boot.mount) == 3:
        point, source, kind = boot.mount
        yield case.finding(NOT_MOUNTED, point=point, source=source, type=kind)
