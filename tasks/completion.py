"""Shell completion, installed where the shell looks for it."""

from __future__ import annotations

import os
from pathlib import Path

from invoke import Context, Exit, task

from carbon import exits
from carbon.errors import UsageError
from tasks.failure import as_exit

AFTERWARDS = {
    "bash": "Open a new shell. It completes if the package bash-completion is installed.",
    "zsh": "Put `fpath=({folder} $fpath)` before `compinit` in ~/.zshrc, then open a new shell.",
    "fish": "Open a new shell.",
}


@task(help={"shell": "bash, zsh or fish; without it, the shell of $SHELL."})
def completion(_: Context, shell: str = "") -> None:
    """Install completion of verbs, options and names of hosts.yaml for your shell."""
    from carbon_provision.complete import script

    name = shell or Path(os.environ.get("SHELL", "")).name
    try:
        text = script(name)
    except ValueError as error:
        raise as_exit(UsageError(str(error), action="name one with --shell")) from None
    path = place(name)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    except OSError as error:
        raise Exit(message=f"error: {path}: {error.strerror}", code=exits.ERROR) from error
    print(f"wrote {path}")
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
