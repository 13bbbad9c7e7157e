"""known_hosts, read strictly: who a server may be, in all the forms that OpenSSH writes."""

from __future__ import annotations

import base64
import hashlib
import hmac
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carbon.errors import HostKeyError
from remote.ssh.hostkeys import HostKey, Judged, KnownHosts, Verdict, host_name, parse_line

KEY = HostKey("ssh-ed25519", base64.b64encode(b"the server's own key").decode())
OTHER = HostKey("ssh-ed25519", base64.b64encode(b"somebody else's key").decode())
RSA = HostKey("ssh-rsa", base64.b64encode(b"the server's rsa key").decode())


def text(key: HostKey = KEY) -> str:
    return f"{key.type} {key.blob}"


def known(tmp_path: Path, *lines: str) -> KnownHosts:
    file = tmp_path / "known_hosts"
    file.write_text("\n".join(lines) + "\n")
    return KnownHosts.load([file])


def hashed(name: str) -> str:
    salt = b"0123456789abcdefghij"
    digest = hmac.new(salt, name.encode(), hashlib.sha1).digest()
    return f"|1|{base64.b64encode(salt).decode()}|{base64.b64encode(digest).decode()}"


@pytest.mark.parametrize(
    ("names", "host", "port"),
    [
        ("10.0.0.4", "10.0.0.4", 22),
        ("worker1,10.0.0.4", "10.0.0.4", 22),
        ("Worker1.Example.COM", "worker1.example.com", 22),
        ("worker1.example.com", "WORKER1.example.com", 22),
        ("[127.0.0.1]:2222", "127.0.0.1", 2222),
        ("[127.0.0.1]:2222,10.0.0.4", "127.0.0.1", 2222),
        ("10.0.0.*", "10.0.0.4", 22),
        ("worker?", "worker1", 22),
        ("[10.0.0.*]:2222", "10.0.0.4", 2222),
        ("*.example.com,!db.example.com", "worker1.example.com", 22),
        (hashed("10.0.0.4"), "10.0.0.4", 22),
        (hashed("[10.0.0.4]:2222"), "10.0.0.4", 2222),
        ("fe80::1", "fe80::1", 22),
    ],
)
def test_the_key_of_a_known_server_is_known(
    tmp_path: Path, names: str, host: str, port: int
) -> None:
    hosts = known(tmp_path, f"{names} {text()} a comment")
    assert hosts.judge(host_name(host, port), KEY) == Judged(
        key=KEY, verdict=Verdict.KNOWN, line=f"{tmp_path / 'known_hosts'}:1"
    )
    assert hosts.judge(host_name(host, port), OTHER).verdict is Verdict.CHANGED


@pytest.mark.parametrize(
    ("names", "host", "port"),
    [
        ("10.0.0.4", "10.0.0.40", 22),
        ("10.0.0.4", "10.0.0.4", 2222),
        ("[10.0.0.4]:2222", "10.0.0.4", 22),
        ("[10.0.0.4]:2222", "10.0.0.4", 2223),
        ("[10.0.0.4]:2222", "1", 22),
        ("10.0.0.?", "10.0.0.44", 22),
        ("*.example.com,!db.example.com", "db.example.com", 22),
        ("*.example.com,!DB.example.com", "db.example.com", 22),
        ("!db.example.com,*.example.com", "db.example.com", 22),
        ("[*.example.com]:2222,![db.example.com]:2222", "db.example.com", 2222),
        ("!db.example.com", "worker1.example.com", 22),
        (hashed("10.0.0.4"), "10.0.0.5", 22),
        ("|1|garbage", "10.0.0.4", 22),
        ("|1|%%|%%", "10.0.0.4", 22),
    ],
)
def test_a_line_says_nothing_of_servers_that_it_does_not_name(
    tmp_path: Path, names: str, host: str, port: int
) -> None:
    assert known(tmp_path, f"{names} {text()}").judge(host_name(host, port), KEY) == Judged(
        key=KEY, verdict=Verdict.NEW
    )


def test_a_revoked_key_is_refused_wherever_it_shows(tmp_path: Path) -> None:
    hosts = known(tmp_path, f"10.0.0.4 {text()}", f"@revoked * {text()}")
    assert hosts.judge("10.0.0.4", KEY) == Judged(
        key=KEY, verdict=Verdict.REVOKED, line=f"{tmp_path / 'known_hosts'}:2"
    )
    assert hosts.judge("10.0.0.5", KEY).verdict is Verdict.REVOKED
    assert hosts.judge("10.0.0.4", OTHER).verdict is Verdict.CHANGED


@pytest.mark.parametrize("marker", ["@cert-authority", "@unheard-of"])
def test_the_key_of_a_marked_line_is_not_the_servers_own(tmp_path: Path, marker: str) -> None:
    """A certificate authority's key signs others; a server that shows it is no server."""
    hosts = known(tmp_path, f"{marker} * {text()}")
    judged = hosts.judge("10.0.0.4", KEY)
    assert (judged.verdict, judged.line) == (Verdict.NEW, "")
    assert hosts.types("10.0.0.4") == ()


def test_a_new_key_of_another_type_is_a_change_and_not_a_first_meeting(tmp_path: Path) -> None:
    """Else somebody in between would only have to offer another type."""
    hosts = known(tmp_path, f"10.0.0.4 {text(RSA)}")
    assert hosts.judge("10.0.0.4", KEY).verdict is Verdict.CHANGED


