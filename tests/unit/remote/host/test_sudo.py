"""Privilege: the scripts, the check and the sudoers fragment speak of the same commands."""

from __future__ import annotations

import re
import shlex
import textwrap
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

import pytest

import lab
import remote
from carbon.balancer.nginx import file_names
from carbon.cluster import HostsEntry, Service, Ssh
from carbon.errors import PrivilegeError
from carbon.secret import Secret
from remote.host import sudo
from remote.host.exit_status import ExitStatus
from remote.host.script import Script
from remote.host.server import Outcome
from remote.host.sudo import (
    HOSTS_COMMANDS,
    REBOOT_COMMANDS,
    by_fragment,
    fragment,
    service_commands,
    unit_commands,
    vhost_commands,
)
from tests.unit.carbon.nodes import make_balancer, make_cluster, make_manager, make_node
from tests.unit.remote.local_server import local_host

SCRIPTS = Path(remote.__file__).parent / "scripts"
CLUSTER = make_cluster()
BALANCER = make_balancer()
UNIT = Service(unit="wso2as.service")
PASSWORD = Secret("env", "KEYSTORE", "hosts.yaml", 1, Path())
ENTRIES = (HostsEntry(address="10.0.0.3", names=("mgt.as.wso2.com",)),)


def sudo_lines(*names: str) -> Iterable[tuple[str, ...]]:
    """Yield the words of each command that these scripts run through sudo."""
    for name in names:
        for command in re.findall(
            r"sudo -n ([^<>|;&)}]+)", next(SCRIPTS.rglob(f"{name}.sh")).read_text()
        ):
            yield tuple(shlex.split(command.partition(" 2")[0]))


def test_every_sudo_line_of_the_hosts_scripts_is_in_the_list_and_nothing_else() -> None:
    used = {
        tuple("/etc/hosts.provision-new" if word == "$new" else word for word in words)
        for words in sudo_lines("hosts", "hosts_new", "hosts_clear")
    }
    assert used == set(HOSTS_COMMANDS)


def test_every_sudo_line_of_the_load_balancers_script_is_in_the_list_and_nothing_else() -> None:
    file = f"/etc/nginx/conf.d/{file_names(CLUSTER)[0]}"
    used = {
        tuple(re.sub(r"^\$CONF_DIR/\$\w+", file, word) for word in words)
        for words in sudo_lines("balancer_push")
    }
    used = {
        tuple(f"{file}.provision-new" if word == "$new" else word for word in words)
        for words in used
    }
    with_helper = make_balancer(rotation_helper=True)
    listed = {*vhost_commands(CLUSTER, BALANCER), *vhost_commands(CLUSTER, with_helper)}
    assert used == {words for words in listed if words[0] == "nginx" or file in " ".join(words)}


def test_with_roots_helper_a_login_may_write_no_file_of_nginx() -> None:
    """Of what it may run, only the helper takes content, and only names of the cluster's files."""
    commands = vhost_commands(CLUSTER, make_balancer(rotation_helper=True))
    assert {words[0] for words in commands} == {sudo.HELPER, "ln", "mv", "rm", "nginx"}
    assert all("*" not in word for words in commands for word in words)
    removed = {word for words in commands if words[0] == "rm" for word in words[2:]}
    assert all(name.endswith((".provision-new", ".provision-kept")) for name in removed)


def test_rights_that_amount_to_root_say_so_with_the_way_without() -> None:
    balancer, helped = make_balancer(), make_balancer(rotation_helper=True)
    printed = fragment(CLUSTER, balancer, login="deploy")
    assert printed and "This is root" in printed.warnings[0]
    assert "rotation_helper" in printed.warnings[0]
    without = fragment(CLUSTER, helped, login="deploy")
    assert without and without.warnings == ()
    worker = fragment(CLUSTER, make_node(hosts_entries=ENTRIES), login="deploy")
    assert worker and "any line into /etc/hosts" in worker.warnings[0]


