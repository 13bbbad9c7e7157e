"""A pack is examined before it travels: what leads out, or is no product, never leaves."""

from __future__ import annotations

import hashlib
import io
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from carbon.cluster import Pack
from carbon.errors import InventoryError
from carbon.pack.archive import Contents, look_into, read_through
from carbon.pack.stream import stream_bytes, tar_of

TOP = "wso2as-5.3.0"
WHOLE = {
    "bin/wso2server.sh": b"#!/bin/sh\n",
    "bin/wso2carbon-version.txt": b"WSO2 Carbon Framework v4.4.1\n",
    "repository/conf/axis2/axis2.xml": b"<axisconfig/>",
    "repository/components/big.jar": bytes(700_000),
}


def make_zip(
    folder: Path, files: Mapping[str, bytes] = WHOLE, *, modes: Mapping[str, int] | None = None
) -> Pack:
    file = folder / f"{TOP}.zip"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            info = zipfile.ZipInfo(f"{TOP}/{name}")
            info.external_attr = (modes or {}).get(name, 0) << 16
            archive.writestr(info, data)
    return Pack(file=file)


def make_tar(folder: Path, *extra: tarfile.TarInfo) -> Pack:
    file = folder / f"{TOP}.tar.gz"
    with tarfile.open(file, "w:gz") as archive:
        for name, data in WHOLE.items():
            info = tarfile.TarInfo(f"{TOP}/{name}")
            info.size, info.mode = len(data), 0o666
            archive.addfile(info, io.BytesIO(data))
        for info in extra:
            archive.addfile(info)
    return Pack(file=file)


def unpacked(contents: Contents) -> dict[str, tuple[int, bytes]]:
    """Return mode and content of each file of the stream, as a server's tar would write them."""
    stream = b"".join(tar_of(contents))
    assert len(stream) == stream_bytes(contents) + 1024
    with tarfile.open(fileobj=io.BytesIO(stream)) as tar:
        return {
            member.name: (member.mode, (tar.extractfile(member) or io.BytesIO()).read())
            for member in tar
            if member.isreg()
        }


@pytest.mark.parametrize("make", [make_zip, make_tar])
def test_what_arrives_is_the_pack_without_its_folder(tmp_path: Path, make: object) -> None:
    contents = look_into(make(tmp_path))  # type: ignore[operator]
    assert contents.kernel == "WSO2 Carbon Framework v4.4.1"
    files = unpacked(contents)
    assert {name: data for name, (_, data) in files.items()} == WHOLE
    assert files["bin/wso2server.sh"][0] == 0o755
    assert all(mode & 0o022 == 0 for mode, _ in files.values())


def test_a_zip_without_modes_of_a_unix_has_scripts_that_can_be_run(tmp_path: Path) -> None:
    modes = dict.fromkeys(WHOLE, 0)
    assert unpacked(look_into(make_zip(tmp_path, modes=modes)))["bin/wso2server.sh"][0] == 0o755


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("../evil", "no product has"),
        ("bin/../../evil", "no product has"),
        ("bin//x", "no product has"),
        ("bin/\x1b[2J", "no product has"),
        ("bin/wso2server.sh/below", "twice"),
    ],
)
def test_a_name_that_leads_out_or_deceives_is_refused(tmp_path: Path, name: str, said: str) -> None:
    with pytest.raises(InventoryError, match=said):
        look_into(make_zip(tmp_path, {**WHOLE, name: b"x"}))


def test_links_and_devices_are_refused_in_both_kinds_of_archive(tmp_path: Path) -> None:
    link = tarfile.TarInfo(f"{TOP}/bin/link")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc"
    with pytest.raises(InventoryError, match="a link or device"):
        look_into(make_tar(tmp_path, link))
    with pytest.raises(InventoryError, match="a link or device"):
        look_into(make_zip(tmp_path, {**WHOLE, "l": b"/etc"}, modes={"l": 0o120777}))


