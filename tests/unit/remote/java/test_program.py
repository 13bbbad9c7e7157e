"""The class that tries datasources: it is what its source says, and does what it promises."""

from __future__ import annotations

import shutil
import struct
import subprocess
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

import remote
from carbon.cluster import Datasource
from carbon.home.trial import Trial, TrialAnswer, TriedDatasource
from carbon.secret import literal
from remote.observe.datasources import try_datasources
from tests.unit.remote.homes import Home
from tests.unit.remote.local_server import LocalServer, local_host

JAVA = Path(remote.__file__).parent / "java"
CLASS = JAVA / "TryDatasources.class"
BUILD = ("javac", "--release", "7", "-g:none", "-Xlint:-options")
LIB = "repository/components/lib"
DRIVER = """
import java.sql.*;
import java.util.Properties;
public class Driver implements java.sql.Driver {
    public Connection connect(String url, Properties login) throws SQLException {
        System.out.println("tried 0 open - 0 said by the driver");
        String password = login.getProperty("password");
        if (!url.startsWith("jdbc:good:")) return null;
        if (url.endsWith("/slow")) try { Thread.sleep(60000); } catch (InterruptedException e) { }
        if (url.endsWith("/crash")) throw new NoClassDefFoundError("org/gone/Base");
        if (url.endsWith("/tls"))
            throw new SQLException("no", new javax.net.ssl.SSLException("PKIX"));
        if (url.endsWith("/option") && !"yes".equals(login.getProperty("option")))
            throw new SQLException("no option");
        if (!"päss w\\u00f6rd".equals(password))
            throw new SQLException("Access denied for " + login.getProperty("user")
                + "\\n\\twith " + password, "28000", 1045);
        return (Connection) java.lang.reflect.Proxy.newProxyInstance(
            Driver.class.getClassLoader(), new Class<?>[] {Connection.class}, (p, m, a) -> null);
    }
    public boolean acceptsURL(String url) { return url.startsWith("jdbc:good:"); }
    public DriverPropertyInfo[] getPropertyInfo(String url, Properties info) { return null; }
    public int getMajorVersion() { return 1; }
    public int getMinorVersion() { return 0; }
    public boolean jdbcCompliant() { return false; }
    public java.util.logging.Logger getParentLogger() { return null; }
}
"""
needs_jdk = pytest.mark.skipif(
    not all(map(shutil.which, ("java", "javac", "jar"))), reason="there is no JDK here"
)