def test_no_other_script_uses_sudo() -> None:
    using = {path.stem for path in SCRIPTS.rglob("*.sh") if "sudo -n" in path.read_text()}
    of_units = {"unit", "start", "stop", "reboot"}
    assert using == {"hosts", "hosts_new", "hosts_clear", "balancer_push", "sudo_check", *of_units}


def test_every_sudo_line_of_a_unit_is_in_the_lists_and_nothing_else() -> None:
    node = make_node(service=UNIT, keystore_password=PASSWORD)
    words = {
        "$UNIT": UNIT.unit,
        "$UNIT_FILE": f"/etc/systemd/system/{UNIT.unit}",
        "$PASSWORD_FILE": f"/etc/{UNIT.unit}.password",
    }

    def filled(word: str) -> str:
        name, dot, rest = word.partition(".provision-new")
        return words.get(name, name) + dot + rest

    used = {tuple(map(filled, line)) for line in sudo_lines("unit", "start", "stop")}
    assert used == {*unit_commands(node), *service_commands(node)}


def test_the_account_that_runs_a_server_starts_and_stops_its_unit() -> None:
    """The login installs it; the scripts of the server run as its account."""
    node = make_node(ssh=Ssh(host="w", user="deploy"), run_as="wso2", service=UNIT)
    printed = fragment(CLUSTER, node, login=None)
    assert printed
    assert printed.commands == unit_commands(node)
    assert printed.for_account == service_commands(node)
    assert "Defaults:wso2 !requiretty" in printed.text
    assert f"/usr/bin/systemctl start {UNIT.unit}" in printed.text.partition("wso2 ALL=(root)")[2]


def test_a_reboot_is_allowed_by_a_line_of_its_own_that_can_be_left_out() -> None:
    """To servers that can come back by themselves, and word for word as the script has it."""
    assert set(sudo_lines("reboot")) == set(REBOOT_COMMANDS)
    ssh = Ssh(host="w", user="deploy")
    with_unit = fragment(CLUSTER, make_node(ssh=ssh, service=UNIT), login=None)
    assert with_unit
    line = "deploy ALL=(root) NOPASSWD: /usr/bin/systemctl reboot"
    assert line in with_unit.text.splitlines()
    without = fragment(CLUSTER, make_node(ssh=ssh, hosts_entries=ENTRIES), login=None)
    assert without
    assert "reboot" not in without.text


def test_the_lab_allows_what_the_fragments_say_and_nothing_else() -> None:
    """Its hosts share one file; what a test runs there is what an operator may run."""
    sudoers = (Path(lab.__file__).parent / "image/sudoers").read_text()
    hosts = (
        make_node(ssh=Ssh(host="w", user="deploy"), run_as="wso2", hosts_entries=ENTRIES),
        make_balancer(ssh=Ssh(host="lb", user="deploy")),
        make_node(ssh=Ssh(host="s", user="deploy"), service=UNIT, keystore_password=PASSWORD),
    )
    wanted = [fragment(CLUSTER, host, login=None) for host in hosts]
    assert rules(sudoers) == {line for one in wanted if one for line in rules(one.text)}


def test_the_fragment_in_the_page_is_the_one_that_is_printed_and_that_the_lab_has() -> None:
    """Word for word the first; of the lab's, whose load balancer has more, a part."""
    page = (Path(lab.__file__).parents[1] / "docs/security.md").read_text()
    shown = page.partition("```sudoers\n")[2].partition("```")[0]
    worker = make_node(ssh=Ssh(host="w", user="deploy"), run_as="wso2", hosts_entries=ENTRIES)
    printed = fragment(CLUSTER, worker, login=None)
    assert printed
    assert textwrap.dedent(shown) == printed.text
    sudoers = (Path(lab.__file__).parent / "image/sudoers").read_text()
    assert rules(printed.text) < rules(sudoers)


def rules(text: str) -> set[str]:
    """Return each command that a sudoers file allows, and its other lines, without comments."""
    found = set()
    for line in re.sub(r"#.*\n", "", text).replace("\\\n", " ").splitlines():
        who, mark, commands = line.partition("NOPASSWD:")
        found |= {f"{who}{mark} {command.strip()}" for command in commands.split(",")}
    return found


