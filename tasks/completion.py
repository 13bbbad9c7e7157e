"""Shell completion, installed where the shell looks for it."""

from __future__ import annotations

import os
from pathlib import Path

from carbon.errors import ProvisionError, UsageError
from tasks.executor import VerbContext
from tasks.verb import local

AFTERWARDS = {
    "bash": "Open a new shell. It completes if the package bash-completion is installed.",
    "zsh": "Put `fpath=({folder} $fpath)` before `compinit` in ~/.zshrc, then open a new shell.",
    "fish": "Open a new shell.",
}


@local(help={"shell": "bash, zsh or fish; without it, the shell of $SHELL."})
def completion(_: VerbContext, shell: str = "") -> None:
    """Install completion of verbs, options and names of hosts.yaml for your shell."""
    from carbon_provision.complete import SHELLS, script

    name = shell or Path(os.environ.get("SHELL", "")).name
    if name not in SHELLS:
        seen = f"there is a completion for {', '.join(SHELLS)}, not for {name!r}"
        raise UsageError(seen, action="name one with --shell")
    path = place(name)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(script(name))
    except OSError as error:
        raise ProvisionError(
            f"{path} cannot be written: {error.strerror}",
            code="write-failed",
            action="let your login write there, or set XDG_DATA_HOME or XDG_CONFIG_HOME",
        ) from None
    print(f"{path} is written")
    print(AFTERWARDS[name].format(folder=path.parent))


def place(shell: str) -> Path:
    """Return the file from which a shell loads the completion of `carbon-provision`."""
    home = Path.home()
    data = Path(os.environ.get("XDG_DATA_HOME") or home / ".local/share")
    config = Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config")
    return {
        "bash": data / "bash-completion/completions/carbon-provision",
        "zsh": data / "zsh/site-functions/_carbon-provision",
        "fish": config / "fish/completions/carbon-provision.fish",
    }[shell]
