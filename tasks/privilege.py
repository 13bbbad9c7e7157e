"""What sudo has to allow on the servers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tasks.verb import verb

if TYPE_CHECKING:
    from tasks.session import Session


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
