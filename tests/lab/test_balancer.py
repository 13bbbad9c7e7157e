"""The load balancer: its files, and rolling changes that drop no request."""

from __future__ import annotations

import http.client
import re
import shlex
import signal
import ssl
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from carbon.balancer.nginx import parse_rotation
from lab import Lab
from lab.load import Load, absences, astray, forwarded, measured, timed
from tests.faults.injector import SERVER_FOLDER
from tests.lab.cli import Fab
from tests.lab.hosts import LOCK, Host, plant_lock
from tests.lab.inventory import LIMITS, ClusterFile, merged
from tests.waiting import wait_for

CONF_DIR = "/etc/nginx/conf.d"
HTTP, HTTPS, MGT = (
    f"{CONF_DIR}/{name}"
    for name in (
        "wso2.as.domain.http.conf",
        "wso2.as.domain.https.conf",
        "mgt.wso2.as.domain.https.conf",
    )
)
CERTIFICATE = {
    "ssl_certificate": "/etc/nginx/ssl/wrk.crt",
    "ssl_certificate_key": "/etc/nginx/ssl/wrk.key",
}


class Nginx:
    """The lab's load balancer, and hosts.yaml files that know it."""

    def __init__(self, lab: Lab, host: Host, cluster_file: ClusterFile) -> None:
        self.host = host
        self._lab = lab
        self._cluster_file = cluster_file

    def inventory(self, *, balancer: Mapping[str, Any] | None = None, **changes: Any) -> Path:
        """Write a hosts.yaml with the load balancer in it."""
        section = {"ssh": {"host": "127.0.0.1", "port": self.host.ssh_port}, **CERTIFICATE}
        return self._cluster_file(load_balancer=merged(section, balancer or {}), **changes)

    def rotation(self) -> Mapping[str, str]:
        """Return what both files of workers say, which must be the same."""
        http, https = self._rotations()
        assert http == https
        return http

    def all_say(self, worker: str, state: str) -> bool:
        """Tell whether both files say this of a worker; a push goes from one to the other."""
        return all(rotation[worker] == state for rotation in self._rotations())

    def _rotations(self) -> list[Mapping[str, str]]:
        return [parse_rotation(self.host.read(file).encode()) for file in (HTTP, HTTPS)]

    def workers(self) -> str:
        """Return nginx's worker processes: others after each reload."""
        return self.host.sh("pgrep -f '^nginx: worker process$' | sort")

    def files(self) -> str:
        """Describe conf.d, so that no write to it goes unseen."""
        return self.host.sh(f"cd {CONF_DIR} && stat -c '%n %i %y' . * && cat -- *")

    def clear(self) -> None:
        """Bring it back to what it was at first."""
        self.host.sh(
            f"rm -f {CONF_DIR}/* {LOCK}; iptables -F; pgrep -x nginx > /dev/null || nginx;"
            " nginx -s reload"
        )

    def post(self, path: str = "/") -> tuple[int, str]:
        """Send a request over HTTP; return the status and the worker that answered."""
        connection = http.client.HTTPConnection("127.0.0.1", self._lab.port("lb.http"), timeout=30)
        return _answer(connection, "as.wso2.com", path)

    def post_tls(self, host_name: str) -> tuple[int, str]:
        """Send a request over HTTPS; return the status and the server that answered."""
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        port = self._lab.port("lb.https")
        connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=30, context=context)
        return _answer(connection, host_name, "/")


def _answer(connection: http.client.HTTPConnection, host_name: str, path: str) -> tuple[int, str]:
    try:
        connection.request("POST", path, body=b"", headers={"Host": host_name})
        answer = connection.getresponse()
        return answer.status, answer.read().decode().partition("\n")[0]
    finally:
        connection.close()


@pytest.fixture
def nginx(lab: Lab, hosts: Mapping[str, Host], cluster_file: ClusterFile) -> Iterator[Nginx]:
    """nginx without any file of ours, before and after."""
    made = Nginx(lab, hosts["lb"], cluster_file)
    made.clear()
    yield made
    made.clear()


