"""The hosts.yaml that ships: it describes the lab, and its comments stay true."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from shutil import copy

import pytest
import yaml

from carbon.errors import InventoryError
from carbon.inventory import load
from carbon.inventory.edits import check_edits
from tests.unit.carbon.inventory.written import save

SHIPPED = Path(__file__).parents[4] / "hosts.yaml"
ADDRESSES = ("manager", "worker1", "worker2", "worker3", "db", "lb")


@pytest.fixture
def beside_a_lab(tmp_path: Path) -> Path:
    """A folder with what a running lab writes down."""
    run = tmp_path / "lab" / "run" / "demo"
    run.mkdir(parents=True)
    for number, name in enumerate(ADDRESSES, 2):
        (run / f"{name}.address").write_text(f"172.18.0.{number}\n")
        (run / f"{name}.ssh_port").write_text(f"{2200 + number}\n")
    return tmp_path


def test_shipped_inventory_describes_the_lab(beside_a_lab: Path) -> None:
    cluster = load(Path(copy(SHIPPED, beside_a_lab)))
    check_edits(cluster)
    assert [(node.name, node.local_member_host, node.ssh.port) for node in cluster.nodes] == [
        ("manager", "172.18.0.2", 2202),
        ("worker1", "172.18.0.3", 2203),
        ("worker2", "172.18.0.4", 2204),
    ]
    assert [node.run_as for node in cluster.workers] == [None, "wso2"]
    assert cluster.load_balancer is not None
    assert cluster.load_balancer.ssh.port == 2207


def test_shipped_inventory_without_a_lab_says_how_to_start_it(tmp_path: Path) -> None:
    with pytest.raises(InventoryError) as caught:
        load(Path(copy(SHIPPED, tmp_path)))
    assert caught.value.action == "start the lab: fab lab.up"


def test_every_commented_key_works_when_it_is_uncommented(beside_a_lab: Path) -> None:
    cluster = load(save(beside_a_lab, uncommented(SHIPPED.read_text())))
    check_edits(cluster)
    assert cluster.elb is not None
    assert [node.name for node in cluster.workers] == ["worker1", "worker2", "worker3", "worker4"]
    assert cluster.workers[0].deployment_synchronizer is not None
    assert len(cluster.workers[0].files) == 4


def test_commands_that_edit_no_file_need_not_wait_for_lxml(beside_a_lab: Path) -> None:
    copy(SHIPPED, beside_a_lab)
    script = (
        "import sys; from pathlib import Path; from carbon.inventory import load; "
        "load(Path(sys.argv[1])); sys.exit('lxml' in sys.modules)"
    )
    file = str(beside_a_lab / "hosts.yaml")
    done = subprocess.run([sys.executable, "-c", script, file], cwd=SHIPPED.parent, check=False)
    assert done.returncode == 0


def uncommented(text: str) -> str:
    """Return the text with its commented keys brought to life; prose stays commented."""
    head, mark, body = text.partition("\ncluster:")
    key = re.compile(r"^( *)# (?=[A-Za-z0-9_]+:|  )", re.MULTILINE)
    return head + mark + key.sub(r"\1", body)


def keys_in(node: yaml.Node | None) -> Iterator[str]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield key.value
            yield from keys_in(value)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from keys_in(item)
