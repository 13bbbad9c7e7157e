"""How `fab -H worker1,worker2 VERB` becomes one call that knows all its hosts.

Fabric calls a task once for each host, strictly one after another, and a task never learns of
the others. Verbs need the whole list: they look at all servers at once and
roll over them in order. So a verb is called once, with a context that carries the names.
Named by `tasks.executor_class` in fabric.yaml.
"""

from __future__ import annotations

from typing import Any

import fabric
from invoke import Argument, Call, Context, ParseError, Task

from carbon.errors import ProvisionError
from tasks.wording import as_exit


class VerbTask(Task[Any]):
    """A task that is called once, for all hosts."""

    def get_arguments(self, *args: Any, **kwargs: Any) -> list[Argument]:
        """Return its options, whose bad numbers are named in a sentence.

        Invoke takes the texts out of `help` as it reads them; a second reader wants them, too.
        """
        texts = dict(self.help)
        options: list[Argument] = [
            Option.like(argument) for argument in super().get_arguments(*args, **kwargs)
        ]
        self.help = texts
        return options


class Option(Argument):
    """An option that is not given a number where it wants one has no traceback, as Invoke's has."""

    @classmethod
    def like(cls, argument: Argument) -> Option:
        option = cls.__new__(cls)
        option.__dict__.update(argument.__dict__)
        if option.kind is list:
            option.raw_value = None  # or -i without a value would be no mistake
        return option

    def set_value(self, value: Any, cast: bool = True) -> None:
        try:
            super().set_value(value, cast=cast)
        except ValueError:
            name = max(self.names, key=len)
            raise ParseError(f"--{name} {value!r} is not a whole number") from None


class VerbContext(Context):
    """The context of a verb: Invoke's, plus the names given with -H, unresolved."""

    def __init__(self, config: fabric.Config, names: tuple[str, ...] | None) -> None:
        super().__init__(config=config)
        self._set(names=names)


class VerbCall(Call):
    """A call of a verb; `names` is None if there was no -H."""

    names: tuple[str, ...] | None = None

    def make_context(self, config: fabric.Config, **_: Any) -> VerbContext:
        return VerbContext(config, self.names)


class FleetExecutor(fabric.Executor):
    """Fabric's executor, for verbs and for anybody's own tasks with names from hosts.yaml."""

    def expand_calls(self, calls: Any, apply_hosts: bool = True) -> list[Call]:
        given = self.core[0].args.hosts.value if apply_hosts else None
        names = None if given is None else tuple(given.split(","))
        expanded: list[Call] = []
        for call in calls:
            prepared = Call(task=call) if isinstance(call, Task) else call
            if isinstance(prepared.task, VerbTask):
                verb = VerbCall(prepared.task, called_as=prepared.called_as, kwargs=prepared.kwargs)
                verb.names = names
                expanded.append(verb)
            else:
                expanded.extend(super().expand_calls([prepared], apply_hosts=apply_hosts))
        return expanded

    def normalize_hosts(self, hosts: Any) -> list[dict[str, Any]]:
        """Look names up in hosts.yaml, for tasks that are not verbs; keys are verified, too."""
        if not hosts:
            return []
        from tasks.inventory import connection_kwargs

        try:
            return connection_kwargs(self.config, [str(name) for name in hosts])
        except ProvisionError as error:
            raise as_exit(error) from error