@pytest.fixture
def balanced(nginx: Nginx, deployed: tuple[Host, Host], fab: Fab) -> Nginx:
    """nginx before worker1 and worker2, both in rotation."""
    assert deployed
    fab.succeeds("lb.config", hosts=nginx.inventory())
    assert nginx.rotation() == {"worker1": "in", "worker2": "in"}
    return nginx


@pytest.fixture
def faults(nginx: Nginx) -> Iterator[None]:
    """The folder that faults on purpose need on a server."""
    nginx.host.sh(f"mkdir -p -m 777 {SERVER_FOLDER}")
    yield
    nginx.host.sh(f"rm -rf {SERVER_FOLDER}")


# ---- lb.config


@pytest.mark.usefixtures("deployed")
def test_the_vhosts_lead_to_the_workers_and_a_second_push_changes_nothing(
    nginx: Nginx, fab: Fab
) -> None:
    first = fab.succeeds("lb.config", hosts=nginx.inventory())
    assert f"+++ {HTTP}" in first.out
    assert "+    server " in first.out
    wait_for("nginx serves the vhost", lambda: nginx.post()[0] == 200)
    assert {nginx.post()[1] for _ in range(8)} == {"worker1:9763", "worker2:9763"}
    assert {nginx.post_tls("as.wso2.com")[1] for _ in range(8)} == {"worker1:9443", "worker2:9443"}
    assert nginx.post_tls("mgt.as.wso2.com")[1] == "manager:9443"
    before = nginx.files(), nginx.workers()
    second = fab.succeeds("lb.config", hosts=nginx.inventory())
    assert second.out == "lb  nothing to do\n"
    assert (nginx.files(), nginx.workers()) == before


def test_a_worker_that_does_not_answer_is_listed_as_down(
    balanced: Nginx, fab: Fab, hosts: Mapping[str, Host]
) -> None:
    """worker3 is bare: requests for it would fail."""
    assert hosts["worker3"].jvm() is None
    inventory = balanced.inventory(workers=["worker1", "worker2", "worker3"])
    ran = fab.succeeds("lb.config", hosts=inventory)
    assert "worker3  listed as down: port 9763 refuses connections" in ran.out
    assert balanced.rotation() == {"worker1": "in", "worker2": "in", "worker3": "out"}
    fab.succeeds("lb.config", "--all-in", hosts=inventory)
    assert balanced.rotation()["worker3"] == "out"


def test_who_is_out_stays_out_unless_all_in(balanced: Nginx, fab: Fab) -> None:
    balanced.host.sh(f"sed -i '/# worker2$/s/;/ down;/' {HTTP} {HTTPS} && nginx -s reload")
    ran = fab.succeeds("lb.config", hosts=balanced.inventory(balancer={"stickiness": "ip_hash"}))
    assert "worker2  stays out of rotation (--all-in puts it in)" in ran.out
    assert balanced.rotation() == {"worker1": "in", "worker2": "out"}
    fab.succeeds("lb.config", "--all-in", hosts=balanced.inventory())
    assert balanced.rotation() == {"worker1": "in", "worker2": "in"}


def test_what_nginx_refuses_is_put_back_and_told_in_its_own_words(
    balanced: Nginx, fab: Fab
) -> None:
    before = balanced.host.sh(f"cat {CONF_DIR}/*"), balanced.workers()
    broken = balanced.inventory(balancer={"ssl_certificate": "/etc/nginx/ssl/no.crt"})
    ran = fab.fails("lb.config", hosts=broken)
    assert 'cannot load certificate "/etc/nginx/ssl/no.crt"' in ran.err
    assert "the old files are back" in ran.err
    assert (balanced.host.sh(f"cat {CONF_DIR}/*"), balanced.workers()) == before
    assert fab.succeeds("lb.config", hosts=balanced.inventory()).out == "lb  nothing to do\n"


