"""What hosts.yaml brings to a node, read on the operator's machine: rules of places and files."""

from __future__ import annotations

import hashlib
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from carbon import secret
from carbon.artifacts.local import check_artifacts, targets, wanted
from carbon.cluster import Artifact, DeploymentSynchronizer, Driver, FileEdit, Node
from carbon.errors import InventoryError
from tests.unit.carbon.nodes import make_node

DROPIN = PurePosixPath("repository/components/dropins/x.jar")
WEBAPPS = PurePosixPath("repository/deployment/server/webapps")


def entry(to: PurePosixPath | str, source: Path | None = None, **own: Any) -> Artifact:
    return Artifact(to=PurePosixPath(to), source=source, line=7, **own)


def node_with(*artifacts: Artifact, **own: Any) -> Node:
    return make_node(artifacts=artifacts, **own)


def refused(*artifacts: Artifact, **own: Any) -> InventoryError:
    with pytest.raises(InventoryError) as caught:
        check_artifacts(node_with(*artifacts, **own))
    assert caught.value.line == 7
    assert caught.value.file == "hosts.yaml"
    return caught.value


@pytest.fixture
def jar(tmp_path: Path) -> Path:
    path = tmp_path / "x.jar"
    path.write_bytes(b"PK\0jar")
    return path


def test_a_file_goes_to_its_place_or_keeps_its_name_in_a_folder(jar: Path) -> None:
    node = node_with(entry(DROPIN, jar), entry("repository/components/lib", jar, into=True))
    assert [str(target.path) for target in targets(node)] == [
        "repository/components/dropins/x.jar",
        "repository/components/lib/x.jar",
    ]


def test_a_folder_goes_with_all_its_files_but_those_that_begin_with_a_dot(tmp_path: Path) -> None:
    for name in ("apps/a.war", "apps/b/c.txt", "apps/.DS_Store", "apps/.git/config"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    node = node_with(entry(WEBAPPS, tmp_path / "apps"))
    assert [target.path for target in targets(node)] == [WEBAPPS / "a.war", WEBAPPS / "b/c.txt"]


def test_its_hash_is_that_of_the_file(jar: Path) -> None:
    node = node_with(entry(DROPIN, jar))
    (target,) = targets(node)
    assert wanted(target, node).sha256 == hashlib.sha256(jar.read_bytes()).hexdigest()
    jar.write_bytes(b"another content")
    (target,) = targets(node)
    assert wanted(target, node).sha256 == hashlib.sha256(b"another content").hexdigest()


@pytest.mark.parametrize(
    ("path", "restart", "restarts"),
    [
        (DROPIN, None, True),
        (WEBAPPS / "x.war", None, False),
        (PurePosixPath("repository/conf/log4j.properties"), None, True),
        (PurePosixPath("repository/conf/log4j.properties"), False, False),
        (WEBAPPS / "x.war", True, True),
    ],
)
def test_the_place_tells_whether_a_change_wants_a_restart(
    jar: Path, path: PurePosixPath, restart: bool | None, restarts: bool
) -> None:
    (target,) = targets(node_with(entry(path, jar, restart=restart)))
    assert target.restarts is restarts


@pytest.mark.parametrize(
    ("own", "executable", "present", "mode"),
    [
        ({}, False, None, 0o644),
        ({}, True, None, 0o755),
        ({}, False, 0o700, 0o700),
        ({}, True, 0o640, 0o640),
        ({"mode": 0o600}, True, 0o755, 0o600),
        ({"secret": True}, False, None, 0o640),
        ({"secret": True}, False, 0o644, 0o640),
        ({"secret": True}, False, 0o600, 0o600),
        ({"template": True, "values": {"pw": secret.literal("x")}}, False, 0o664, 0o640),
    ],
)
def test_the_file_on_the_server_keeps_its_mode_and_a_secret_is_640_at_most(
    jar: Path, own: dict[str, Any], executable: bool, present: int | None, mode: int
) -> None:
    jar.chmod(0o755 if executable else 0o644)
    (target,) = targets(node_with(entry(DROPIN, jar, **own)))
    assert target.mode(present) == mode


@pytest.mark.parametrize(
    "path",
    [
        "repository/conf/carbon.xml",
        "repository/conf/axis2/axis2.xml",
        "repository/conf/registry.xml",
        "repository/components/lib/driver-1.9.jar",
        ".provision/journal",
        "password-tmp",
        "wso2carbon.pid",
        "repository/logs/x",
        "repository/database/x.db",
        "tmp/x",
    ],
)
def test_what_the_tool_or_the_server_writes_is_no_artifact(jar: Path, path: str) -> None:
    own = {
        "driver": Driver(jar=Path("driver-2.0.jar"), driver_class="a.B"),
        "files": (FileEdit(file=PurePosixPath("registry.xml"), xpath="/a", value="b"),),
    }
    assert "is not a place for it" in refused(entry(path, jar), **own).seen


def test_what_the_synchronizer_fills_is_no_place_for_artifacts(jar: Path) -> None:
    synchronizer = DeploymentSynchronizer(
        enabled=True, svn_url="http://svn/", svn_user="u", svn_password=secret.literal("p")
    )
    war = entry(WEBAPPS / "x.war", jar)
    assert "Subversion" in refused(war, deployment_synchronizer=synchronizer).seen


def test_one_file_has_one_source(jar: Path) -> None:
    assert "two artifacts" in refused(entry(DROPIN, jar), entry(DROPIN)).seen


def test_no_file_lies_below_another_one(jar: Path) -> None:
    assert "lies below" in refused(entry("lib/a", jar), entry("lib/a/b", jar)).seen


def test_a_missing_local_file_is_refused(tmp_path: Path) -> None:
    assert "No such file" in refused(entry(DROPIN, tmp_path / "gone.jar")).seen


def test_an_empty_folder_and_a_device_are_refused(tmp_path: Path) -> None:
    assert "holds no file" in refused(entry(WEBAPPS, tmp_path)).seen
    assert "is not a file" in refused(entry(DROPIN, Path("/dev/null"))).seen


def test_a_link_to_a_folder_inside_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "apps").mkdir()
    (tmp_path / "apps/link").symlink_to(tmp_path)
    assert "is not a file" in refused(entry(WEBAPPS, tmp_path / "apps")).seen


def test_a_name_that_cannot_travel_is_refused(tmp_path: Path, jar: Path) -> None:
    assert "cannot travel" in refused(entry("lib/" + "n" * 200, jar)).seen
    (tmp_path / "apps").mkdir()
    (tmp_path / "apps/a\nb").write_text("x")
    assert "cannot travel" in refused(entry(WEBAPPS, tmp_path / "apps")).seen


def test_a_check_fetches_no_secret(tmp_path: Path) -> None:
    template = tmp_path / "a.in"
    template.write_text("p=${pw}")
    missing = secret.Secret("env", "NOBODY_SETS_THIS")
    check_artifacts(node_with(entry("a", template, template=True, values={"pw": missing})))
