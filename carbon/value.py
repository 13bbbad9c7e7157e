"""Frozen, typed values: what all others are made of.

`msgspec` makes such a class in a sixtieth of the time that `dataclasses` takes, which every command
would pay for some ninety of them before it has done anything.
"""

from __future__ import annotations

from typing import Any, dataclass_transform

from msgspec import NODEFAULT, Struct, field
from msgspec import to_builtins as as_builtins
from msgspec.structs import fields, replace

__all__ = ["Value", "as_builtins", "defaults", "field", "replace"]


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
class Value(Struct, frozen=True):
    """The base of a value: its annotations are its fields."""


def defaults(kind: type[Value]) -> dict[str, Any]:
    """Return the defaults of a value's fields, for those that have one."""
    return {each.name: each.default for each in fields(kind) if each.default is not NODEFAULT}
