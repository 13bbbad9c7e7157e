"""The pid file: 100 bytes, most of them NUL."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carbon.home.pidfile import parse


def test_a_real_pid_file_is_digits_a_newline_and_nuls() -> None:
    assert parse(b"78089\n".ljust(100, b"\0")) == 78089


@pytest.mark.parametrize("data", [b"78089", b"78089\n", b" 78089 \n", b"78089\0"])
def test_other_writers_may_have_written_it(data: bytes) -> None:
    assert parse(data) == 78089


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0" * 100,
        b"\n",
        b"0\n",
        b"-1\n",
        b"12 34\n",
        b"12\n34\n",
        b"pid\n",
        b"1" * 5000,
        "١٢".encode(),
        b"\xff\xfe",
    ],
)
def test_what_is_no_pid_is_none(data: bytes) -> None:
    assert parse(data) is None


@given(st.binary(max_size=120))
def test_no_content_raises(data: bytes) -> None:
    assert parse(data) is None or parse(data) > 0