def test_files_that_were_not_there_go_away_again(nginx: Nginx, fab: Fab) -> None:
    broken = nginx.inventory(balancer={"ssl_certificate": "/etc/nginx/ssl/no.crt"})
    fab.fails("lb.config", hosts=broken)
    assert nginx.host.sh(f"ls {CONF_DIR}") == ""


def test_an_nginx_that_does_not_run_is_told_and_nothing_changes(balanced: Nginx, fab: Fab) -> None:
    before = balanced.host.sh(f"cat {CONF_DIR}/*")
    balanced.host.sh("nginx -s stop; while pgrep -x nginx > /dev/null; do sleep 0.1; done")
    ran = fab.fails("lb.config", hosts=balanced.inventory(balancer={"stickiness": "cookie"}))
    assert "nginx cannot be reloaded: " in ran.err
    assert "/run/nginx.pid" in ran.err
    assert "start nginx there" in ran.err
    assert balanced.host.sh(f"cat {CONF_DIR}/*") == before


def test_a_file_of_somebody_else_is_not_taken_away(nginx: Nginx, fab: Fab) -> None:
    nginx.host.write(HTTP, "server { listen 80; }\n")
    before = nginx.files()
    ran = fab.fails("lb.config", hosts=nginx.inventory())
    assert f"{HTTP}: it was not written by lb.config" in ran.err
    assert nginx.files() == before


def test_what_nginx_warns_of_is_passed_on(nginx: Nginx, fab: Fab) -> None:
    nginx.host.write(f"{CONF_DIR}/a.conf", "server { listen 80; server_name as.wso2.com; }\n")
    ran = fab.succeeds("lb.config", hosts=nginx.inventory())
    assert 'lb  nginx warns: conflicting server name "as.wso2.com"' in ran.out


def test_an_interrupted_push_is_completed(balanced: Nginx, fab: Fab) -> None:
    """As a power cut leaves it between the swap and nginx's test."""
    balanced.host.sh(f"ln {HTTP} {HTTP}.provision-kept")
    ran = fab.succeeds("lb.config", hosts=balanced.inventory())
    assert "interrupted push" in ran.out
    assert balanced.host.sh(f"ls {CONF_DIR} | grep provision || true") == ""


@pytest.mark.usefixtures("faults")
def test_a_push_that_is_killed_at_any_step_is_completed_by_the_next(nginx: Nginx, fab: Fab) -> None:
    """And nginx never meets half a file: each is whole, and the old ones are kept until then."""
    plain = dict.fromkeys(CERTIFICATE)
    wanted = [nginx.inventory(balancer=plain | {"stickiness": one}) for one in ("none", "ip_hash")]
    fab.succeeds("lb.config", hosts=wanted[0])
    for step in range(1, 20):
        inventory = wanted[step % 2]
        fault = f"lb:step:balancer_push:1:{step} kill"
        if fab("lb.config", hosts=inventory, PROVISION_FAULT=fault).status == 0:
            break
        nginx.host.sh("nginx -t")
        assert "lb  nginx runs with" in fab.succeeds("lb.config", hosts=inventory).out
        assert nginx.host.sh(f"ls {CONF_DIR}").split() == ["wso2.as.domain.http.conf"]
    assert step == 1 + len(("stage", "keep", "swap", "reload", "clear"))
    assert fab.succeeds("lb.config", hosts=inventory).out.endswith("lb  nothing to do\n")


def test_a_file_that_hosts_yaml_has_no_need_of_goes_away(balanced: Nginx, fab: Fab) -> None:
    without = balanced.inventory(balancer=dict.fromkeys(CERTIFICATE))
    fab.succeeds("lb.config", hosts=without)
    assert balanced.host.sh(f"ls {CONF_DIR}").split() == ["wso2.as.domain.http.conf"]


