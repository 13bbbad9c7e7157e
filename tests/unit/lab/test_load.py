"""The load on the lab's load balancer: what it reads in nginx's log and in a run's output."""

from __future__ import annotations

from pathlib import Path

from lab import Lab, LabHost
from lab.load import Absence, Forwarded, Request, absences, astray, parse_log

LAB = Lab(
    name="x",
    run_dir=Path("x"),
    hosts={
        name: LabHost(name=name, address=address, ssh_port=1, container=name)
        for name, address in {"worker1": "10.0.0.4", "worker10": "10.0.0.40"}.items()
    },
)
ABSENCE = Absence(worker="worker1", began=100.0, ended=103.0)


def at(began: float, ended: float, *, upstream: str = "10.0.0.4:9763") -> Forwarded:
    return Forwarded(began=began, ended=ended, status="200", upstream=upstream, path="/")


def test_a_line_of_nginxs_log() -> None:
    (one,) = parse_log("104.500 10.000 200 10.0.0.4:9763 POST /sleep?seconds=10\n")
    assert one == Forwarded(
        began=94.5,
        ended=104.5,
        status="200",
        upstream="10.0.0.4:9763",
        path="/sleep?seconds=10",
    )


def test_a_request_that_nginx_tried_at_several_workers() -> None:
    (one,) = parse_log("5.0 1.0 200 10.0.0.4:9763, 10.0.0.5:9763 POST /a\n")
    assert one.upstream == "10.0.0.4:9763, 10.0.0.5:9763"


def test_a_request_at_an_absent_worker_is_astray_however_it_overlaps() -> None:
    log = [at(99, 101), at(101, 102), at(102, 200), at(50, 200)]
    assert astray(LAB, ABSENCE, log) == log


def test_a_request_before_or_after_or_at_another_worker_is_not() -> None:
    elsewhere = at(101, 102, upstream="10.0.0.40:9763")
    assert astray(LAB, ABSENCE, [at(90, 100), at(103, 104), elsewhere]) == []


def test_an_absence_is_from_drained_to_joined_again() -> None:
    lines = [
        (1.0, "worker1  plan: restart (asked for)"),
        (2.0, "worker1  out of rotation: drained, after 0.5 s"),
        (4.0, "worker1  restarted"),
        (5.0, "worker1  back in rotation"),
        (6.0, "worker2  restarted"),
    ]
    assert absences(lines) == [Absence(worker="worker1", began=2.0, ended=4.0)]


def test_only_an_answer_with_200_is_no_failure() -> None:
    outcomes = ("200", "502", "503", "ConnectionResetError: reset")
    failed = [Request(path="/", began=0, ended=1, outcome=one).failed for one in outcomes]
    assert failed == [False, True, True, True]
