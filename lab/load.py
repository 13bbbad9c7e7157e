"""Load on the lab's load balancer while a command runs, and what became of every request.

    python -m lab.load demo fab deploy --force

A steady flow of POSTs, each over a connection of its own, and long requests of which one is
always in flight. nginx is told never to try a second server (`proxy_next_upstream off`), so
that each request that meets a worker which is not there fails.
"""

from __future__ import annotations

import argparse
import http.client
import ssl
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count

from lab.handle import Lab
from lab.machine import find
from lab.shell import LabError

HOST_NAME = "as.wso2.com"
PER_SECOND = 25.0
LONG_SECONDS = 10.0
LIMIT_SECONDS = 60.0
MOST_AT_ONCE = 64
COMMAND_LIMIT_SECONDS = 600.0

CONF = "/etc/nginx/conf.d/00-measured.conf"
LOG = "/var/log/nginx/measured.log"
SETTINGS = f"""\
proxy_next_upstream off;
log_format measured '$msec $request_time $status $upstream_addr $request_method $request_uri';
access_log {LOG} measured;
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request as its client saw it."""

    path: str
    began: float
    ended: float
    outcome: str
    """`200`, another status, or what went wrong."""

    @property
    def failed(self) -> bool:
        """Anything but an answer with 200 is a failure."""
        return self.outcome != "200"


@dataclass(frozen=True, slots=True, kw_only=True)
class Forwarded:
    """One request as nginx logged it."""

    began: float
    ended: float
    status: str
    upstream: str
    """The worker's address, several where nginx tried several."""
    path: str


class Load:
    """Requests from the moment the block begins until it ends and all are answered."""

    def __init__(
        self,
        lab: Lab,
        *,
        balancer: str = "lb",
        per_second: float = PER_SECOND,
        long_seconds: float = LONG_SECONDS,
    ) -> None:
        """`balancer` is `lb`, where every fourth request goes over TLS, or `haproxy`."""
        self.requests: list[Request] = []
        self._http = lab.port(f"{balancer}.http")
        self._https = lab.port("lb.https") if balancer == "lb" else None
        self._per_second = per_second
        self._long_path = f"/sleep?seconds={long_seconds:g}"
        self._long_seconds = long_seconds
        self._ending = threading.Event()
        self._tls = ssl.create_default_context()
        self._tls.check_hostname = False
        self._tls.verify_mode = ssl.CERT_NONE
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Load:
        # Two that take turns: while one ends and begins again, the other is in its middle.
        lanes = [(self._long, 0.0), (self._long, self._long_seconds / 2), (self._steady, 0.0)]
        self._threads = [threading.Thread(target=lane, args=(wait,)) for lane, wait in lanes]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        for thread in self._threads:
            thread.join()

    @property
    def failures(self) -> list[Request]:
        """The requests that failed."""
        return [request for request in self.requests if request.failed]

    @property
    def long(self) -> list[Request]:
        """The long requests."""
        return [request for request in self.requests if request.path == self._long_path]

    def _steady(self, _: float) -> None:
        with ThreadPoolExecutor(max_workers=MOST_AT_ONCE) as pool:
            due = time.monotonic()
            for number in count():
                due += 1 / self._per_second
                if self._ending.wait(max(0.0, due - time.monotonic())):
                    return
                tls = self._https is not None and number % 4 == 0
                pool.submit(self._post, f"/order/{number}", tls=tls)

    def _long(self, wait_seconds: float) -> None:
        self._ending.wait(wait_seconds)
        while not self._ending.is_set():
            self._post(self._long_path, tls=False)

    def _post(self, path: str, *, tls: bool) -> None:
        began = time.time()
        outcome = self._outcome(path, tls=tls)
        self.requests.append(Request(path=path, began=began, ended=time.time(), outcome=outcome))

    def _outcome(self, path: str, *, tls: bool) -> str:
        connection = (
            http.client.HTTPSConnection(
                "127.0.0.1", self._https, timeout=LIMIT_SECONDS, context=self._tls
            )
            if tls
            else http.client.HTTPConnection("127.0.0.1", self._http, timeout=LIMIT_SECONDS)
        )
        try:
            headers = {"Host": HOST_NAME, "Connection": "close"}
            connection.request("POST", path, body=b"quantity=1", headers=headers)
            answer = connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException) as error:
            return f"{type(error).__name__}: {error}"
        finally:
            connection.close()
        return str(answer.status)


@contextmanager
def measured(lab: Lab) -> Iterator[None]:
    """Let nginx try one server only, and log where each request went, within the block."""
    lab.exec("lb", "sh", "-ec", f"cat > {CONF} && rm -f {LOG} && nginx -s reload", input=SETTINGS)
    try:
        _await_new_workers(lab)
        yield
    finally:
        lab.exec("lb", "sh", "-ec", f"rm -f {CONF} && nginx -s reload")
        _await_new_workers(lab)


