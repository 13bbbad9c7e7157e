"""What sudo has to allow on the servers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tasks.verb import verb

if TYPE_CHECKING:
    from tasks.session import Session


@verb(every_host=True, help={"login": "The account that enters, where hosts.yaml names none."})
def sudoers(session: Session, *, login: str = "") -> None:
    """Print the sudoers file that each server needs: exact commands, nothing else."""
    from remote.host.sudo import by_fragment

    needed = by_fragment(session.cluster, session.hosts, login=login or None)
    for position, (fragment, names) in enumerate(needed.items()):
        if position:
            session.screen.line()
        session.screen.line(f"# {', '.join(names)}: /etc/sudoers.d/provision, mode 440")
        session.screen.quote(fragment.text.rstrip())
