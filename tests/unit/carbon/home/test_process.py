"""Recognising a Carbon server, and its role, by its command line."""

from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carbon.home.process import MAIN_CLASS, CarbonProcess, parse_cmdline

HOME = PurePosixPath("/opt/as")


def cmdline(*arguments: str) -> bytes:
    return b"".join(argument.encode() + b"\0" for argument in arguments)


def carbon(*after: str, before: tuple[str, ...] = ()) -> CarbonProcess | None:
    return parse_cmdline(
        cmdline(
            "/usr/lib/jvm/java-7/jre/bin/java",
            "-Xbootclasspath/a:/opt/as/lib/xboot/x.jar",
            "-Xms256m",
            "-classpath",
            "/usr/lib/jvm/java-7/lib/tools.jar:/opt/as/bin/bootstrap.jar",
            "-Djava.command=/usr/lib/jvm/java-7/jre/bin/java",
            f"-Dcarbon.home={HOME}",
            *before,
            MAIN_CLASS,
            *after,
        )
    )


def test_a_carbon_server_is_known_by_its_main_class_and_home() -> None:
    found = carbon()
    assert found is not None
    assert found.java == "/usr/lib/jvm/java-7/jre/bin/java"
    assert found.home == HOME


@pytest.mark.parametrize(
    ("before", "after", "worker"),
    [
        ((), (), False),
        ((), ("-DworkerNode=true",), True),
        ((), ("-DworkerNode",), True),
        ((), ("-DworkerNode=TRUE",), True),
        ((), ("-DworkerNode=false",), False),
        ((), ("-DworkerNode=",), False),
        ((), ("-DworkerNode=yes",), False),
        ((), ("-DworkerNode=true", "-DworkerNode=false"), False),
        ((), ("-DworkerNode=false", "-DworkerNode=true"), True),
        (("-DworkerNode=false",), ("-DworkerNode=true",), True),
        (("-DworkerNode=true",), ("-DworkerNode=false",), False),
        (("-DworkerNode=true",), (), True),
        (("-DworkerNode=true", "-DworkerNode=false"), (), False),
        (("-DworkerNode",), (), False),
        ((), ("start", "-DworkerNode=true"), True),
        ((), ("-DworkerNodes=true",), False),
        ((), ("workerNode=true",), False),
    ],
)
def test_the_role_in_effect_follows_the_products_own_rules(
    before: tuple[str, ...], after: tuple[str, ...], worker: bool
) -> None:
    """After the main class wins over before it, the last one wins, and bare means true."""
    found = carbon(*after, before=before)
    assert found is not None
    assert found.worker_node is worker


def test_profile_and_port_offset_of_the_command_line_are_read() -> None:
    found = carbon("-Dprofile=gateway-worker", "-DportOffset=3")
    assert found is not None
    assert (found.profile, found.port_offset) == ("gateway-worker", 3)
    plain = carbon()
    assert plain is not None
    assert (plain.profile, plain.port_offset) == (None, None)
    broken = carbon("-DportOffset=three")
    assert broken is not None
    assert broken.port_offset is None


@pytest.mark.parametrize(
    "arguments",
    [
        ("",),
        ("/bin/sh", "/opt/as/bin/wso2server.sh", "-DworkerNode=true"),
        ("grep", "-r", MAIN_CLASS, "/opt"),
        ("pgrep", "-f", MAIN_CLASS),
        ("sh", "-c", f"java {MAIN_CLASS}"),
        ("/usr/bin/java", "-jar", "/opt/app.jar", MAIN_CLASS),
        ("/usr/bin/java", "-Dx=y", "org.apache.catalina.startup.Bootstrap", "start"),
        ("/usr/bin/java", "-cp", MAIN_CLASS, "com.example.Main"),
        ("/usr/bin/java", "-Dcarbon.home=/opt/as", "-version"),
    ],
)
def test_what_only_mentions_carbon_is_no_carbon_server(arguments: tuple[str, ...]) -> None:
    assert parse_cmdline(cmdline(*arguments)) is None


def test_a_kernel_thread_has_no_command_line() -> None:
    assert parse_cmdline(b"") is None


def test_a_line_that_an_old_linux_cut_leaves_the_role_open() -> None:
    """Linux before 4.2 shows 4096 bytes, which may end before the arguments."""
    whole = cmdline("/usr/bin/java", f"-Dcarbon.home={HOME}", "-cp", "/x" * 3000, MAIN_CLASS)
    found = parse_cmdline(whole[:4096])
    assert found is not None
    assert found.home == HOME
    assert found.worker_node is None


def test_a_home_that_was_cut_itself_is_not_taken_for_a_home() -> None:
    line = cmdline("/usr/bin/java", "-cp", "x" * 4050, f"-Dcarbon.home=/opt/{'a' * 100}")
    assert parse_cmdline(line[:4096]) is None


def test_a_long_line_of_a_new_linux_is_read_to_its_end() -> None:
    found = carbon("-DworkerNode=true", before=("-Dx=" + "y" * 5000,))
    assert found is not None
    assert found.worker_node is True


@given(st.lists(st.binary(max_size=20), max_size=8))
def test_no_command_line_raises(arguments: list[bytes]) -> None:
    parse_cmdline(b"java\0" + b"\0".join(arguments))