def test_sudo_is_asked_before_any_change_and_wants_no_more_than_the_fragment(
    balanced: Nginx, fab: Fab
) -> None:
    """What `fab sudoers` prints is enough, and without it nothing begins."""
    printed = fab.succeeds("-H", "lb", "sudoers", hosts=balanced.inventory()).out
    changed = balanced.inventory(balancer={"stickiness": "cookie"})
    installed = balanced.host.read("/etc/sudoers.d/deploy")
    try:
        balanced.host.write("/etc/sudoers.d/deploy", "# nothing\n")
        before = balanced.files()
        ran = fab.fails("lb.config", hosts=changed)
        assert "sudo: " in ran.err
        assert balanced.files() == before
        balanced.host.write("/etc/sudoers.d/deploy", printed)
        fab.succeeds("lb.config", hosts=changed)
    finally:
        balanced.host.write("/etc/sudoers.d/deploy", installed)


def test_with_roots_helper_a_rollout_turns_workers_and_the_login_gets_nothing_else(
    balanced: Nginx, fab: Fab
) -> None:
    """root runs once what `sudoers --helper` prints; then nothing of the login's reaches nginx."""
    inventory = balanced.inventory(balancer={"rotation_helper": True})
    script = fab.succeeds("-H", "lb", "sudoers", "--helper", hosts=inventory).out
    contents = f"tail -n +1 {CONF_DIR}/*"
    helper = "sudo -n /usr/local/sbin/carbon-provision-rotation"
    installed = balanced.host.read("/etc/sudoers.d/deploy")
    try:
        balanced.host.write("/tmp/root.sh", script)
        balanced.host.sh("rm /etc/sudoers.d/deploy && sh /tmp/root.sh")
        ran = fab.succeeds("-H", "worker1", "restart", hosts=inventory)
        assert "out of rotation" in ran.out + ran.err
        assert "back in rotation" in ran.out + ran.err
        assert balanced.rotation() == {"worker1": "in", "worker2": "in"}
        before = balanced.host.sh(contents)
        evil = "access_log /etc/cron.d/evil;"
        for attack in (
            f"echo '{evil}' | sudo -n tee {HTTP}.provision-new",
            f"echo '{evil}' | {helper} {HTTP}.provision-new",
            f"(cat {HTTP}; echo '{evil}') | {helper} {HTTP}.provision-new",
            f"{helper} /etc/cron.d/x.provision-new < /dev/null",
            f"sudo -n rm -f {HTTP}",
            "sudo -n nginx -c /tmp/evil.conf",
        ):
            balanced.host.sh(f"! su deploy -s /bin/sh -c {shlex.quote(attack)}")
            assert balanced.host.sh(contents) == before
        assert "evil" not in balanced.host.sh(
            f"cat {CONF_DIR}/* /etc/cron.d/* 2> /dev/null || true"
        )
        changed = balanced.inventory(balancer={"rotation_helper": True, "stickiness": "cookie"})
        refused = fab.fails("lb.config", hosts=changed)
        assert "sudoers --helper" in refused.err
        assert balanced.host.sh(contents) == before
    finally:
        balanced.host.sh("rm -f /etc/sudoers.d/provision /usr/local/sbin/carbon-provision-rotation")
        balanced.host.write("/etc/sudoers.d/deploy", installed)


def test_the_load_balancer_is_locked_as_any_server(balanced: Nginx, fab: Fab) -> None:
    init = balanced.host.sh("sed 's/.*) //' /proc/1/stat | cut -d ' ' -f 20").strip()
    text = f"op@desk since 2014 for `deploy` run=other pid=1 ticks={init}"
    plant_lock(balanced.host, text)
    for verb in (("lb.config",), ("-H", "worker1", "restart")):
        changed = balanced.inventory(balancer={"stickiness": "cookie"})
        ran = fab.fails(*verb, hosts=changed)
        assert "lb: lock: another run works on it: op@desk" in ran.err


def test_single_workers_cannot_be_asked_for(nginx: Nginx, fab: Fab) -> None:
    ran = fab.fails("-H", "worker1", "lb.config", hosts=nginx.inventory())
    assert "lb.config is for lb as a whole" in ran.err


# ---- Rolling changes


