"""Getting in: run a command of one's own, accept host keys, see what sudo has to allow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tasks.verb import verb

if TYPE_CHECKING:
    from tasks.session import Session


@verb(
    audited="run",
    locks=False,
    every_worker=False,
    positional=["command"],
    help={
        "command": 'The command line, in quotes: "uptime".',
        "run_as": "As the account that owns AS_HOME (run_as in hosts.yaml).",
        "timeout": "Seconds of patience for this run, instead of the limits in hosts.yaml.",
    },
)
def run(session: Session, command: str, *, run_as: bool = False, timeout: int = 0) -> int:
    """Run a command on all named hosts at once; exit status: the worst of them.

    With several hosts each line has its host's name. A host that cannot be reached counts as
    255, a command that is over its time as 124. (`fab -H HOST -- COMMAND` is Fabric's own: it
    reads neither this project nor hosts.yaml, and accepts any host key.)
    """
    from tasks.streams import run_command

    return run_command(session, command, as_owner=run_as, patience_seconds=timeout)


@verb(
    audited="trust",
    locks=False,
    every_worker=False,
    help={
        "yes": "Fingerprints that you have compared, SHA256:..., separated by commas: accepts "
        "those keys without asking, for use without a terminal.",
    },
)
def trust(session: Session, *, yes: str = "") -> None:
    """Show the host keys of servers and their gateways, and accept them once you compared them.

    They go into the first of `ssh: known_hosts` in hosts.yaml, or into your own known_hosts. A
    key that has changed is never overwritten: the line to remove is named.
    """
    from carbon.text import words_of
    from tasks.hostkeys import trust_hosts

    trust_hosts(session.screen, session.connector, session.hosts, fingerprints=words_of(yes))


@verb(
    every_host=True,
    help={
        "login": "The account that enters, where hosts.yaml names none.",
        "helper": "For a load balancer with `rotation_helper`: print what root runs there once.",
    },
)
def sudoers(session: Session, *, login: str = "", helper: bool = False) -> None:
    """Print the sudoers file that each server needs: exact commands, nothing else."""
    if helper:
        _print_root_script(session, login=login or None)
        return
    from remote.host.sudo import by_fragment

    needed = by_fragment(session.cluster, session.hosts, login=login or None)
    for position, (fragment, names) in enumerate(needed.items()):
        if position:
            session.screen.line()
        session.screen.line(f"# {', '.join(names)}: /etc/sudoers.d/provision, mode 440")
        for warning in fragment.warnings:
            session.screen.quote(f"# {warning}")
        session.screen.quote(fragment.text.rstrip())


def _print_root_script(session: Session, *, login: str | None) -> None:
    from carbon.errors import UsageError
    from remote.balancer.root_script import root_script

    balancer = session.cluster.load_balancer
    if balancer is None or not balancer.rotation_helper:
        raise UsageError(
            "hosts.yaml has no load balancer with `rotation_helper: true`",
            action="write it under `load_balancer:`; docs/security.md says what it is for",
        )
    session.screen.quote(root_script(session.cluster, balancer, login=login))
