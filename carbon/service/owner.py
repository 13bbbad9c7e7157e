"""What keeps a running server, by the processes above it: who would start it again."""

from __future__ import annotations

from carbon.home.facts import RunningServer

SUPERVISORS = frozenset(
    {"runsv", "supervisord", "s6-supervise", "supervise", "perpd", "circusd", "monit", "god"}
)
SESSIONS = frozenset(
    {"sshd", "login", "tmux", "tmux: server", "screen", "cron", "crond", "atd", "containerd-shim"}
)
"""Below one of these a server was started by hand, or once."""
WRAPPERS = frozenset({"su", "sudo", "runuser", "setpriv", "gosu", "start-stop-daemon"})
"""What became an account for one command, and starts nothing again."""
SHELLS = frozenset({"sh", "dash", "bash", "ash", "ksh", "zsh", "busybox"})


def supervisor(running: RunningServer) -> tuple[int, str] | None:
    """Return pid and name of the process that keeps a server; None if nobody does.

    The process right above a server is its start script, if it is a shell. A loop that starts the
    script again is known by nothing but that it is there.
    """
    above = list(running.parents)
    if above and above[0][1] in SHELLS:
        above = above[1:]
    if not above or above[-1][1] in WRAPPERS or any(name in SESSIONS for _, name in above):
        return None
    return next((each for each in above if each[1] in SUPERVISORS), above[-1])
