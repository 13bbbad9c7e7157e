"""The lab by hand: `fab lab.up`, `fab lab.down`."""

from __future__ import annotations

from invoke import Collection, Context, Exit, task


@task(help={"name": "Which lab; hosts.yaml describes `demo`."})
def up(_: Context, name: str = "demo") -> None:
    """Bring up the lab: manager, three workers, database and load balancer in containers."""
    import lab

    try:
        made = lab.up(name)
    except lab.LabError as error:
        raise Exit(message=f"error: {error}", code=1) from error
    print(f"lab {name} is up: {', '.join(sorted(made.hosts))}")


@task(help={"name": "Which lab."})
def down(_: Context, name: str = "demo") -> None:
    """Take the lab down: containers, network and volumes."""
    import lab

    try:
        lab.down(name)
    except lab.LabError as error:
        raise Exit(message=f"error: {error}", code=1) from error


namespace = Collection("lab", up, down)
