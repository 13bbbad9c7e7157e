"""Bringing a lab up and down, and finding one that is up."""

from __future__ import annotations

import shutil

from lab import rundir
from lab.engine import provide_engine
from lab.handle import Lab
from lab.hosts import label, project, running_hosts, wait_until_ready
from lab.image import image_name, provide_image
from lab.shell import LAB, RUN, Progress, Run, alone, need, run

COMPOSE_FILE = LAB / "compose.yaml"
UP = ("up", "--detach", "--no-build")


def up(name: str = "demo", *, extras: bool = False, progress: Progress = print) -> Lab:
    """Bring up the lab of that name, whatever is missing for it, and return it when it is ready.

    A lab that is up already is left as it is. `extras` adds legacy, plain, systemd and haproxy.
    Raises LabError, with a remedy, where the machine cannot carry a lab.
    """
    compose = prepare(name, extras=extras, progress=progress)
    progress(f"starting the lab {name!r}")
    need(
        run(*compose, "--file", str(COMPOSE_FILE), "--project-name", project(name), *UP),
        what=f"starting the lab {name!r}",
    )
    return attach(name)


def prepare(name: str, *, extras: bool = False, progress: Progress = print) -> tuple[str, ...]:
    """Provide all that a lab stands on, and return the Compose command that can start it.

    For those who start it themselves, as pytest-docker does: they add file, project and UP.
    """
    with alone("engine"):
        compose = provide_engine(progress)
    image = provide_image(progress)
    if extras:
        provide_image(progress, stage="extras")
    rundir.prepare(RUN / name, image=image, extras_image=image_name("extras"))
    profile = ("--profile", "extras") if extras else ()
    return (*compose, "--env-file", str(RUN / name / rundir.ENVIRONMENT), *profile)


def attach(name: str) -> Lab:
    """Wait until a lab that was just started is ready, write down how to reach it, return it."""
    hosts = running_hosts(name)
    wait_until_ready(hosts.values())
    rundir.collect(RUN / name, hosts)
    return Lab(name=name, run_dir=RUN / name, hosts=hosts)


def find(name: str = "demo") -> Lab | None:
    """Return the lab of that name if it is up."""
    if not (RUN / name / "known_hosts").exists():
        return None
    hosts = running_hosts(name)
    return Lab(name=name, run_dir=RUN / name, hosts=hosts) if hosts else None


def down(name: str = "demo", *, progress: Progress = print, run: Run = run) -> None:
    """Remove all of a lab: containers, network, volumes, and its folder in lab/run."""
    provide_engine(progress, run=run)
    progress(f"removing the lab {name!r}")
    for kind, list_all, remove in (
        ("container", ("ls", "--all", "--quiet"), ("rm", "--force", "--volumes")),
        ("network", ("ls", "--quiet"), ("rm",)),
        ("volume", ("ls", "--quiet"), ("rm", "--force")),
    ):
        found = need(
            run("docker", kind, *list_all, "--filter", label(name)), what=f"listing {kind}s"
        ).split()
        if found:
            need(run("docker", kind, *remove, *found), what=f"removing the lab {name!r}")
    shutil.rmtree(RUN / name, ignore_errors=True)