def test_a_rolling_deploy_under_load_fails_no_request_and_none_meets_an_absent_worker(
    balanced: Nginx, fab: Fab, lab: Lab, deployed: tuple[Host, Host]
) -> None:
    """POSTs, one connection each, a 10-second one always in flight, no second try by nginx."""
    inventory = balanced.inventory(cluster={"limits": LIMITS | {"drain": 30}})
    counted = [count_posts(worker) for worker in deployed]
    with measured(lab):
        with Load(lab) as load:
            run = fab.begin("deploy", "--force", hosts=inventory)
            assert run.stdout
            lines = timed(run.stdout)
            assert run.wait() == 0, lines
        log = forwarded(lab)
    assert load.failures == []
    assert {one.status for one in log} == {"200"}
    out = {one.worker: one for one in absences(lines)}
    assert list(out) == ["worker1", "worker2"]
    assert_steady(load, out["worker1"].began, out["worker2"].ended)
    for absence in out.values():
        assert absence.ended - absence.began > 0.5, "a restart takes longer than that"
        assert astray(lab, absence, log) == []
    answered = sum(
        count_posts(worker) - before for worker, before in zip(deployed, counted, strict=True)
    )
    assert answered == len(load.requests) == len(log)


def assert_steady(load: Load, began: float, ended: float) -> None:
    """Fail where the load was not there for the whole time that it is to prove something of."""
    meanwhile = [one for one in load.requests if began < one.began < ended]
    assert len(meanwhile) > 10 * (ended - began), "the POSTs were not steady"
    covered = began
    for one in sorted(load.long, key=lambda request: request.began):
        assert one.began <= covered or covered >= ended, "no long request was in flight"
        covered = max(covered, one.ended)
    assert covered >= ended


def count_posts(worker: Host) -> int:
    return int(
        worker.sh("cat /opt/wso2/as/repository/logs/http_access_*.log | grep -c '\"POST ' || true")
    )


@pytest.mark.usefixtures("balanced")
def test_the_same_load_shows_requests_that_fail_without_rotation(
    fab: Fab, lab: Lab, cluster_file: ClusterFile
) -> None:
    """The proof above can fail: this is what it looks like."""
    with measured(lab), Load(lab, long_seconds=1) as load:
        fab.succeeds("-H", "worker1", "deploy", "--force", hosts=cluster_file())
    assert "502" in {request.outcome for request in load.failures}


def test_the_load_balancer_is_not_touched_where_nothing_is_started(
    balanced: Nginx, fab: Fab
) -> None:
    """Its address is wrong here."""
    inventory = balanced.inventory(balancer={"ssh": {"port": 1}})
    for verb in ("deploy", "plan", "config"):
        fab.succeeds(verb, hosts=inventory)
    fab.fails("-H", "worker1", "restart", hosts=inventory)


@pytest.mark.usefixtures("deployed")
def test_without_vhosts_workers_are_not_taken_out_and_that_is_said(nginx: Nginx, fab: Fab) -> None:
    ran = fab.succeeds("-H", "worker1", "restart", hosts=nginx.inventory())
    assert "lb  nginx has no vhosts for this cluster yet (`fab lb.config`)" in ran.out
    assert "rotation:" not in ran.out
    assert nginx.host.sh(f"ls {CONF_DIR}") == ""


def test_a_worker_that_the_files_do_not_list_is_left_to_lb_config(
    nginx: Nginx, fab: Fab, deployed: tuple[Host, Host]
) -> None:
    assert deployed
    fab.succeeds("lb.config", hosts=nginx.inventory(workers=["worker1"]))
    ran = fab.succeeds("-H", "worker2", "restart", hosts=nginx.inventory())
    assert ran.out.count("worker2  is not in the load balancer's files (fab lb.config adds") == 1
    assert nginx.rotation() == {"worker1": "in"}


