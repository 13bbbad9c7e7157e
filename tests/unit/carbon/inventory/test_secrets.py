"""Secrets never stand in hosts.yaml and are read only when used; other tags at once."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from carbon.errors import InventoryError
from carbon.inventory import load
from carbon.secret import Secret, reveal
from tests.unit.carbon.inventory.written import inventory, line_of, loaded, refused, save, worker

DATASOURCE = "datasources:\n  A: {url: jdbc:a, driverClassName: a.B, password: %s}"


@pytest.mark.parametrize(
    "value",
    [
        "keystore_password: hunter2",
        "keystore_password: 'hunter2'",
        "keystore_password: 42hunter2",
        "datasources: {A: {url: a, driverClassName: a.B, password: hunter2}}",
        "datasources: {A: {url: a, driverClassName: a.B, properties: {myPassword: hunter2}}}",
        "DeploymentSynchronizer: {Enabled: true, SvnUrl: a, SvnUser: b, SvnPassword: hunter2}",
    ],
)
def test_plain_text_secret_is_refused_and_not_shown(tmp_path: Path, value: str) -> None:
    error = refused(tmp_path, inventory(worker1=f"{value} # here"))
    assert "stands here in plain text" in error.seen
    assert "!command 'pass show ...'" in error.action
    assert "hunter2" not in str(error)


def test_wrong_url_is_refused_without_showing_it(tmp_path: Path) -> None:
    text = inventory(
        worker1="datasources: {A: {driverClassName: a.B, url: 'jdbc:x?password=hunter2'}} # here"
    )
    assert "hunter2" not in str(refused(tmp_path, text))


def test_secret_is_not_read_while_loading(tmp_path: Path) -> None:
    for source in ("!env NOT_SET_ANYWHERE", "!file nowhere", "!command touch marker"):
        cluster = loaded(tmp_path, inventory(worker1=DATASOURCE % source))
        assert isinstance(worker(cluster).datasources[0].password, Secret)
    assert not (tmp_path / "marker").exists()


def test_secret_of_all_nodes_is_read_once(tmp_path: Path) -> None:
    cluster = loaded(tmp_path, inventory(cluster="keystore_password: !command echo x | tee -a log"))
    for node in cluster.nodes:
        assert node.keystore_password is not None
        assert node.keystore_password.reveal() == "x"
    assert (tmp_path / "log").read_text() == "x\n"


def test_secret_that_is_missing_names_file_and_line(tmp_path: Path) -> None:
    text = inventory(worker1="keystore_password: !env NOT_SET_ANYWHERE # here")
    secret = worker(loaded(tmp_path, text)).keystore_password
    assert secret is not None
    with pytest.raises(InventoryError) as caught:
        secret.reveal()
    assert (caught.value.file, caught.value.line) == (
        str(tmp_path / "hosts.yaml"),
        line_of("# here", text),
    )


def test_property_may_be_secret(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("s3cret\n")
    text = inventory(
        worker1="datasources: {A: {url: a, driverClassName: a.B, properties: {token: !file key}}}"
    )
    token = worker(loaded(tmp_path, text)).datasources[0].properties["token"]
    assert isinstance(token, Secret)
    assert reveal(token) == "s3cret"


def test_value_of_an_edit_may_be_secret(tmp_path: Path) -> None:
    text = inventory(worker1="files: [{file: a.xml, xpath: /a, value: !env GROUP_PASSWORD}]")
    assert isinstance(worker(loaded(tmp_path, text)).files[0].value, Secret)


def test_tag_on_any_other_value_is_read_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "address").write_text("10.0.0.77\n")
    (tmp_path / "port").write_text("2201\r\n")
    monkeypatch.setenv("LOGIN", "anna")
    text = inventory(
        worker1="""
            localMemberHost: !file address
            ssh: {port: !file port, user: !env LOGIN, legacy_ssh: !command echo true}
        """
    )
    node = worker(loaded(tmp_path, text))
    assert node.local_member_host == "10.0.0.77"
    assert (node.ssh.port, node.ssh.user, node.ssh.legacy_ssh) == (2201, "anna", True)


def test_unfit_value_behind_a_tag_is_refused_without_showing_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PORT", "hunter2")
    error = refused(tmp_path, inventory(worker1="localMemberPort: !env PORT # here"))
    assert error.seen == (
        "workers.worker1.localMemberPort (what !env 'PORT' gives) "
        "is not a whole number from 1 to 65535"
    )


def test_missing_file_of_the_lab_says_to_start_the_lab(tmp_path: Path) -> None:
    text = inventory(worker1="localMemberHost: !file lab/run/demo/worker1.address # here")
    assert refused(tmp_path, text).action == "start the lab: fab lab.up"


def test_other_missing_file_does_not_blame_the_lab(tmp_path: Path) -> None:
    error = refused(tmp_path, inventory(worker1="localMemberHost: !file address # here"))
    assert "lab" not in error.action


@pytest.mark.parametrize(
    "value",
    [
        "!env",
        "!file ''",
        "!file ~nobody-at-all/x",
        "!env A-B",
        "!env 'A B'",
        '!file "a\\0b"',
        '!command "a\\nb"',
    ],
)
def test_tag_that_can_name_nothing_is_refused(tmp_path: Path, value: str) -> None:
    refused(tmp_path, inventory(worker1=f"keystore_password: {value} # here"))


@pytest.mark.parametrize("text", [b"\xff\xfe", b"", b"a\nb"])
def test_file_that_holds_no_such_value_is_refused(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "address").write_bytes(text)
    refused(tmp_path, inventory(worker1="localMemberHost: !file address # here"))


def test_command_that_fails_is_refused(tmp_path: Path) -> None:
    error = refused(tmp_path, inventory(worker1="localMemberHost: !command exit 3 # here"))
    assert "ended with 3" in error.seen


def test_no_secret_is_printed_with_the_cluster(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DB_PASSWORD", "hunter2")
    cluster = load(save(tmp_path, inventory(cluster=DATASOURCE % "!env DB_PASSWORD")))
    password = worker(cluster).datasources[0].password
    assert password is not None
    assert password.reveal() == "hunter2"
    assert "hunter2" not in f"{cluster!r} {password} {password!r}"


@pytest.mark.parametrize("kind", ["fifo", "device", "large"])
def test_a_secret_file_is_a_short_regular_file(tmp_path: Path, kind: str) -> None:
    """A FIFO that nobody writes hung every command, and /dev/zero filled the memory."""
    path = tmp_path / "secret"
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    else:
        path.write_bytes(b"x" * 100_000)
    with pytest.raises(InventoryError, match="cannot be read"):
        Secret("file", str(path)).reveal()


def test_what_a_secret_command_prints_has_a_length(tmp_path: Path) -> None:
    """`yes` fills no memory, on neither of its outputs."""
    for command in ("yes", "yes >&2"):
        with pytest.raises(InventoryError, match="printed more than 65536 bytes"):
            Secret("command", command, "hosts.yaml", 1, tmp_path).reveal()


def test_a_secret_command_has_a_limit_whatever_it_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process in the background that keeps the output open is not waited for."""
    monkeypatch.setattr("carbon.secret.COMMAND_SECONDS", 0.3)
    began = time.monotonic()
    for command in ("sleep 5 & echo x", "while :; do echo x; sleep 0.1; done"):
        with pytest.raises(InventoryError, match="gave nothing within"):
            Secret("command", command, "hosts.yaml", 1, tmp_path).reveal()
    assert time.monotonic() - began < 4