def _await_new_workers(lab: Lab) -> None:
    """Wait until nginx's processes of the settings before are gone."""
    gone = "! grep -qsa '^nginx: worker process is shutting down' /proc/[0-9]*/cmdline"
    wait = f"sleep 0.3; for i in $(seq 200); do {gone} && exit 0; sleep 0.1; done; exit 1"
    lab.exec("lb", "sh", "-c", wait)


def forwarded(lab: Lab) -> list[Forwarded]:
    """Return what nginx logged within `measured`."""
    return parse_log(lab.exec("lb", "cat", LOG).stdout)


def parse_log(text: str) -> list[Forwarded]:
    """Take nginx's log apart: an upstream can be several, with blanks between them."""
    requests = []
    for line in text.splitlines():
        ended, seconds, status, rest = line.split(" ", 3)
        upstream, _, path = rest.rsplit(" ", 2)
        end = float(ended)
        began = end - float(seconds)
        requests.append(
            Forwarded(began=began, ended=end, status=status, upstream=upstream, path=path)
        )
    return requests


@dataclass(frozen=True, slots=True, kw_only=True)
class Absence:
    """The time for which a rolling change kept a worker out of rotation, by what it printed."""

    worker: str
    began: float
    ended: float


def absences(lines: Sequence[tuple[float, str]]) -> list[Absence]:
    """Find them in lines of output and their times: from drained to joined again."""
    found = []
    since: dict[str, float] = {}
    for at, line in lines:
        worker, _, text = line.partition("  ")
        if text.startswith("out of rotation"):
            since[worker] = at
        elif text in ("restarted", "started") and worker in since:
            found.append(Absence(worker=worker, began=since.pop(worker), ended=at))
    return found


def astray(lab: Lab, absence: Absence, log: Sequence[Forwarded]) -> list[Forwarded]:
    """Return the requests that nginx had at a worker while it was out of rotation."""
    address = f"{lab.hosts[absence.worker].address}:"
    return [
        one
        for one in log
        if address in one.upstream and one.began < absence.ended and one.ended > absence.began
    ]


def timed(lines: Iterable[str], *, echo: bool = False) -> list[tuple[float, str]]:
    """Read lines as they come, and return each with its time."""
    seen = []
    for line in lines:
        seen.append((time.time(), line.rstrip("\n")))
        if echo:
            print(line, end="", flush=True)
    return seen


def run_timed(command: Sequence[str]) -> tuple[int, list[tuple[float, str]]]:
    """Run a command, pass its output on, and return its status and its lines with their times."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        limit = threading.Timer(COMMAND_LIMIT_SECONDS, running.kill)
        limit.start()
        try:
            assert running.stdout
            lines = timed(running.stdout, echo=True)
            return running.wait(), lines
        finally:
            limit.cancel()
            limit.join()


def main() -> int:
    """Put load on a lab while a command runs, and print the figures."""
    parser = argparse.ArgumentParser(prog="python -m lab.load", description=__doc__)
    parser.add_argument("--per-second", type=float, default=PER_SECOND)
    parser.add_argument("--long-seconds", type=float, default=LONG_SECONDS)
    parser.add_argument("name")
    parser.add_argument("command", nargs=argparse.REMAINDER, metavar="COMMAND")
    asked = parser.parse_args()
    lab = find(asked.name)
    if lab is None:
        print(f"lab: the lab {asked.name!r} is not up", file=sys.stderr)
        return 1
    try:
        with measured(lab):
            load = Load(lab, per_second=asked.per_second, long_seconds=asked.long_seconds)
            with load:
                status, lines = run_timed(asked.command)
            log = forwarded(lab)
    except (LabError, subprocess.CalledProcessError) as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1
    print_figures(lab, load, log, absences(lines))
    return 1 if status or load.failures else 0


def print_figures(lab: Lab, load: Load, log: Sequence[Forwarded], out: Sequence[Absence]) -> None:
    """Print how many requests there were, how many failed, and where they went."""
    names = {f"{host.address}": host.name for host in lab.hosts.values()}
    per_worker = Counter(names.get(one.upstream.rpartition(":")[0], one.upstream) for one in log)
    short = sorted(one.ended - one.began for one in load.requests if one not in load.long)
    seconds = max(one.ended for one in load.requests) - min(one.began for one in load.requests)
    print()
    print(
        f"POSTs            {len(load.requests)} in {seconds:.1f} s, {len(load.long)} of them long"
    )
    print(f"failed           {len(load.failures)}")
    for outcome, number in Counter(one.outcome for one in load.failures).most_common():
        print(f"                 {number} x {outcome}")
    print(f"median, longest  {short[len(short) // 2] * 1000:.0f} ms, {short[-1] * 1000:.0f} ms")
    for name, number in sorted(per_worker.items()):
        print(f"at {name:13} {number}")
    for one in out:
        strays = len(astray(lab, one, log))
        length = one.ended - one.began
        print(f"{one.worker} out       {length:.1f} s, {strays} requests at it meanwhile")


if __name__ == "__main__":
    sys.exit(main())
