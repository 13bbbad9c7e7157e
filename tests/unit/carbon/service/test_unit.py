"""The unit that this tool writes: what was found to behave right, and safe from what it holds."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest

from carbon.cluster import Service
from carbon.home import layout
from carbon.home.facts import ServerFacts
from carbon.secret import Secret
from carbon.service.unit import is_ours, unit_text
from carbon.value import replace
from tests.unit.carbon.looks import make_facts, remote_file
from tests.unit.carbon.nodes import make_manager, make_node

SERVICE = Service(unit="wso2as.service")
BECOMES_JVM = b'elif [ "$CMD" = "test" ]; then\n    JAVACMD="exec "$JAVACMD""\nfi\n'
READS_MEMORY = BECOMES_JVM + b'if [ -z "$JVM_MEM_OPTS" ]; then\n'


def facts_with(script: bytes) -> ServerFacts:
    files = {layout.SCRIPT: remote_file(script.decode())}
    return make_facts(files=files, user="deploy", java_home=PurePosixPath("/opt/java"))


def lines(script: bytes = BECOMES_JVM, **node: object) -> list[str]:
    node_with = make_node(service=SERVICE, **node)
    return unit_text(node_with, facts_with(script)).decode().splitlines()


def test_a_script_that_becomes_the_jvm_comes_back_after_a_crash_and_not_after_a_stop() -> None:
    text = lines()
    assert text[0].startswith("# Written by carbon-provision")
    for line in (
        *("Type=simple", "User=deploy", "WorkingDirectory=/opt/as", "Restart=on-failure"),
        *("SuccessExitStatus=143 121", "RestartForceExitStatus=121", "KillMode=control-group"),
        *("TimeoutStopSec=120", "WantedBy=multi-user.target", 'Environment="JAVA_HOME=/opt/java"'),
    ):
        assert line in text
    start = next(line for line in text if line.startswith("ExecStart="))
    assert "/opt/as/bin/wso2server.sh test -DworkerNode=true" in start
    assert not any("PIDFile" in line or "ExecRestart" in line for line in text)


def test_a_script_without_test_runs_in_the_foreground_and_always_comes_back() -> None:
    """It ends with 0 whatever becomes of the JVM."""
    text = lines(script=b"$JAVACMD -x\n")
    assert "Restart=always" in text
    assert not any("RestartForceExitStatus" in line for line in text)
    assert "wso2server.sh -DworkerNode=true" in next(line for line in text if "ExecStart=" in line)


def test_a_manager_is_not_started_as_a_worker() -> None:
    text = unit_text(replace(make_manager(), service=SERVICE), facts_with(BECOMES_JVM)).decode()
    assert "workerNode" not in text


def test_a_script_that_reads_the_memory_options_is_given_them() -> None:
    """Or its `test` adds an option with which a newer JDK does not start."""
    assert 'Environment="JVM_MEM_OPTS=-Xms256m -Xmx1024m"' in lines(script=READS_MEMORY)
    own = lines(script=READS_MEMORY, environment={"JVM_MEM_OPTS": "-Xmx2g"})
    assert 'Environment="JVM_MEM_OPTS=-Xmx2g"' in own
    assert not any("JVM_MEM_OPTS" in line for line in lines())


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("50% of it", "50%% of it"),
        ('say "x"', r"say \"x\""),
        ("a\\\\b", "a\\\\\\\\b"),
        ("$HOME", "$HOME"),
    ],
)
def test_no_value_means_anything_to_systemd(value: str, written: str) -> None:
    assert f'Environment="X={written}"' in lines(environment={"X": value})


def test_the_keystore_password_is_brought_by_each_start_and_stands_in_no_unit() -> None:
    secret = Secret("env", "KEYSTORE", "hosts.yaml", 1, Path())
    text = lines(keystore_password=secret, run_as="wso2")
    before = next(line for line in text if line.startswith("ExecStartPre="))
    assert before.startswith("ExecStartPre=+/usr/bin/install ")
    assert '"wso2" "-m" "600" "/etc/wso2as.service.password" "/opt/as/password"' in before
    assert "User=wso2" in text


def test_our_own_unit_is_known_by_its_first_line() -> None:
    assert is_ours(unit_text(make_node(service=SERVICE), facts_with(BECOMES_JVM)))
    assert not is_ours(b"[Unit]\n")
