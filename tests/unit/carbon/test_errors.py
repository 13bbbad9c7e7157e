"""The error tree: each class has a code that programs and tests may rely on."""

from __future__ import annotations

import re

import pytest

from carbon import errors
from carbon.errors import Failures, InventoryError, ProvisionError, UnfitError, refuse


def classes(kind: type[ProvisionError] = ProvisionError) -> list[type[ProvisionError]]:
    return [kind, *(sub for child in kind.__subclasses__() for sub in classes(child))]


def test_every_error_has_a_kebab_case_code_of_its_own() -> None:
    kinds = [kind for kind in classes() if kind.__module__ == errors.__name__]
    codes = [kind.code for kind in kinds]
    assert len(set(codes)) == len(codes)
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", code) for code in codes)


def test_an_error_may_have_a_more_particular_code() -> None:
    assert UnfitError("x").code == "unfit"
    assert UnfitError("x", code="port-taken").code == "port-taken"


def test_what_several_servers_suffer_from_alike_is_said_once() -> None:
    alike = [InventoryError("no secret", file="hosts.yaml", line=3) for _ in range(2)]
    with pytest.raises(InventoryError) as raised:
        refuse(alike)
    assert str(raised.value) == "hosts.yaml:3: no secret"
    with pytest.raises(Failures) as several:
        refuse([*alike, ProvisionError("else", host="worker1")])
    assert len(several.value.errors) == 2


def test_every_error_has_a_line_for_the_audit_log() -> None:
    assert ProvisionError("it failed\n  last of its log:\n    | x").headline == "it failed"
    assert ProvisionError("").headline == "failed"
