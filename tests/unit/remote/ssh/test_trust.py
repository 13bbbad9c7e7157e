"""Host keys: what is accepted, what is refused, and how the file is replaced."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from carbon.errors import HostKeyError
from carbon.value import replace
from remote.ssh.hostkeys import Door, HostKey, KnownHosts, Verdict, host_name
from remote.ssh.trust import accept, confirmed, judge, refuse_changed

ED, RSA = "ssh-ed25519", "ssh-rsa"


def key(kind: str = ED, seed: str = "one") -> HostKey:
    return HostKey(kind, base64.b64encode(f"{kind} {seed}".encode()).decode())


def door(tmp_path: Path, *keys: HostKey, known: str = "", port: int = 22) -> Door:
    file = tmp_path / "known_hosts"
    if known:
        file.write_text(known)
    files = (tmp_path / "other", file)
    return Door(
        label="worker1",
        host="10.0.0.4",
        port=port,
        name=host_name("10.0.0.4", port),
        keys=keys,
        files=files,
        target=file,
    )


def line(one: HostKey, name: str = "10.0.0.4", marker: str = "") -> str:
    return f"{marker}{name} {one.type} {one.blob}\n"


def verdicts(at: Door) -> list[Verdict]:
    return [one.verdict for one in judge(at)]


def test_keys_are_judged_each_with_those_of_its_type(tmp_path: Path) -> None:
    """A server has one key of each type: another type on file says nothing against it."""
    known = line(key(RSA))
    assert verdicts(door(tmp_path, key(ED), key(RSA), known=known)) == [Verdict.NEW, Verdict.KNOWN]


def test_an_alias_stands_in_known_hosts_in_place_of_host_and_port(tmp_path: Path) -> None:
    name = host_name("10.0.0.4", 2222, alias="Cluster")
    at = replace(door(tmp_path, key(ED), port=2222), name=name)
    accept(at, at.keys)
    assert at.target.read_text() == line(key(ED), name="cluster")
    assert verdicts(at) == [Verdict.KNOWN]


def test_what_the_ssh_configuration_revokes_is_refused(tmp_path: Path) -> None:
    revoked = tmp_path / "revoked"
    revoked.write_text(f"{ED} {key(ED).blob}\n")
    at = replace(door(tmp_path, key(ED), known=line(key(ED))), revoked=(revoked,))
    assert verdicts(at) == [Verdict.REVOKED]


def test_another_key_of_the_same_type_has_changed(tmp_path: Path) -> None:
    at = door(tmp_path, key(ED, "two"), known="# comment\n" + line(key(ED)))
    judged = judge(at)
    assert [one.verdict for one in judged] == [Verdict.CHANGED]
    with pytest.raises(HostKeyError, match="its host key has changed") as caught:
        refuse_changed(at, judged)
    assert f"remove line 2 of {at.target}" in caught.value.action


def test_all_lines_to_remove_are_counted(tmp_path: Path) -> None:
    at = door(tmp_path, key(ED, "2"), key(RSA, "2"), known=line(key(RSA)) + line(key(ED)))
    with pytest.raises(HostKeyError) as caught:
        refuse_changed(at, judge(at))
    assert f"remove lines 1 and 2 of {at.target}" in caught.value.action


def test_a_revoked_key_is_refused_whatever_else_is_known(tmp_path: Path) -> None:
    known = line(key(ED)) + line(key(ED), name="*", marker="@revoked ")
    at = door(tmp_path, key(ED), known=known)
    with pytest.raises(HostKeyError, match="revokes"):
        refuse_changed(at, judge(at))


def test_a_server_that_shows_no_key_points_at_legacy_ssh(tmp_path: Path) -> None:
    with pytest.raises(HostKeyError) as caught:
        judge(door(tmp_path))
    assert "legacy_ssh" in caught.value.action


def test_only_keys_whose_fingerprint_was_compared_are_accepted(tmp_path: Path) -> None:
    judged = judge(door(tmp_path, key(ED), key(RSA)))
    assert confirmed(judged, [key(RSA).fingerprint]) == (key(RSA),)
    bare = key(RSA).fingerprint.removeprefix("SHA256:")
    assert confirmed(judged, [f" {bare} "]) == (key(RSA),)
    assert confirmed(judged, ["yes", "", "SHA256:", key(ED).fingerprint.lower()]) == ()


def test_a_known_key_is_not_accepted_again(tmp_path: Path) -> None:
    judged = judge(door(tmp_path, key(ED), known=line(key(ED))))
    assert confirmed(judged, [key(ED).fingerprint]) == ()


@pytest.mark.parametrize(("port", "name"), [(22, "10.0.0.4"), (2222, "[10.0.0.4]:2222")])
def test_an_accepted_key_is_known_from_then_on(tmp_path: Path, port: int, name: str) -> None:
    at = door(tmp_path, key(ED), port=port)
    accept(at, at.keys)
    assert at.target.read_text() == line(key(ED), name=name)
    assert KnownHosts.load(at.files).judge(at.name, key(ED)).verdict is Verdict.KNOWN


def test_what_stood_in_the_file_stays_byte_for_byte(tmp_path: Path) -> None:
    """Also where its last line has no end."""
    old = "# mine\r\n@cert-authority *.x ssh-rsa AAAA\nnonsense"
    at = door(tmp_path, key(ED), known=old)
    before = at.target.read_bytes()
    accept(at, at.keys)
    assert at.target.read_bytes() == before + b"\n" + line(key(ED)).encode()


@pytest.mark.parametrize("mode", [0o600, 0o644])
def test_the_mode_of_the_file_stays(tmp_path: Path, mode: int) -> None:
    at = door(tmp_path, key(ED), known="# mine\n")
    at.target.chmod(mode)
    accept(at, at.keys)
    assert at.target.stat().st_mode & 0o777 == mode


def test_a_new_file_and_its_directory_are_private(tmp_path: Path) -> None:
    at = door(tmp_path / ".ssh", key(ED))
    accept(at, at.keys)
    assert at.target.stat().st_mode & 0o777 == 0o600
    assert at.target.parent.stat().st_mode & 0o777 == 0o700


def test_a_link_is_followed_and_stays_a_link(tmp_path: Path) -> None:
    real = tmp_path / "real"
    real.write_text("# mine\n")
    (tmp_path / "known_hosts").symlink_to(real)
    at = door(tmp_path, key(ED))
    accept(at, at.keys)
    assert at.target.is_symlink()
    assert real.read_text() == "# mine\n" + line(key(ED))


def test_a_file_that_cannot_be_written_is_told_and_nothing_is_left(tmp_path: Path) -> None:
    """A directory in the file's place cannot be replaced."""
    at = door(tmp_path, key(ED))
    at.target.mkdir()
    with pytest.raises(HostKeyError, match="cannot be written"):
        accept(at, at.keys)
    assert list(tmp_path.iterdir()) == [at.target]
