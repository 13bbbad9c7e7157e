"""The tools that are compared, each as a command line for one job."""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import venv
from benchmarks.job import Job, variables
from benchmarks.site import FOLDER, JAVA_HOME
from carbon.home import layout
from lab.image import CONTEXT
from lab.shell import run

PROJECT = FOLDER.parent
PEERS = FOLDER / "peers"
KEX = "curve25519-sha256"
"""The key exchange of every tool; OpenSSH would choose a dearer one by itself."""


@dataclass(frozen=True, kw_only=True)
class Command:
    """What to run, where, and what to add to the environment."""

    argv: tuple[str, ...]
    cwd: Path = PROJECT
    env: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Tool:
    """One contestant."""

    name: str
    title: str
    command: Callable[[Job], Command]
    """Return the command that does the job; also installs what it needs, the first time."""
    after: Callable[[Job], None] = lambda _: None
    """End what a run leaves behind on the operator's side, so that the next begins cold."""
    version: Callable[[], str] = lambda: ""
    quick: bool = False
    """A run of it is over in seconds: it has more of them, since a moment's noise weighs more."""


def _ours(job: Job) -> Command:
    fab = Path(sys.executable).parent / "fab"
    return Command(
        argv=(str(fab), "deploy", "--reset"), env={"PROVISION_HOSTS": str(job.inventory)}
    )


def _floor(kind: str) -> Callable[[Job], Command]:
    deploy = str(PEERS / "floor/deploy")
    return lambda job: Command(argv=("bash", deploy, kind, str(job.folder)))


def _ansible(strategy: str) -> Callable[[Job], Command]:
    def command(job: Job) -> Command:
        folder = job.folder / f"ansible-{strategy}"
        folder.mkdir(exist_ok=True)
        bin_folder = venv.provide("ansible")
        _write_ansible_inventory(job, folder / "hosts.json")
        (folder / "ansible.cfg").write_text(_ansible_cfg(job, strategy, bin_folder))
        return Command(
            argv=(
                str(bin_folder / "ansible-playbook"),
                *("--inventory", str(folder / "hosts.json")),
                str(PEERS / "ansible/deploy.yaml"),
            ),
            env={"ANSIBLE_CONFIG": str(folder / "ansible.cfg")},
        )

    return command


def _ansible_cfg(job: Job, strategy: str, bin_folder: Path) -> str:
    plugins = next(bin_folder.parent.glob("lib/python*/site-packages"))
    return f"""\
[defaults]
forks = {len(job.site.workers)}
strategy = {strategy}
strategy_plugins = {plugins / "ansible_mitogen/plugins/strategy"}
host_key_checking = true
gathering = explicit
inject_facts_as_vars = false
internal_poll_interval = 0.001
interpreter_python = /usr/bin/python3
display_skipped_hosts = false
retry_files_enabled = false
local_tmp = {job.folder / "ansible-tmp"}
[connection]
pipelining = true
[ssh_connection]
ssh_args = -F none -o ControlMaster=auto -o ControlPersist=60s -o KexAlgorithms={KEX} \
-o IdentitiesOnly=yes -o UserKnownHostsFile={job.site.known_hosts}
control_path_dir = {_control_folder(job)}
"""


def _control_folder(job: Job) -> Path:
    """A short path: that of a socket may have 108 bytes."""
    return Path(tempfile.gettempdir()) / f"bench-{job.site.name}"


def _write_ansible_inventory(job: Job, file: Path) -> None:
    site = job.site
    axis2 = (CONTEXT / "pack" / layout.AXIS2).read_bytes()

    def login(port: int) -> dict[str, object]:
        return {"ansible_host": "127.0.0.1", "ansible_port": port, "ansible_user": "deploy"}

    workers = {
        host.name: {
            **login(host.ssh_port),
            **variables(site, host),
            "home": host.home,
            "member": host.member,
        }
        for host in site.workers
    }
    shared = {
        "ansible_ssh_private_key_file": str(site.identity),
        "driver": str(site.driver),
        "templates": str(job.jinja),
        "axis2_newline": "\r\n" if b"\r\n" in axis2 else "\n",
        "java_home": JAVA_HOME,
        "log": f"{site.manager.home}/{layout.LOG}",
        "hosts_lines": [f"{address} {name}" for address, name in job.hosts_lines()],
    }
    groups = {
        "all": {
            "vars": shared,
            "hosts": {"manager": login(site.manager.ssh_port)},
            "children": {"workers": {"hosts": workers}},
        }
    }
    file.write_text(json.dumps(groups, indent=1))


def _end_ansible_connections(job: Job) -> None:
    folder = _control_folder(job)
    for socket in folder.glob("*") if folder.is_dir() else ():
        run("ssh", "-F", "none", "-o", f"ControlPath={socket}", "-O", "exit", "bench")
    shutil.rmtree(folder, ignore_errors=True)


def _pyinfra(job: Job) -> Command:
    folder = PEERS / "pyinfra"
    axis2 = (CONTEXT / "pack" / layout.AXIS2).read_bytes()
    return Command(
        argv=(
            str(venv.provide("pyinfra") / "pyinfra"),
            *("-y", "--parallel", str(len(job.site.workers) + 1)),
            *(str(folder / "inventory.py"), str(folder / "deploy.py")),
        ),
        env={
            "BENCH_JOB": str(job.folder),
            "BENCH_AXIS2_NEWLINE": r"\r\n" if b"\r\n" in axis2 else r"\n",
        },
    )


def _fabric(job: Job) -> Command:
    hosts = ",".join(f"deploy@127.0.0.1:{host.ssh_port}" for host in job.site.workers)
    fab = str(venv.provide("fabric") / "fab")
    return Command(
        argv=(fab, "-i", str(job.site.identity), "-H", hosts, "deploy"),
        cwd=PEERS / "fabric",
        env={"BENCH_JOB": str(job.folder)},
    )


def _pinned(requirements: str, package: str) -> Callable[[], str]:
    def version() -> str:
        lines = (FOLDER / f"requirements-{requirements}.txt").read_text().splitlines()
        return next(line for line in lines if line.startswith(f"{package}=="))

    return version


def _openssh() -> str:
    return run("ssh", "-V").stderr.strip().partition(",")[0]


OURS = Tool(name="ours", title="this project", command=_ours, quick=True)
BARE = Tool(name="bare", title="bare floor", command=_floor("bare"), version=_openssh, quick=True)
EQUIVALENT = Tool(
    name="equivalent",
    title="equivalent floor",
    command=_floor("equivalent"),
    version=_openssh,
    quick=True,
)
PEER_TOOLS = (
    Tool(
        name="pyinfra",
        title="pyinfra",
        command=_pyinfra,
        version=_pinned("pyinfra", "pyinfra"),
        quick=True,
    ),
    Tool(
        name="fabric",
        title="plain Fabric",
        command=_fabric,
        version=_pinned("fabric", "fabric"),
    ),
    Tool(
        name="mitogen",
        title="Ansible under mitogen",
        command=_ansible("mitogen_linear"),
        after=_end_ansible_connections,
        version=_pinned("ansible", "mitogen"),
    ),
    Tool(
        name="ansible",
        title="Ansible",
        command=_ansible("linear"),
        after=_end_ansible_connections,
        version=_pinned("ansible", "ansible-core"),
    ),
)
FLOORS = (BARE, EQUIVALENT)
ALL = (OURS, *FLOORS, *PEER_TOOLS)


def environment(home: Path, extra: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of every run: no agent, no ssh configuration of the user's."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    return {"LANG": "C.UTF-8", **kept, "HOME": str(home), **extra}