def test_the_only_worker_is_taken_out_all_the_same(
    nginx: Nginx, fab: Fab, deployed: tuple[Host, Host]
) -> None:
    assert deployed
    inventory = nginx.inventory(workers=["worker1"])
    fab.succeeds("lb.config", hosts=inventory)
    ran = fab.succeeds("-H", "worker1", "restart", hosts=inventory)
    assert "worker1  is the only one in rotation" in ran.out
    assert "worker1  out of rotation: drained" in ran.out
    assert nginx.rotation() == {"worker1": "in"}


def test_a_rolling_change_brings_nothing_else_of_hosts_yaml_and_keeps_edits(
    balanced: Nginx, fab: Fab
) -> None:
    balanced.host.sh(f"sed -i '/# worker2$/s/;/ weight=2;/' {HTTP} && nginx -s reload")
    before = balanced.host.sh(f"cat {CONF_DIR}/*")
    changed = balanced.inventory(balancer={"stickiness": "cookie"})
    fab.succeeds("-H", "worker2", "restart", hosts=changed)
    assert balanced.host.sh(f"cat {CONF_DIR}/*") == before


def test_at_the_limit_it_goes_on_and_says_what_is_still_open(balanced: Nginx, fab: Fab) -> None:
    inventory = balanced.inventory(cluster={"limits": LIMITS | {"drain": 1, "stop": 30}})
    with LongRequests(balanced, 2) as answers:
        ran = fab.succeeds("-H", "worker1", "restart", hosts=inventory)
    assert re.search("worker1  out of rotation: [12] requests? still open, going on", ran.out)
    assert [status for status, _ in answers] == [200, 200], "the server itself waits for them"


def test_ctrl_c_while_draining_puts_the_worker_back_and_restarts_nothing(
    balanced: Nginx, fab: Fab, deployed: tuple[Host, Host]
) -> None:
    inventory = balanced.inventory(cluster={"limits": LIMITS | {"drain": 20}})
    before = deployed[0].running()
    with LongRequests(balanced, 2):
        run = fab.begin("-H", "worker1", "restart", hosts=inventory)
        wait_for("it drains", lambda: balanced.all_say("worker1", "out"))
        run.send_signal(signal.SIGINT)
        out, err = run.communicate(timeout=30)
    assert run.returncode == 130, out + err
    assert deployed[0].running() == before
    assert balanced.rotation() == {"worker1": "in", "worker2": "in"}


class LongRequests:
    """As many requests of 10 s in flight as there are workers, so that each has one."""

    def __init__(self, nginx: Nginx, count: int) -> None:
        self._answers: list[tuple[int, str]] = []
        self._nginx = nginx
        self._threads = [threading.Thread(target=self._post) for _ in range(count)]

    def _post(self) -> None:
        self._answers.append(self._nginx.post("/sleep?seconds=10"))

    def __enter__(self) -> list[tuple[int, str]]:
        for thread in self._threads:
            thread.start()
        forms = r"grep -c ':2623 01 ' /proc/net/tcp || true"
        wait_for(
            "the requests are in flight",
            lambda: int(self._nginx.host.sh(forms)) >= len(self._threads),
        )
        return self._answers

    def __exit__(self, *_: object) -> None:
        for thread in self._threads:
            thread.join()


# ---- Back in rotation only when it has joined and answers


def test_a_worker_that_fails_to_start_stays_out_and_its_next_deploy_puts_it_back(
    balanced: Nginx, fab: Fab, deployed: tuple[Host, Host]
) -> None:
    worker1, _ = deployed
    worker1.knob("die", "before-cluster")
    ran = fab.fails("-H", "worker1", "restart", hosts=balanced.inventory())
    assert "worker1  stays out of rotation" in ran.out
    assert balanced.rotation() == {"worker1": "out", "worker2": "in"}
    worker1.sh("rm /opt/wso2/as/standin/die")
    ran = fab.succeeds("-H", "worker1", "deploy", hosts=balanced.inventory())
    assert "worker1  back in rotation" in ran.out
    assert balanced.rotation() == {"worker1": "in", "worker2": "in"}