def test_an_encrypted_zip_is_refused_before_anything_is_sent(tmp_path: Path) -> None:
    """Python reads its directory, and fails at its content."""
    pack = make_zip(tmp_path)
    data = bytearray(pack.file.read_bytes())
    for signature, flags_at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = data.find(signature)
        while at >= 0:
            data[at + flags_at] |= 1
            at = data.find(signature, at + 4)
    pack.file.write_bytes(data)
    with pytest.raises(InventoryError, match="which is encrypted"):
        look_into(pack)


def test_the_checksum_of_hosts_yaml_is_compared(tmp_path: Path) -> None:
    pack = make_zip(tmp_path)
    digest = hashlib.sha256(pack.file.read_bytes()).hexdigest()
    assert look_into(Pack(file=pack.file, sha256=digest)).members
    with pytest.raises(InventoryError, match=f"has the sha256 {digest}"):
        look_into(Pack(file=pack.file, sha256="0" * 64))


def without(name: str) -> dict[str, bytes]:
    return {path: data for path, data in WHOLE.items() if path != name}


@pytest.mark.parametrize(
    ("files", "said"),
    [
        (without("bin/wso2server.sh"), "has no bin/wso2server.sh"),
        (without("repository/conf/axis2/axis2.xml"), "has no repository/conf/axis2/axis2.xml"),
        ({**WHOLE, "conf/axis2/axis2.xml": b""}, "Enterprise Integrator 6"),
        ({**WHOLE, "bin/wso2carbon-version.txt": b"v4.6.0"}, "kernels 4.2 to 4.4 are supported"),
    ],
)
def test_what_is_no_pack_of_a_known_product_is_refused_by_name(
    tmp_path: Path, files: dict[str, bytes], said: str
) -> None:
    with pytest.raises(InventoryError, match=said):
        look_into(make_zip(tmp_path, files))


@pytest.mark.parametrize("name", ["x.zip", "x.tar.gz"])
@pytest.mark.parametrize("data", [b"", b"PK\x03\x04 cut off", b"\x1f\x8b\x08 cut off"])
def test_a_damaged_archive_is_an_error_and_no_traceback(
    tmp_path: Path, name: str, data: bytes
) -> None:
    file = tmp_path / name
    file.write_bytes(data)
    with pytest.raises(InventoryError, match="the pack"):
        look_into(Pack(file=file))


def test_a_missing_archive_is_named(tmp_path: Path) -> None:
    with pytest.raises(InventoryError, match="cannot be read: No such file"):
        look_into(Pack(file=tmp_path / "none.zip"))


def test_an_archive_that_changes_while_it_is_sent_ends_the_stream(tmp_path: Path) -> None:
    contents = look_into(make_zip(tmp_path))
    make_zip(tmp_path, {**WHOLE, "bin/wso2server.sh": b"longer than before"})
    with pytest.raises(InventoryError, match="changed while it was sent"):
        b"".join(tar_of(contents))


def test_a_whole_pack_is_read_to_its_end_without_a_complaint(tmp_path: Path) -> None:
    for pack in (make_zip(tmp_path), make_tar(tmp_path)):
        contents = look_into(pack)
        assert sum(read_through(contents)) == contents.content_bytes


def test_a_zip_whose_content_has_changed_is_damaged(tmp_path: Path) -> None:
    """Its list is whole, so that looking into it finds nothing."""
    pack = make_zip(tmp_path, {**WHOLE, "big": bytes(range(256)) * 400})
    data = bytearray(pack.file.read_bytes())
    with zipfile.ZipFile(pack.file) as archive:
        begins = archive.getinfo(f"{TOP}/big").header_offset
    data[begins + 100] ^= 0xFF
    pack.file.write_bytes(data)
    contents = look_into(pack)
    with pytest.raises(InventoryError, match="is damaged") as refused:
        list(read_through(contents))
    assert refused.value.action == "fetch it again"


def test_the_checksum_at_the_end_of_a_tar_gz_is_compared(tmp_path: Path) -> None:
    pack = make_tar(tmp_path)
    data = bytearray(pack.file.read_bytes())
    data[-8] ^= 0xFF
    pack.file.write_bytes(data)
    with pytest.raises(InventoryError, match=r"is damaged|not a whole archive"):
        list(read_through(look_into(pack)))
