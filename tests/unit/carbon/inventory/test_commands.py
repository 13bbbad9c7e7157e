"""Commands of the operator in hosts.yaml: hooks, and a load balancer that is not nginx."""

from __future__ import annotations

from pathlib import Path

import pytest

from carbon.cluster import BalancerCommands, LocalCommand
from carbon.inventory import load
from tests.unit.carbon.inventory.written import HERE, inventory, loaded, refused, save


def test_a_hook_is_a_text_or_a_mapping_with_its_limit(tmp_path: Path) -> None:
    cluster = loaded(
        tmp_path,
        inventory(
            cluster="""
        hooks:
          before_rollout: ./silence "$PROVISION_NODES"
          after_join: {run: ./smoke, within: 30s}
          on_failure: |
            ./page one
            ./page two
        """
        ),
    )
    assert cluster.hooks.before_rollout == LocalCommand(text='./silence "$PROVISION_NODES"')
    worker = cluster.workers[0]
    assert worker.hooks.after_join == LocalCommand(text="./smoke", within_seconds=30)
    assert worker.hooks.on_failure == LocalCommand(text="./page one\n./page two")


def test_a_node_has_hooks_of_its_own_or_none(tmp_path: Path) -> None:
    cluster = loaded(
        tmp_path,
        inventory(
            cluster="hooks: {before_stop: shared, after_join: shared}",
            worker2="hooks: {before_stop: own, after_join: null}",
        ),
    )
    first, second = cluster.workers
    assert list(first.hooks.by_point) == ["before_stop", "after_join"]
    assert second.hooks.by_point == {"before_stop": LocalCommand(text="own")}


@pytest.mark.parametrize("point", ["before_rollout", "after_rollout"])
def test_a_hook_of_the_rollout_belongs_to_no_node(tmp_path: Path, point: str) -> None:
    error = refused(tmp_path, inventory(worker2=f"hooks: {{{point}: x}}  {HERE}"))
    assert "is a hook of the rollout as a whole" in error.seen
    assert "cluster: hooks:" in error.action


@pytest.mark.parametrize(
    ("hooks", "seen"),
    [
        ("{after_stop: x}", "is an unknown key"),
        ("{before_stop: ''}", "is empty"),
        (r'{before_stop: "a\eb"}', "control character"),
        ("{before_stop: {within: 5}}", "has no run"),
        ("{before_stop: {run: x, within: soon}}", "number of seconds"),
        ("{before_stop: {run: x, within: 0}}", "number of seconds"),
    ],
)
def test_what_is_no_command_is_refused(tmp_path: Path, hooks: str, seen: str) -> None:
    assert seen in refused(tmp_path, inventory(cluster=f"hooks: {hooks}  {HERE}")).seen


def test_no_commands_marks_them_and_still_reads_the_file(tmp_path: Path) -> None:
    """Verbs that run none need not refuse."""
    path = save(tmp_path, inventory(cluster="hooks: {before_stop: x}"))
    hook = load(path, commands=False).workers[0].hooks.before_stop
    assert hook is not None
    assert not hook.allowed


def with_balancer(text: str) -> str:
    return f"{inventory()}\nload_balancer: {text}  {HERE}\n"


def test_a_load_balancer_is_nginx_or_commands(tmp_path: Path) -> None:
    cluster = loaded(tmp_path, with_balancer("{take_out: out, put_back: {run: in, within: 5}}"))
    assert cluster.load_balancer is None
    assert cluster.balancer_commands == BalancerCommands(
        take_out=LocalCommand(text="out"), put_back=LocalCommand(text="in", within_seconds=5)
    )


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("{take_out: out}", "has no put_back"),
        ("{state: s}", "has no take_out"),
        ("{take_out: out, put_back: in, conf_dir: /etc/nginx}", "it is either nginx or has"),
        ("{take_out: out, put_back: in, ssh: {host: lb}}", "it is either nginx or has"),
    ],
)
def test_half_of_one_and_half_of_the_other_is_refused(tmp_path: Path, text: str, seen: str) -> None:
    assert seen in refused(tmp_path, with_balancer(text)).seen