def test_a_worker_that_joined_too_late_is_put_back_when_it_is_verified(
    balanced: Nginx, fab: Fab, deployed: tuple[Host, Host]
) -> None:
    worker1, _ = deployed
    worker1.knob("finish-seconds", "4")
    hasty = balanced.inventory(cluster={"limits": LIMITS | {"start": 3}})
    fab.fails("-H", "worker1", "restart", hosts=hasty)
    assert balanced.rotation()["worker1"] == "out"
    ran = fab.succeeds("-H", "worker1", "deploy", hosts=balanced.inventory())
    assert "worker1  plan: verify" in ran.out
    assert balanced.rotation()["worker1"] == "in"
    worker1.sh("rm /opt/wso2/as/standin/finish-seconds")


def test_a_worker_that_the_load_balancer_cannot_reach_stays_out(
    balanced: Nginx, fab: Fab, deployed: tuple[Host, Host]
) -> None:
    worker1, _ = deployed
    reject = "-p tcp --dport 9763 -j REJECT --reject-with tcp-reset"
    balanced.host.sh(f"iptables -A OUTPUT -d {worker1.address} {reject}")
    inventory = balanced.inventory(cluster={"limits": LIMITS | {"join": 3}})
    ran = fab.fails("-H", "worker1", "restart", hosts=inventory)
    assert "it joined, but port 9763 refuses connections when tried from lb" in ran.out
    assert balanced.rotation()["worker1"] == "out"
    balanced.host.sh("iptables -F")
    fab.succeeds("lb.config", "--all-in", hosts=inventory)
    assert balanced.rotation()["worker1"] == "in"


def test_a_worker_whose_health_is_not_that_of_hosts_yaml_stays_out_of_rotation(
    balanced: Nginx, fab: Fab
) -> None:
    """It joined; what it answers to the path of `health` is not what is wanted."""
    health = {"path": "/app/ping", "status": 599, "within": 1}
    inventory = balanced.inventory(cluster={"health": health})
    ran = fab.fails("-H", "worker1", "restart", hosts=inventory)
    assert "599 to /app/ping when tried from lb, within 1 s (health: within)" in ran.out
    assert balanced.rotation() == {"worker1": "out", "worker2": "in"}
    fab.succeeds("-H", "worker1", "deploy", hosts=balanced.inventory())
    assert balanced.rotation() == {"worker1": "in", "worker2": "in"}, "and the next deploy heals it"


def test_stop_leaves_it_out_and_start_puts_it_back(balanced: Nginx, fab: Fab) -> None:
    ran = fab.succeeds("-H", "worker1", "stop", hosts=balanced.inventory())
    assert "worker1  out of rotation: drained" in ran.out
    assert balanced.rotation() == {"worker1": "out", "worker2": "in"}
    fab.succeeds("-H", "worker1", "start", hosts=balanced.inventory())
    assert balanced.rotation() == {"worker1": "in", "worker2": "in"}
    told = balanced.host.read("/home/deploy/.provision/audit.log").splitlines()[-2:]
    for line, verb in zip(told, ("stop", "start"), strict=True):
        assert re.fullmatch(rf"\S+Z \S+@\S+ uid=\d+ {verb} inventory=[0-9a-f]{{12}} ok", line)


def test_a_removed_worker_stays_away_until_all_in(balanced: Nginx, fab: Fab) -> None:
    inventory = balanced.inventory()
    fab.succeeds("-H", "worker1", "remove", hosts=inventory)
    assert balanced.rotation() == {"worker1": "removed", "worker2": "in"}
    fab.succeeds("lb.config", hosts=inventory)
    ran = fab.succeeds("-H", "worker1", "deploy", hosts=inventory)
    assert "worker1  was removed from the load balancer's files" in ran.out
    assert balanced.rotation() == {"worker1": "removed", "worker2": "in"}
    fab.succeeds("lb.config", "--all-in", hosts=inventory)
    assert balanced.rotation() == {"worker1": "in", "worker2": "in"}
