"""What tells a sample that went stale from one that only has other times and numbers."""

from __future__ import annotations

from tests.samples import comparable, samples

PAGE = """
```console
$ fab status
worker1  running  320  06:03:59  joined, after 1.8 s
worker2  running  305  06:04:02  joined, after 3 s

$ fab history
worker1  20261128T060357Z-1b76e3ce  b2781427b7c1
```
"""


def test_times_numbers_and_the_order_of_servers_do_not_count() -> None:
    other = (
        PAGE.replace("320 ", "4 ").replace("06:04:02", "23:59:59").replace("1b76e3ce", "abcdef01")
    )
    lines = other.splitlines(keepends=True)
    lines[3], lines[4] = lines[4], lines[3]
    assert comparable("".join(lines)) == comparable(PAGE)


def test_words_count() -> None:
    for old, new in (("joined", "left"), ("running", "down"), ("worker2", "worker3")):
        assert comparable(PAGE.replace(old, new, 1)) != comparable(PAGE)


def test_a_block_may_hold_several_commands() -> None:
    text = PAGE.partition("```console\n")[2].partition("```")[0]
    assert [sample.command for sample in samples(text)] == ["fab status", "fab history"]
