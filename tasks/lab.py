"""The lab by hand: `fab lab.up`, `fab lab.down`."""

from __future__ import annotations

from invoke import Collection, Context, Exit, task

from carbon import exits


@task(help={"name": "Which lab; hosts.yaml describes `demo`."})
def up(_: Context, name: str = "demo") -> None:
    """Bring up the lab: manager, three workers, database and load balancer in containers."""
    import lab

    try:
        running = lab.up(name)
    except lab.LabError as error:
        raise Exit(message=f"error: {error}", code=exits.ERROR) from error
    print(f"lab {name} is up: {', '.join(sorted(running.hosts))}")


@task(help={"name": "Which lab."})
def down(_: Context, name: str = "demo") -> None:
    """Take the lab down: containers, network and volumes."""
    import lab

    try:
        lab.down(name)
    except lab.LabError as error:
        raise Exit(message=f"error: {error}", code=exits.ERROR) from error


@task(help={"name": "Which lab."})
def answers(_: Context, name: str = "demo") -> None:
    """Send requests through the lab's load balancer until each worker has answered one."""
    import lab
    from lab.answers import answers as ask

    try:
        running = lab.find(name)
        if running is None:
            raise lab.LabError(f"the lab {name} is not up: fab lab.up")
        for worker, text in sorted(ask(running, ("worker1", "worker2")).items()):
            print(f"{worker} answered through the load balancer: {text.splitlines()[0]}")
    except lab.LabError as error:
        raise Exit(message=f"error: {error}", code=exits.ERROR) from error


namespace = Collection("lab", up, down, answers)
