"""A remedy that names a key names one that hosts.yaml has; a command, one that the tool has."""

from __future__ import annotations

import re

import pytest

import fabfile
from carbon.checks.finding import Kind
from carbon.checks.registry import kinds
from carbon.inventory.keys import HOSTS_YAML

KEYS = {key.name for _, key, _ in HOSTS_YAML.below()}
VERBS = set(fabfile.ns.task_names)


@pytest.mark.parametrize("kind", kinds(), ids=lambda kind: kind.code)
def test_what_a_remedy_names_exists(kind: Kind) -> None:
    for quoted in re.findall(r"`([^`]+)`", kind.remedy):
        if words := re.match(r"fab (?:-H \S+ )?(\S+)", quoted):
            assert words[1] in VERBS
        elif key := re.match(r"([A-Za-z_]+):", quoted):
            assert key[1] in KEYS
        elif re.fullmatch(r"[A-Za-z]+(_[a-z]+)*", quoted):
            assert quoted in KEYS


@pytest.mark.parametrize("kind", kinds(), ids=lambda kind: kind.code)
def test_a_remedy_never_sends_a_reader_away_without_a_page(kind: Kind) -> None:
    assert "README" not in kind.remedy
