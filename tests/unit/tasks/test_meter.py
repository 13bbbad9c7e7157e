"""What is told of a copy while it goes on."""

from tasks.meter import Meter

MB = 1_000_000


def test_a_copy_of_less_than_two_seconds_is_not_told() -> None:
    meter = Meter(at=100.0)
    meter.take(10 * MB, 20 * MB, at=101.9)
    assert not meter.shows(at=101.9)
    assert not meter.line_is_due(at=101.9)
    assert meter.shows(at=102.0)
    assert meter.line_is_due(at=102.0)


def test_lines_in_a_pipe_are_seconds_apart() -> None:
    meter = Meter(at=0.0)
    assert [second for second in range(16) if meter.line_is_due(at=second)] == [2, 7, 12]


def test_bytes_rate_and_time_left_are_told() -> None:
    meter = Meter(at=0.0)
    for second in range(1, 4):
        meter.take(40 * MB * second, 300 * MB, at=second)
    assert meter.text(at=3.0) == "120 of 300 MB, 40 MB/s, 4 s left"


def test_the_rate_is_that_of_the_last_seconds() -> None:
    meter = Meter(at=0.0)
    meter.take(1000 * MB, 2000 * MB, at=10.0)
    meter.take(1010 * MB, 2000 * MB, at=15.0)
    assert meter.text(at=15.0) == "1010 of 2000 MB, 2 MB/s, 8 min 15 s left"


def test_a_stall_shows() -> None:
    meter = Meter(at=0.0)
    meter.take(5 * MB, 10 * MB, at=1.0)
    meter.take(5 * MB, 10 * MB, at=9.0)
    assert meter.text(at=9.0) == "5 of 10 MB, 0 MB/s, stalled"


def test_more_than_was_foreseen_is_not_more_than_all() -> None:
    meter = Meter(at=0.0)
    meter.take(11 * MB, 10 * MB, at=1.0)
    assert meter.text(at=1.0).startswith("10 of 10 MB")
