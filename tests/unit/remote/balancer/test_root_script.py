"""What root runs once on a load balancer: run here with folders of our own in place of /etc."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path, PurePosixPath

import pytest

from carbon.balancer import nginx
from remote.balancer.root_script import root_script
from tests.unit.carbon.nodes import make_balancer, make_cluster, make_node

WORKERS = (make_node("worker1"), make_node("worker2", local_member_host="10.0.0.40"))


@pytest.fixture
def conf_dir(tmp_path: Path) -> Path:
    """The folder of the vhosts; the programs that need root only succeed."""
    for folder in ("conf", "sbin", "sudoers", "bin"):
        (tmp_path / folder).mkdir()
    for program, says in (("id", "echo 0"), ("visudo", ":"), ("nginx", ":")):
        (tmp_path / "bin" / program).write_text(f"#!/bin/sh\n{says}\n")
        (tmp_path / "bin" / program).chmod(0o755)
    return tmp_path / "conf"


def run(conf_dir: Path, *, stickiness: str = "none") -> dict[str, bytes]:
    """Run the script; return the vhosts that are there then."""
    balancer = make_balancer(
        conf_dir=PurePosixPath(conf_dir), rotation_helper=True, stickiness=stickiness
    )
    cluster = make_cluster(*WORKERS, load_balancer=balancer)
    root = conf_dir.parent
    script = root_script(cluster, balancer, login="deploy")
    script = script.replace("/usr/local/sbin/carbon", f"{root}/sbin/carbon")
    script = script.replace("/etc/sudoers.d/", f"{root}/sudoers/")
    path = f"{root}/bin:{os.environ['PATH']}"
    subprocess.run(["sh"], input=script, text=True, check=True, env={"PATH": path})
    return {file.name: file.read_bytes() for file in conf_dir.iterdir()}


def http(files: dict[str, bytes]) -> str:
    """Return the name of the workers' file."""
    return next(name for name in files if name.endswith(".http.conf"))


def test_it_writes_the_vhosts_the_helper_and_the_rights(conf_dir: Path) -> None:
    balancer = make_balancer(conf_dir=PurePosixPath(conf_dir))
    assert run(conf_dir) == nginx.render(make_cluster(*WORKERS, load_balancer=balancer))
    helper = conf_dir.parent / "sbin/carbon-provision-rotation"
    assert helper.stat().st_mode & 0o777 == 0o755
    rights = conf_dir.parent / "sudoers/provision"
    assert rights.stat().st_mode & 0o777 == 0o440
    assert "tee" not in rights.read_text()


def test_who_is_out_of_rotation_stays_out_and_other_changes_win(conf_dir: Path) -> None:
    name = http(run(conf_dir))
    (conf_dir / name).write_bytes(nginx.take_out((conf_dir / name).read_bytes(), WORKERS[0]))
    assert nginx.parse_rotation(run(conf_dir)[name])["worker1"] == "out"
    data = run(conf_dir, stickiness="ip_hash")[name]
    assert b"ip_hash" in data
    assert nginx.parse_rotation(data) == {"worker1": "out", "worker2": "in"}
    (conf_dir / name).write_bytes(nginx.remove(data, WORKERS[1]))
    assert nginx.parse_rotation(run(conf_dir)[name]) == {"worker1": "out", "worker2": "out"}


def test_no_older_vhost_of_root_is_left_for_the_login_to_bring_back(conf_dir: Path) -> None:
    name = http(run(conf_dir))
    for kind in ("new", "kept"):
        (conf_dir / f"{name}.provision-{kind}").write_text("of last year")
    assert not any("provision" in file for file in run(conf_dir))