@pytest.fixture(scope="module")
def jar(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A JAR with a driver that takes jdbc:good: and one password."""
    folder = tmp_path_factory.mktemp("driver")
    (folder / "Driver.java").write_text(DRIVER)
    subprocess.run(["javac", "-encoding", "UTF-8", "Driver.java"], cwd=folder, check=True)
    subprocess.run(["jar", "cf", "driver.jar", "Driver.class"], cwd=folder, check=True)
    return folder / "driver.jar"


def source(url: str = "jdbc:good://db/x", password: str = "päss wörd", **own: object) -> Datasource:
    values: dict[str, object] = {"name": "D", "driver_class_name": "Driver", "username": "reg"}
    return Datasource(**{**values, "url": url, "password": literal(password), **own})  # type: ignore[arg-type]


def answer_of(home: Home, *sources: Datasource, **more: Any) -> TrialAnswer:
    """Try datasources in a home of this machine, with the JDK that is here."""
    java = shutil.which("java")
    assert java
    node = home.node(java_home=PurePosixPath(Path(java).resolve().parents[1]))
    answer = try_datasources(local_host(node), Trial(datasources=sources, **more))
    assert not answer.untried
    return answer


def tried(home: Home, *sources: Datasource, **more: Any) -> list[TriedDatasource]:
    return list(answer_of(home, *sources, **more).tried)


def test_the_class_is_for_java_7() -> None:
    """The oldest JDK that Carbon 4.2.0 is supported on."""
    magic, _, major = struct.unpack(">IHH", CLASS.read_bytes()[:8])
    assert (magic, major) == (0xCAFEBABE, 51)


@needs_jdk
def test_the_class_is_what_its_source_compiles_to(tmp_path: Path) -> None:
    """By the command that stands in the source. Other compilers write other bytes."""
    version = subprocess.run(["javac", "-version"], capture_output=True, text=True, check=True)
    if "javac 17." not in version.stdout + version.stderr:
        pytest.skip(f"it was compiled by a JDK 17, and here is {version.stdout.strip()}")
    text = (JAVA / f"{CLASS.stem}.java").read_text()
    assert " ".join((*BUILD, f"{CLASS.stem}.java")) in text
    subprocess.run([*BUILD, "-d", tmp_path, JAVA / f"{CLASS.stem}.java"], check=True)
    assert [path.name for path in tmp_path.iterdir()] == [CLASS.name]
    assert (tmp_path / CLASS.name).read_bytes() == CLASS.read_bytes()


@needs_jdk
def test_each_datasource_has_its_own_answer(home: Home, jar: Path) -> None:
    """And what a driver prints is none."""
    shutil.copy(jar, home.file(LIB))
    results = tried(
        home,
        source(),
        source(password="wr0ng!"),
        source("jdbc:goood://db/x"),
        source(driver_class_name="org.gone.Driver"),
        source("jdbc:good://db/crash"),
        source("jdbc:good://db/tls"),
        source("jdbc:good://db/option"),
        source("jdbc:good://db/option", properties={"connectionProperties": "a=b;option=yes"}),
    )
    assert [each.result for each in results] == [
        *("open", "refused", "url", "class", "broken", "tls", "refused", "open")
    ]
    assert (results[1].sql_state, results[1].vendor_code) == ("28000", 1045)
    assert results[1].said == "Access denied for reg with ********"
    assert "org/gone/Base" in results[4].said
    assert "PKIX" in results[5].said


@needs_jdk
def test_a_database_that_does_not_answer_holds_nobody_up(
    home: Home, jar: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("remote.observe.datasources.TRIAL_SECONDS", 0.5)
    shutil.copy(jar, home.file(LIB))
    results = tried(home, source("jdbc:good://db/slow"), source("jdbc:goood:x"))
    assert [each.result for each in results] == ["slow", "url"]


@needs_jdk
def test_the_staged_driver_counts_and_the_one_that_goes_away_does_not(
    home: Home, jar: Path
) -> None:
    staged = f".provision/staged/files/{LIB}/new.jar"
    home.file(staged).parent.mkdir(parents=True)
    shutil.copy(jar, home.file(staged))
    (only,) = tried(home, source(), first=(PurePosixPath(staged),))
    assert only.result == "open"
    shutil.copy(jar, home.file(f"{LIB}/old.jar"))
    (only,) = tried(home, source(), without=(PurePosixPath(f"{LIB}/old.jar"),))
    assert only.result == "class"


@needs_jdk
def test_a_jndi_name_that_only_the_datasources_have_is_unused(home: Home, jar: Path) -> None:
    shutil.copy(jar, home.file(LIB))
    for file in ("datasources/master-datasources.xml", "user-mgt.xml"):
        path = home.file(f"repository/conf/{file}")
        path.write_text(path.read_text() + "<!-- jdbc/In -->")
    home.file("repository/conf/datasources/master-datasources.xml").write_text("jdbc/Out jdbc/In")
    names = ("jdbc/In", "jdbc/Out")
    assert answer_of(home, source(), jndi_names=names).unused == ("jdbc/Out",)


@needs_jdk
def test_a_driver_that_somebody_put_among_the_bundles_is_seen(home: Home, jar: Path) -> None:
    folder = home.file("repository/components/plugins")
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(jar, folder)
    assert [each.result for each in tried(home, source())] == ["open"]


def test_a_jvm_that_cannot_run_the_class_is_a_reason_and_no_fault(home: Home) -> None:
    """As Java 6 says it."""
    java = home.java / "bin/java"
    java.write_text(
        "#!/bin/sh\ncat > /dev/null\necho 'Picked up JAVA_TOOL_OPTIONS: -Dx' >&2\n"
        "echo 'java.lang.UnsupportedClassVersionError: TryDatasources : Unsupported"
        " major.minor version 51.0' >&2\nexit 1\n"
    )
    answer = try_datasources(local_host(home.node()), Trial(datasources=(source(),)))
    assert answer.tried == ()
    assert answer.untried.startswith(f"{java} says: java.lang.UnsupportedClassVersionError")


def test_without_a_jdk_nothing_is_tried(home: Home, server: LocalServer) -> None:
    node = home.node(java_home=PurePosixPath("/opt/none"))
    answer = try_datasources(local_host(node, server), Trial(datasources=(source(),)))
    assert answer.untried == "JAVA_HOME /opt/none has no bin/java"


def test_a_password_that_is_tried_is_in_no_file_environment_or_process_list(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    seen = tmp_path / "seen"
    (home.java / "bin/java").write_text(
        f"#!/bin/sh\ntr '\\0' ' ' < /proc/$$/cmdline > {seen}; cat /proc/$$/environ >> {seen}\n"
        f"ls -R {temporary} >> {seen}; grep -rac 'p4ss' {temporary} >> {seen}; cat > /dev/null\n"
        "echo 'tried 0 open - 0 '\n"
    )
    trial = Trial(datasources=(source(password="p4ss"),))
    answer = try_datasources(local_host(home.node()), trial)
    assert [each.result for each in answer.tried] == ["open"]
    text = seen.read_text()
    assert "TryDatasources.class" in text
    assert "p4ss" not in text
    assert not list(temporary.iterdir())
