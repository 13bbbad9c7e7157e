"""Host keys: who does not prove to be the one in known_hosts is not let near a login."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lab import Lab
from tests.lab.cli import Fab
from tests.lab.hosts import Host, untouched
from tests.lab.inventory import ClusterFile

Knowing = Callable[..., Path]


@pytest.fixture
def knowing(cluster_file: ClusterFile, tmp_path: Path) -> Knowing:
    """Write a hosts.yaml with these known_hosts lines for worker1's own entry, and no others."""

    def write(*lines: str, ssh: dict[str, Any] | None = None) -> Path:
        known = tmp_path / "known"
        known.write_text("".join(f"{line}\n" for line in lines))
        return cluster_file(worker1={"ssh": {"known_hosts": str(known), **(ssh or {})}})

    return write


def keys(host: Host) -> list[str]:
    """Return a host's public keys, as its own console shows them."""
    lines = host.sh("cat /etc/ssh/ssh_host_*_key.pub").splitlines()
    return [" ".join(line.split()[:2]) for line in lines]


def fingerprints(host: Host) -> list[str]:
    shown = host.sh("for key in /etc/ssh/ssh_host_*_key.pub; do ssh-keygen -lf $key; done")
    return re.findall(r"SHA256:\S+", shown)


def name_of(host: Host) -> str:
    return f"[127.0.0.1]:{host.ssh_port}"


UNKNOWN = "its host key is in no known_hosts file: "
CHANGED = "its host key is not the one in {line}: it shows "
REVOKED = "it shows a host key that {line} revokes: "
SEEN = {
    "none": UNKNOWN,
    "those of another host": CHANGED,
    "revoked": REVOKED,
    "revoked before its own": REVOKED,
    "an authority's": UNKNOWN,
}


@pytest.mark.parametrize("kind", SEEN)
def test_a_key_that_is_not_known_is_refused_with_its_fingerprint_before_any_change(
    fab: Fab,
    knowing: Knowing,
    tmp_path: Path,
    worker1: Host,
    worker2: Host,
    kind: str,
) -> None:
    own = [f"{name_of(worker1)} {key}" for key in keys(worker1)]
    revoked = [f"@revoked * {key}" for key in keys(worker1)]
    lines = {
        "none": [],
        "those of another host": [f"{name_of(worker1)} {key}" for key in keys(worker2)],
        "revoked": revoked,
        "revoked before its own": revoked + own,
        "an authority's": [f"@cert-authority * {key}" for key in keys(worker1)],
    }[kind]
    hosts = knowing(*lines)
    with untouched(worker1, worker2):
        ran = fab.fails("deploy", hosts=hosts)
    line = rf"{tmp_path / 'known'}:[123]"  # the one of the key that sshd shows
    found = re.search(rf"worker1: {SEEN[kind].format(line=line)}\S+ (SHA256:\S+)", ran.err)
    assert found, ran
    assert found[1] in fingerprints(worker1)
    remedy = "do not connect" if "revoked" in kind else "`fab -H worker1 trust`"
    assert remedy in ran.err


def test_lines_of_authorities_and_nonsense_do_no_harm(
    fab: Fab, knowing: Knowing, worker1: Host
) -> None:
    hosts = knowing(
        f"@cert-authority *.example.com {keys(worker1)[0]}",
        "@cert-authority",
        "nonsense",
        "|1|x|y ssh-rsa AAAA",
        *(f"{name_of(worker1)} {key}" for key in keys(worker1)),
    )
    assert fab.succeeds("-H", "worker1", "run", "echo in", hosts=hosts).out == "in\n"


@pytest.mark.parametrize("kind", ["unknown", "changed", "revoked"])
def test_a_gateway_is_refused_as_any_server_and_what_is_behind_it_never_asked(
    fab: Fab, knowing: Knowing, lab: Lab, worker1: Host, manager: Host, kind: str
) -> None:
    """worker1 by its address in the lab, through the manager's sshd."""
    inner = [f"{worker1.address} {key}" for key in keys(worker1)]
    gateways = {
        "unknown": [],
        "changed": [f"{name_of(manager)} {key}" for key in keys(worker1)],
        "revoked": [f"@revoked * {key}" for key in keys(manager)],
    }[kind]
    seen = {
        "unknown": UNKNOWN,
        "changed": CHANGED.partition("{")[0],
        "revoked": REVOKED.partition("{")[0],
    }[kind]
    gateway = f"deploy@127.0.0.1:{lab.hosts['manager'].ssh_port}"
    ssh = {"host": worker1.address, "port": 22, "gateway": gateway}
    hosts = knowing(*gateways, *inner, ssh=ssh)
    with untouched(worker1):
        ran = fab.fails("-H", "worker1", "deploy", hosts=hosts)
    assert f"gateway {gateway}: {seen}" in ran.err
    assert any(one in ran.err for one in fingerprints(manager))
