"""No `!command` of hosts.yaml is run if the operator says so, in whichever way the file is read."""

from __future__ import annotations

from pathlib import Path

import pytest

from carbon.errors import InventoryError
from tasks.inventory import connection_kwargs, find_inventory, may_run_commands
from tasks.settings import Settings
from tests.unit.carbon.inventory.written import inventory, save


@pytest.fixture
def hosts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file whose `!command` leaves a trace."""
    text = inventory().replace("localMemberHost: 10.0.0.1\n", "", 1)
    text = text.replace("cluster:", f"cluster:\n  run_as: !command touch {tmp_path}/ran; echo w", 1)
    monkeypatch.setenv("PROVISION_HOSTS", str(save(tmp_path, text)))
    return tmp_path


def test_a_plain_fabric_task_runs_none_if_the_environment_says_so(
    hosts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROVISION_NO_COMMANDS", "1")
    with pytest.raises(InventoryError, match="--no-commands"):
        connection_kwargs(Settings(), ["worker1"])
    assert not (hosts / "ran").exists()


def test_fabric_yaml_the_environment_and_the_option_say_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("PROVISION_NO_COMMANDS", raising=False)
    assert may_run_commands(Settings())
    assert not may_run_commands(Settings(), no_commands=True)
    assert not may_run_commands(Settings(overrides={"no_commands": True}))
    monkeypatch.setenv("PROVISION_NO_COMMANDS", "1")
    assert not may_run_commands(Settings())


def test_an_empty_variable_names_no_inventory_and_hides_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As with other programs: CI often sets a variable that it has no value for."""
    settings = Settings(overrides={"inventory": "/etc/ours.yaml"})
    monkeypatch.setenv("PROVISION_HOSTS", "")
    assert find_inventory(settings, "") == Path("/etc/ours.yaml")
    monkeypatch.setenv("PROVISION_HOSTS", "/etc/other.yaml")
    assert find_inventory(settings, "") == Path("/etc/other.yaml")
