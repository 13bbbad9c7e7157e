"""A deploy puts files only where AS_HOME is the server's own, and never over anything else."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from carbon.artifacts.facts import parse_artifacts
from carbon.artifacts.plan import plan_artifacts
from carbon.checks.case import Case
from carbon.checks.files import places
from carbon.cluster import Artifact
from carbon.home.facts import ArtifactFacts, ArtifactsFacts
from carbon.plan.model import Plan
from tests.unit.carbon.looks import make_facts
from tests.unit.carbon.nodes import make_cluster, make_node

WAR = PurePosixPath("repository/deployment/server/webapps/x.war")
SERVER = WAR.parent.parent


def codes(folder: Path, artifacts: ArtifactsFacts, **own: Any) -> list[tuple[str, bool]]:
    local = folder / "x.war"
    local.write_bytes(b"PK\0")
    node = make_node(artifacts=(Artifact(to=WAR, source=local),))
    facts = make_facts(artifacts=artifacts, **own)
    plan = Plan(node=node, facts=facts, artifacts=plan_artifacts(node, facts))
    case = Case(node=node, cluster=make_cluster(node), facts=facts, plan=plan)
    return [(finding.code, finding.blocks) for finding in places(case)]


@pytest.mark.parametrize(
    "artifacts",
    [
        ArtifactsFacts(links={SERVER: "/mnt/shared"}),
        ArtifactsFacts(mounts=frozenset({SERVER})),
        ArtifactsFacts(mounts=frozenset({PurePosixPath("repository")})),
        ArtifactsFacts(mounts=frozenset({WAR})),
    ],
)
def test_what_may_be_shared_is_not_touched(tmp_path: Path, artifacts: ArtifactsFacts) -> None:
    assert codes(tmp_path, artifacts) == [("artifact-shared", True)]


def test_a_mount_elsewhere_is_no_hindrance(tmp_path: Path) -> None:
    elsewhere = frozenset({PurePosixPath("repository/logs"), PurePosixPath("repository/deploy")})
    assert codes(tmp_path, ArtifactsFacts(mounts=elsewhere)) == []


@pytest.mark.parametrize(
    "own",
    [
        {"artifacts": ArtifactsFacts(in_the_way=frozenset({WAR}))},
        {"artifacts": ArtifactsFacts(), "symlinks": frozenset({str(WAR)})},
        {"artifacts": ArtifactsFacts(), "unreadable": frozenset({str(WAR)})},
    ],
)
def test_what_is_no_readable_file_is_not_replaced(tmp_path: Path, own: dict[str, Any]) -> None:
    artifacts = own.pop("artifacts")
    assert codes(tmp_path, artifacts, **own) == [("artifact-in-the-way", True)]


def test_what_is_as_it_should_be_is_not_judged(tmp_path: Path) -> None:
    """Nothing is changed there, whoever shares it."""
    local = tmp_path / "x.war"
    local.write_bytes(b"PK\0")
    (change,) = plan_artifacts(make_node(artifacts=(Artifact(to=WAR, source=local),)), make_facts())
    assert change.new is not None
    there = ArtifactFacts(sha256=change.new.sha256, size=3, mode=0o644)
    artifacts = ArtifactsFacts(files={WAR: there}, links={SERVER: "/mnt/shared"})
    assert codes(tmp_path, artifacts) == []


def test_the_answer_of_a_server_is_read() -> None:
    lines = {
        "artifact_stat": ["640 7 a b/c.jks", "644 0 x"],
        "artifact_hash": [f"{'a' * 64}  a b/c.jks", f"{'b' * 64}  x"],
        "artifact_link": ["a b\t/mnt/with blank"],
        "artifact_folder": ["y"],
        "mounted": ["repository/with blank"],
    }
    facts = parse_artifacts(lambda word: lines.get(word, []))
    assert facts.files[PurePosixPath("a b/c.jks")] == ArtifactFacts(
        sha256="a" * 64, size=7, mode=0o640
    )
    assert facts.links == {PurePosixPath("a b"): "/mnt/with blank"}
    assert facts.in_the_way == {PurePosixPath("y")}
    assert facts.mounts == {PurePosixPath("repository/with blank")}
