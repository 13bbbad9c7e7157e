"""What `artifacts:` in hosts.yaml may say, and how the lists of both levels come together."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest

from carbon.secret import Secret
from tests.unit.carbon.inventory.written import inventory, loaded, refused, worker

JKS = "repository/resources/security/wso2carbon.jks"


def test_every_key_is_read(tmp_path: Path) -> None:
    text = inventory(
        worker1=f"""
        artifacts:
          - from: files/a.jks
            to: {JKS}
            secret: true
            mode: "640"
          - {{from: a.in, to: bin/, template: true, values: {{pw: !env PW, x: y}}, restart: false}}
          - {{to: repository/components/dropins/old.jar, absent: true}}
        """
    )
    first, second, third = worker(loaded(tmp_path, text)).artifacts
    assert (first.source, first.to) == (tmp_path / "files/a.jks", PurePosixPath(JKS))
    assert (first.secret, first.mode, first.template, first.into) == (True, 0o640, False, False)
    assert (second.template, second.into, second.restart) == (True, True, False)
    assert second.values["x"] == "y"
    assert isinstance(second.values["pw"], Secret)
    assert (third.source, third.restart) == (None, None)
    assert first.line is not None


def test_the_lists_of_both_levels_add_up_and_the_own_one_wins_for_one_target(
    tmp_path: Path,
) -> None:
    cluster = loaded(
        tmp_path,
        inventory(
            cluster=f"artifacts: [{{from: a.jar, to: lib/}}, {{from: all.jks, to: {JKS}}}]",
            worker1=f"artifacts: [{{from: own.jks, to: {JKS}}}, {{from: b.jar, to: lib/}}]",
        ),
    )
    own = [entry.source and entry.source.name for entry in worker(cluster).artifacts]
    assert own == ["a.jar", "own.jks", "b.jar"]
    other = [entry.source and entry.source.name for entry in worker(cluster, "worker2").artifacts]
    assert other == ["a.jar", "all.jks"]


def test_null_takes_the_shared_artifacts_away(tmp_path: Path) -> None:
    text = inventory(cluster="artifacts: [{from: a, to: b}]", worker1="artifacts: null")
    assert worker(loaded(tmp_path, text)).artifacts == ()


@pytest.mark.parametrize(
    ("entry", "seen"),
    [
        ("{from: a, to: /etc/passwd}", "not a place below AS_HOME"),
        ("{from: a, to: ../b}", "not a place below AS_HOME"),
        ("{from: a, to: lib/../../b}", "not a place below AS_HOME"),
        ("{from: a, to: ''}", "not a place below AS_HOME"),
        ("{from: a, to: .}", "not a place below AS_HOME"),
        ("{from: a, to: 'a\\b'}", "holds a character"),
        ("{from: a}", "has no to"),
        ("{to: a}", "has no from"),
        ("{from: a, to: b, absent: true}", "has absent and from"),
        ("{to: b, absent: true, mode: '640'}", "has absent and mode"),
        ("{from: a, to: b, values: {x: y}}", "is not a template"),
        ("{from: a, to: b, template: true, values: {a.b: y}}", "is not a name for a template"),
        ("{from: a, to: b, mode: '666'}", "is not a mode"),
        ("{from: a, to: b, mode: '4755'}", "is not a mode"),
        ("{from: a, to: b, restart: perhaps}", "neither true nor false"),
        ("{from: a, to: b, owner: root}", "is an unknown key"),
    ],
)
@pytest.mark.parametrize("level", ["cluster", "worker1"])
def test_what_is_wrong_is_refused_with_its_line(
    tmp_path: Path, level: str, entry: str, seen: str
) -> None:
    text = inventory(**{level: f"artifacts:\n  - {entry} # here"})
    assert seen in refused(tmp_path, text).seen
