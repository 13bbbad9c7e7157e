"""What this machine's `cksum` says is what is computed here."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carbon.checksum import checksum


def by_the_tool(data: bytes) -> int:
    done = subprocess.run(["cksum"], input=data, capture_output=True, check=True)
    return int(done.stdout.split()[0])


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=2000))
def test_it_is_what_cksum_prints(data: bytes) -> None:
    assert checksum(data) == by_the_tool(data)


@pytest.mark.parametrize("size", [0, 1, 255, 256, 65535, 65536, 1 << 24])
def test_its_length_counts_in_as_many_bytes_as_it_needs(size: int) -> None:
    assert checksum(bytes(size)) == by_the_tool(bytes(size))
    assert checksum(b"\xff" * size) == by_the_tool(b"\xff" * size)
