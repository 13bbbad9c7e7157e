"""The command line as a whole: what stands around the verbs.

`carbon-provision` is this program. `fab` is Fabric's own, which has no setting for any of this; so
fabfile.py gives the running program this class, and both answer alike.
"""

from __future__ import annotations

import inspect
import os
import re
from typing import NoReturn

import fabric.main
from invoke import Argument, Collection, Exit, ParseError, ParserContext
from invoke.parser.context import to_flag

from carbon import exits
from carbon.errors import ProvisionError, UsageError
from carbon.text import shown
from tasks.debug import mask_passwords
from tasks.executor import FleetExecutor, Option
from tasks.settings import Settings
from tasks.usage import CommandLine, check_settings, refuse_repeated, unreadable_settings
from tasks.wording import NAME, as_exit

SHOWN = {
    "--hosts",
    "--identity",
    "--ssh-config",
    "--connect-timeout",
    "--prompt-for-login-password",
    "--prompt-for-passphrase",
    "--prompt-for-sudo-password",
    "--config",
    "--help",
    "--list",
    "--version",
}
"""The options of Fabric that the verbs heed."""


class Program(fabric.main.Fab):
    """Fabric's program with verbs first in its help, and a sentence for each mistake."""

    def print_version(self) -> None:
        print(f"{self.name} {self.version}")

    def parse_core(self, argv: list[str] | None) -> None:
        try:
            super().parse_core(argv)
        except ParseError as error:
            self._refuse(error, self.argv[1:])

    def parse_tasks(self) -> None:
        words, parser = self.core.unparsed, self._make_parser()
        try:
            refuse_repeated(
                self.argv[1:],
                core=flags_of(self.initial_context),
                verbs={name: flags_of(context) for name, context in parser.contexts.items()},
                program=self.binary,
            )
            # Invoke's parser would want the command of `run --help` first.
            if words[1:2] in (["--help"], ["-h"]) and words[0] in parser.contexts:
                self.parser = parser
                self.print_task_help(words[0])
                raise Exit
            super().parse_tasks()
        except UsageError as error:
            raise as_exit(error) from None
        except ParseError as error:
            self._refuse(error, words)

    def parse_cleanup(self) -> None:
        root, form = self.args.list.value, self.args["list-format"].value
        try:
            if form not in ("flat", "nested", "json"):
                seen = f"{shown(form)} is not a format of a list"
                raise UsageError(seen, action="write flat, nested or json")
            if isinstance(root, str) and root not in self.collection.collections:
                action = f"`{self.binary} --list` has all verbs"
                raise UsageError(f"{shown(root)} is not a group of verbs", action=action)
            super().parse_cleanup()
        except UsageError as error:
            raise as_exit(error) from None
        except ParseError as error:
            self._refuse(error, [])

    def update_config(self) -> None:
        try:
            if path := self.args.config.value:
                check_settings(path)
            super().update_config()
        except ProvisionError as error:
            raise as_exit(error) from None
        except KeyboardInterrupt:
            raise Exit(message="interrupted", code=exits.INTERRUPTED) from None
        except EOFError:
            action = "run it at a terminal, or without --prompt-for-..."
            raise as_exit(UsageError("no password was typed", action=action)) from None
        except Exception as error:
            if os.environ.get("PROVISION_DEBUG"):
                raise
            raise as_exit(unreadable_settings(error)) from None

    def core_args(self) -> list[Argument]:
        return [Option.like(argument) for argument in super().core_args()]

    def no_tasks_given(self) -> None:
        if self._remainder_only:
            if self.namespace is None:
                return
            self._refuse(ParseError("no verb"), ["--", self.core.remainder])
        if self.args.hosts.value is not None:
            self._refuse(ParseError("no verb"), ["-H", self.args.hosts.value])
        self.print_help()
        raise Exit

    def print_help(self) -> None:
        print(f"Usage: {self.binary} [-H NAME,NAME] VERB [options]\n")
        if hasattr(self, "collection"):
            self.scoped_collection, self.list_root, self.list_depth = self.collection, None, 0
            self.print_columns(self._make_pairs(self.collection))
        print("Options:\n")
        self.print_columns(
            [pair for pair in self.initial_context.help_tuples() if is_shown(pair[0])]
        )
        self._print_statuses()
        print(f"The options of a verb: {self.binary} VERB --help")

    def print_task_help(self, name: str) -> None:
        options = self.parser.contexts[name].help_tuples()
        print(f"Usage: {self.binary} [-H HOSTS] {name}{' [options]' if options else ''}\n")
        for line in (inspect.getdoc(self.collection[name]) or "").splitlines():
            print(f"{self.leading_indent}{line}".rstrip())
        print()
        if options:  # Invoke cannot print no columns
            print("Options:\n")
            self.print_columns(options)
        self._print_statuses()

    def _print_statuses(self) -> None:
        print("Exit status:\n")
        self.print_columns([(str(status), text) for status, text in exits.MEANINGS.items()])

    def _refuse(self, error: ParseError, words: list[str]) -> NoReturn:
        collection: Collection | None = getattr(self, "collection", None)
        verbs = [] if collection is None else sorted(collection.task_names)
        line = CommandLine(words, self.binary, verbs, self.config)
        raise as_exit(line.explain(error)) from None


def flags_of(context: ParserContext) -> dict[str, Argument]:
    """Return the options of the program or of a verb by each of their flags."""
    return {
        to_flag(name): option
        for option in dict.fromkeys(context.args.values())
        for name in option.names
    }


def make_program() -> Program:
    """Return the program that the command `carbon-provision` runs."""
    import fabfile
    from carbon_provision import __version__

    return Program(
        name=NAME,
        binary=NAME,
        version=__version__,
        namespace=fabfile.ns,
        executor_class=FleetExecutor,
        config_class=Settings,
    )


def adopt() -> None:
    """Let the `fab` that is loading our fabfile answer as `carbon-provision` does."""
    mask_passwords()
    if type(fabric.main.program) is fabric.main.Fab:
        fabric.main.program.__class__ = Program
        if config := getattr(fabric.main.program, "config", None):
            config.__class__ = Settings  # the files of SSH are read after this


def is_shown(flag: str) -> bool:
    """Tell whether an option of Fabric's is worth a line of the help."""
    return not set(re.findall(r"--[a-z-]+", flag)).isdisjoint(SHOWN)
