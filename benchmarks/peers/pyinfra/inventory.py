"""Pyinfra's inventory, from the benchmark's description of its hosts."""

import json
import os
from pathlib import Path

job = Path(os.environ["BENCH_JOB"])
described = json.loads((job / "hosts.json").read_text())
login = {
    "ssh_hostname": "127.0.0.1",
    "ssh_user": "deploy",
    "ssh_key": described["identity"],
    "ssh_known_hosts_file": described["known_hosts"],
    "ssh_strict_host_key_checking": "yes",
    "ssh_allow_agent": False,
    "ssh_look_for_keys": False,
}


def entry(host):
    """Return a host in pyinfra's form."""
    return host["name"], {**host, **login, "ssh_port": host["port"]}


workers = [entry(host) for host in described["workers"]]
managers = [entry(described["manager"])]
