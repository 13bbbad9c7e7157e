"""One archive for several servers: each reads all of it, at its own pace."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from carbon.errors import InventoryError
from carbon.pack.archive import look_into
from carbon.pack.stream import tar_of
from remote.install.spool import Spool, fits
from tests.unit.carbon.pack.test_archive import WHOLE, make_zip


def test_every_reader_gets_the_whole_stream(tmp_path: Path) -> None:
    contents = look_into(make_zip(tmp_path))
    spool = Spool(contents)
    with ThreadPoolExecutor() as pool:
        read = list(pool.map(lambda _: b"".join(spool.read()), range(4)))
    spool.close()
    assert read == [b"".join(tar_of(contents))] * 4


def test_a_damaged_archive_ends_every_reader_with_its_error(tmp_path: Path) -> None:
    contents = look_into(make_zip(tmp_path))
    make_zip(tmp_path, {**WHOLE, "bin/wso2server.sh": b"longer than before"})
    spool = Spool(contents)
    for _ in range(2):
        with pytest.raises(InventoryError, match="changed while it was sent"):
            b"".join(spool.read())
    spool.close()


def test_whatever_ends_the_writing_lets_no_reader_wait_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: object) -> Iterator[bytes]:
        yield b"x"
        raise RuntimeError("a surprise")

    monkeypatch.setattr("remote.install.spool.tar_of", broken)
    spool = Spool(look_into(make_zip(tmp_path)))
    with pytest.raises(RuntimeError, match="a surprise"):
        b"".join(spool.read())
    spool.close()


def test_a_run_that_ends_early_leaves_no_thread_behind(tmp_path: Path) -> None:
    contents = look_into(make_zip(tmp_path, {**WHOLE, "big": bytes(30_000_000)}))
    spool = Spool(contents)
    next(spool.read())
    spool.close()
    assert not spool._writer.is_alive()


def test_a_machine_without_room_for_it_does_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    contents = look_into(make_zip(tmp_path))
    assert fits(contents)
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 1000})())
    assert not fits(contents)
