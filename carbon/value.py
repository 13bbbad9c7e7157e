"""Frozen, typed values: what all others are made of.

`msgspec` makes such a class in a sixtieth of the time that `dataclasses` takes, which every command
would pay for some ninety of them before it has done anything.
"""

from __future__ import annotations

from typing import dataclass_transform

from msgspec import Struct, field
from msgspec import to_builtins as as_builtins
from msgspec.structs import replace

__all__ = ["Value", "as_builtins", "field", "replace"]


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
class Value(Struct, frozen=True):
    """The base of a value: its annotations are its fields."""
