"""The command `carbon-provision`, from a wheel or from a checkout.

The project imports its folders as `carbon`, `remote` and `tasks`. In a checkout they stand beside
this package, in a wheel inside it. Only this program puts their place on the import path, so an
installation adds no such names for anybody else.
"""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line, or answer a shell that completes one."""
    from pathlib import Path  # within, as all that takes time to load: see `run`

    package = Path(__file__).resolve().parent
    inside = (package / "fabfile.py").is_file()
    sys.path.insert(0, str(package if inside else package.parent))
    if sys.argv[1:2] == ["--complete"]:
        from carbon_provision.complete import answer

        answer(sys.argv[2:])
        return
    if sys.argv[1:2] == ["--print-completion-script"]:
        from carbon_provision.complete import SHELLS, script

        if len(sys.argv) == 3 and sys.argv[2] in SHELLS:
            print(script(sys.argv[2]), end="")
            return
    from tasks.program import make_program

    sys.argv[0] = "carbon-provision"  # not this file, as a checkout's launcher runs it
    make_program().run()


def run() -> None:
    """Run it; Ctrl-C while it is still being loaded ends in a word, too."""
    try:
        main()
    except KeyboardInterrupt:
        from carbon import exits

        print("interrupted", file=sys.stderr)
        sys.exit(exits.INTERRUPTED)


if __name__ == "__main__":
    run()