def test_a_fragment_allows_exact_commands_for_one_login() -> None:
    worker = make_node(ssh=Ssh(host="w", user="deploy"), run_as="wso2", hosts_entries=ENTRIES)
    made = fragment(CLUSTER, worker, login=None)
    assert made
    assert made.text == (
        "Defaults:deploy !requiretty\n"
        "deploy ALL=(root) NOPASSWD: \\\n"
        "    /bin/cp -p /etc/hosts /etc/hosts.provision-new, \\\n"
        "    /usr/bin/tee /etc/hosts.provision-new, \\\n"
        "    /bin/mv -f /etc/hosts.provision-new /etc/hosts, \\\n"
        "    /bin/rm -f /etc/hosts.provision-new, \\\n"
        "    /bin/cp -p /etc/hosts /etc/hosts.provision-kept, \\\n"
        "    /usr/bin/tee /etc/hosts\n"
        "deploy ALL=(wso2) NOPASSWD: /bin/sh\n"
    )


def test_what_has_a_meaning_in_sudoers_is_escaped() -> None:
    """A comma ends a command, a star matches others, a colon and an equals sign are syntax."""
    odd = make_balancer(conf_dir=PurePosixPath("/etc/n g,i*:n=x"))
    made = fragment(CLUSTER, odd, login="deploy")
    assert made
    assert r"/usr/bin/tee /etc/n\ g\,i\*\:n\=x/wso2.as.domain.http.conf.provision-new" in made.text


def test_a_server_where_nothing_is_done_as_somebody_else_needs_no_fragment() -> None:
    assert fragment(CLUSTER, make_node(), login="deploy") is None


def test_servers_with_the_same_needs_share_a_fragment() -> None:
    login = Ssh(host="x", user="deploy")
    hosts = (
        make_manager(ssh=login, hosts_entries=ENTRIES),
        make_node("worker1", ssh=login, hosts_entries=ENTRIES),
        make_node("worker2", ssh=login, hosts_entries=ENTRIES, run_as="wso2"),
    )
    assert list(by_fragment(CLUSTER, hosts, login=None).values()) == [
        ["manager", "worker1"],
        ["worker2"],
    ]


def test_the_login_of_hosts_yaml_comes_before_the_one_given() -> None:
    named = make_node(ssh=Ssh(host="w", user="wso2admin"), run_as="wso2")
    made = [fragment(CLUSTER, node, login="me") for node in (named, make_node(run_as="wso2"))]
    assert [one.login for one in made if one] == ["wso2admin", "me"]


class Sudo:
    """A server that only keeps what it is asked, and whose sudo refuses one thing."""

    name = "worker1"

    def __init__(self, refused: str = "") -> None:
        self._refused = refused
        self.asked: list[str] = []

    def run(self, script: Script, *, payload: bytes = b"", timeout_seconds: float) -> Outcome:
        assert timeout_seconds > 0
        assert not payload
        self.asked = [str(command) for command in script.values["commands"]]  # type: ignore[union-attr]
        if self._refused in self.asked:
            return Outcome(ExitStatus.SUDO_REFUSED, b"", f"refused: {self._refused}\n".encode())
        return Outcome(0, b"allowed\n", b"")


def test_the_check_asks_for_every_command() -> None:
    asked = Sudo()
    sudo.check(local_host(make_node(), asked), HOSTS_COMMANDS, step="look")  # type: ignore[arg-type]
    assert [tuple(shlex.split(command)) for command in asked.asked] == list(HOSTS_COMMANDS)


def test_a_refusal_is_told_with_its_remedy() -> None:
    asked = Sudo(refused="tee /etc/hosts")
    with pytest.raises(PrivilegeError, match="refused: tee /etc/hosts") as caught:
        sudo.check(local_host(make_node(), asked), HOSTS_COMMANDS, step="look")  # type: ignore[arg-type]
    assert "fab -H worker1 sudoers" in caught.value.action
