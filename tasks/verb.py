"""The decorator that makes a function a verb of the command line.

A verb opens the inventory, picks its hosts, does its work and ends: errors become one
paragraph, Ctrl-C ends at the next safe point, and every connection is closed on every path.
Imports of this module are light on purpose: it is loaded for `fab --list` and tab completion.
"""

from __future__ import annotations

import functools
import inspect
import os
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from invoke import Exit, task

from carbon import exits
from carbon.errors import ProvisionError, UsageError
from tasks import output
from tasks.executor import VerbContext, VerbTask
from tasks.wording import as_exit

if TYPE_CHECKING:
    from tasks.session import Connects, Session

COMMON_HELP = {
    "inventory": "Another hosts.yaml (or set PROVISION_HOSTS).",
    "no_commands": "Run no command of hosts.yaml (`!command`, hooks): what needs one is an error.",
}
ALL_HELP = {"all": "Every worker, if no -H names some."}
LOCK_HELP = {"break_lock": "Take over the lock of a run that you know is dead."}


def verb(
    *,
    help: Mapping[str, str] | None = None,
    every_worker: bool = True,
    every_host: bool = False,
    connects: Connects | None = None,
    audited: str = "",
    locks: bool = True,
    **options: Any,
) -> Callable[[Callable[..., int | None]], Any]:
    """Make `body(session, **options)` a task; what it returns is the exit status.

    Without -H the verb means every worker, unless `every_worker` is False: then it wants -H
    or --all, as verbs do that stop or remove something; or `every_host` is True: then it means
    the manager, the ELB and the load balancer, too. `connects` says whom it needs in any case:
    these connections are begun while the rest of the program is still being loaded. `audited` is
    its name in the operator's own log, empty for a verb that only reads; an audited one that
    `locks` its hosts has --break-lock.
    """
    lock_help = LOCK_HELP if audited and locks else {}
    shared = {**({} if every_worker else ALL_HELP), **lock_help, **COMMON_HELP}

    def decorate(body: Callable[..., int | None]) -> Any:
        @functools.wraps(body)
        def run(context: VerbContext, **given: Any) -> None:
            scope = {
                "inventory": given.pop("inventory"),
                "commands": not given.pop("no_commands", False),
                "every_worker": every_worker or given.pop("all", False),
                "every_host": every_host,
                "break_lock": given.pop("break_lock", False),
            }

            def work(session: Session) -> int | None:
                session.connect(context.config, connects)
                return body(session, **given)

            _end(lambda: _in_session(context, scope, work, audited=audited))

        setattr(run, "__signature__", _signature(body, shared))  # noqa: B010 - mypy knows no such
        texts = {**shared, **(help or {})}
        return task(run, klass=VerbTask, help=texts, auto_shortflags=False, **options)

    return decorate


def _in_session(
    context: VerbContext,
    scope: Mapping[str, Any],
    work: Callable[[Session], int | None],
    *,
    audited: str,
) -> int | None:
    if context.config.run.dry:  # Fabric's --dry still connects and still copies files
        raise UsageError("--dry is not safe for remote work", action="use `fab plan`")
    from tasks.permissions import open_files
    from tasks.session import Session

    with Session(context, **scope) as session:
        for text in open_files(session.cluster):
            from tasks.console import stderr

            stderr().print(f"note: {text}")
        if not audited:
            return work(session)
        from tasks.runlog import logged

        return logged(session, context.config, audited, functools.partial(work, session))


def local(
    *, help: Mapping[str, str] | None = None, **options: Any
) -> Callable[[Callable[..., int | None]], Any]:
    """Make `body(context, **options)` a task that needs no inventory; it returns the exit status.

    It is called once, whatever -H names.
    """

    def decorate(body: Callable[..., int | None]) -> Any:
        @functools.wraps(body)
        def run(context: VerbContext, **given: Any) -> None:
            _end(lambda: body(context, **given))

        return task(run, klass=VerbTask, help=help or {}, auto_shortflags=False, **options)

    return decorate


def _signature(body: Callable[..., Any], shared: Iterable[str]) -> inspect.Signature:
    """Give a verb the options that it shares with others, behind its own."""
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    own = inspect.signature(body).parameters.values()
    more = (
        inspect.Parameter(name, kind, default="" if name == "inventory" else False)
        for name in shared
    )
    return inspect.Signature([*(parameter.replace(kind=kind) for parameter in own), *more])


def _end(work: Callable[[], int | None]) -> None:
    try:
        status = work() or 0
    except ProvisionError as error:
        raise as_exit(error) from error
    except KeyboardInterrupt:
        raise Exit(message="interrupted", code=exits.INTERRUPTED) from None
    except (Exit, SystemExit):
        raise
    except BrokenPipeError:  # of the output: those of connections are errors of ours by now
        output.discard()
        raise Exit(code=exits.OUTPUT_CLOSED) from None
    except Exception as error:
        if os.environ.get("PROVISION_DEBUG"):
            raise
        raise as_exit(output.problem(error) or _defect(error)) from error
    if status:
        raise Exit(code=status)


def _defect(error: Exception) -> ProvisionError:
    return ProvisionError(
        f"a defect of this tool: {type(error).__name__}",
        code="defect",
        action="run it again with PROVISION_DEBUG=1 and report the traceback; mind that a"
        " traceback can show values of hosts.yaml",
    )