def test_any_of_several_keys_of_a_server_is_known_and_its_types_are_asked_for(
    tmp_path: Path,
) -> None:
    hosts = known(tmp_path, f"10.0.0.4 {text(RSA)}", f"10.0.0.4 {text()}", f"10.0.0.5 {text()}")
    assert hosts.judge("10.0.0.4", KEY).verdict is Verdict.KNOWN
    assert hosts.judge("10.0.0.4", RSA).verdict is Verdict.KNOWN
    assert hosts.types("10.0.0.4") == ("ssh-rsa", "ssh-ed25519")


def test_lines_of_all_kinds_of_names_count_in_their_order(tmp_path: Path) -> None:
    """A plain name is looked up; wildcards, negations and hashes are asked each time."""
    file = tmp_path / "known_hosts"
    kinds = ("*.example.com", "other,w1.example.com", "!w1.example.com,*", "W1.Example.Com")
    file.write_text("".join(f"{names} key-{at} AAAA\n" for at, names in enumerate(kinds)))
    known = KnownHosts.load([file])
    assert known.types("w1.example.com") == ("key-0", "key-1", "key-3")
    assert known.types("w2.example.com") == ("key-0", "key-2")


def test_several_files_count_and_missing_ones_do_not(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.write_text(f"10.0.0.4 {text()}\n")
    second.write_text(f"10.0.0.5 {text(OTHER)}\n")
    hosts = KnownHosts.load([first, tmp_path / "none", second, first / "below"])
    assert hosts.judge("10.0.0.4", KEY).verdict is Verdict.KNOWN
    assert hosts.judge("10.0.0.5", OTHER).verdict is Verdict.KNOWN


def test_a_file_that_cannot_be_read_is_never_passed_over(tmp_path: Path) -> None:
    """What it revokes, or knows otherwise, would be believed."""
    with pytest.raises(HostKeyError, match=f"{tmp_path} cannot be read: Is a directory"):
        KnownHosts.load([tmp_path])


def test_a_key_of_revoked_host_keys_is_refused_for_every_host(tmp_path: Path) -> None:
    file = tmp_path / "revoked"
    file.write_text(f"# lost\n\n{text()} root@old\n")
    (tmp_path / "known_hosts").write_text(f"10.0.0.4 {text()}\n10.0.0.5 {text(OTHER)}\n")
    hosts = KnownHosts.load([tmp_path / "known_hosts"], revoked=[file])
    assert hosts.judge("10.0.0.4", KEY) == Judged(
        key=KEY, verdict=Verdict.REVOKED, line=f"{file}:3"
    )
    assert hosts.judge("10.0.0.5", OTHER).verdict is Verdict.KNOWN


@pytest.mark.parametrize("content", [None, b"SSHKRL\n\0\0\0\0\1", b"ssh-rsa\n"])
def test_nobody_is_believed_if_revoked_host_keys_cannot_be_read(
    tmp_path: Path, content: bytes | None
) -> None:
    file = tmp_path / "revoked"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(HostKeyError, match="cannot be read"):
        KnownHosts.load([], revoked=[file])


@pytest.mark.parametrize(
    "line",
    ["", "   ", "# 10.0.0.4 ssh-rsa AAAA", "10.0.0.4", "10.0.0.4 ssh-rsa", "@cert-authority x",
     "10.0.0.4 ssh-rsa not/base64!", "10.0.0.4 2048 35 9999999999"],
)  # fmt: skip
def test_a_line_that_makes_no_sense_is_passed_over(tmp_path: Path, line: str) -> None:
    assert parse_line(line) is None
    hosts = known(tmp_path, line, f"10.0.0.4 {text()}")
    assert hosts.judge("10.0.0.4", KEY).verdict is Verdict.KNOWN


@pytest.mark.parametrize("line", ["@revoked", "@revoked * x", "@REVOKED * ssh-rsa no/base64!"])
def test_a_line_that_revokes_a_key_is_never_passed_over(tmp_path: Path, line: str) -> None:
    """The key that it means would be believed."""
    with pytest.raises(HostKeyError, match="known_hosts:1 cannot be read: the line revokes a key"):
        known(tmp_path, line, f"10.0.0.4 {text()}")


@given(st.text())
def test_no_line_can_bring_the_reader_down_or_make_a_stranger_known(line: str) -> None:
    entry = parse_line(line)
    if entry is not None:
        entry.covers("[127.0.0.1]:2222")
        assert entry.key != KEY


def test_a_file_that_is_no_text_is_read_for_what_it_holds(tmp_path: Path) -> None:
    file = tmp_path / "known_hosts"
    file.write_bytes(b"\xff\xfe\0 garbage\n10.0.0.4 " + text().encode() + b"\n")
    assert KnownHosts.load([file]).judge("10.0.0.4", KEY).verdict is Verdict.KNOWN


def test_the_fingerprint_is_that_of_ssh_keygen() -> None:
    """`ssh-keygen -lf` of github.com's key, as GitHub publishes it."""
    blob = "AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"
    published = "SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU"
    assert HostKey("ssh-ed25519", blob).fingerprint == published


def test_names_are_written_as_openssh_writes_them() -> None:
    assert host_name("Worker1", 22) == "worker1"
    assert host_name("10.0.0.4", 2222) == "[10.0.0.4]:2222"
