"""One version of the driver, no bundle of another, and nothing else touched."""

from __future__ import annotations

import hashlib
import stat
import zipfile
from pathlib import Path

import pytest

from carbon.errors import InventoryError
from carbon.home.driver import (
    JarFacts,
    WantedDriver,
    bundle_name,
    class_file,
    plan,
    read_jar,
    stem,
)

CLASS = "org.mariadb.jdbc.Driver"
NEW, OLD = "2" * 64, "1" * 64
WANTED = WantedDriver(name="mariadb-java-client-2.7.6.jar", sha256=NEW, driver_class=CLASS)
PRESENT = JarFacts(name=WANTED.name, sha256=NEW, has_driver_class=True)


def jar(name: str, *, sha256: str = OLD, has_driver_class: bool = False) -> JarFacts:
    return JarFacts(name=name, sha256=sha256, has_driver_class=has_driver_class)


def removed(lib: list[JarFacts], dropins: list[str], wanted: WantedDriver = WANTED) -> list[str]:
    return [str(path) for path in plan(wanted, lib, dropins).remove]


# The plan


def test_the_same_content_under_the_same_name_is_left_alone() -> None:
    made = plan(WANTED, [PRESENT], [bundle_name(WANTED.name)])
    assert not made.changed
    assert made.reasons == ()


def test_a_missing_driver_is_uploaded() -> None:
    made = plan(WANTED, [], [])
    assert made.upload
    assert made.remove == ()
    assert made.reasons == ("mariadb-java-client-2.7.6.jar is not there",)


def test_another_content_under_the_same_name_is_replaced_with_its_bundle() -> None:
    made = plan(WANTED, [jar(WANTED.name)], ["mariadb_java_client_2.7.6_1.0.0.jar"])
    assert made.upload
    assert [str(path) for path in made.remove] == [
        "repository/components/dropins/mariadb_java_client_2.7.6_1.0.0.jar"
    ]
    assert made.reasons[0] == "mariadb-java-client-2.7.6.jar has another content"


def test_an_older_version_goes_with_its_bundle() -> None:
    lib = [jar("mariadb-java-client-1.8.0.jar"), PRESENT]
    dropins = ["mariadb_java_client_1.8.0_1.0.0.jar", bundle_name(WANTED.name)]
    assert removed(lib, dropins) == [
        "repository/components/lib/mariadb-java-client-1.8.0.jar",
        "repository/components/dropins/mariadb_java_client_1.8.0_1.0.0.jar",
    ]
    assert not plan(WANTED, lib, dropins).upload


def test_a_jar_of_another_name_that_holds_the_driver_class_goes() -> None:
    assert removed([jar("mariadb.jar", has_driver_class=True)], ["mariadb_1.0.0.jar"]) == [
        "repository/components/lib/mariadb.jar",
        "repository/components/dropins/mariadb_1.0.0.jar",
    ]


def test_a_bundle_whose_jar_somebody_deleted_goes() -> None:
    assert removed([PRESENT], ["mariadb_java_client_1.8.0_1.0.0.jar"]) == [
        "repository/components/dropins/mariadb_java_client_1.8.0_1.0.0.jar"
    ]


def test_the_bundle_of_an_unversioned_jar_goes_with_its_jar_only() -> None:
    """x_1.0.0.jar may be a bundle in its own right: it goes only if x.jar is replaced."""
    assert removed([PRESENT], ["mariadb_java_client_1.0.0.jar"]) == []
    old = jar("mariadb-java-client.jar")
    assert len(removed([PRESENT, old], ["mariadb_java_client_1.0.0.jar"])) == 2


@pytest.mark.parametrize(
    "name",
    [
        "mysql-utils-1.0.jar",
        "my-mysql-connector-java-helper-5.1.jar",
        "mysql-connector-java-metrics-5.1.49.jar",
        "mysql-connector-java-5.1.49-metrics.jar",
        "notmysql-connector-java-5.1.49.jar",
        "mysql-connector-mxj-5.0.12.jar",
    ],
)
def test_a_similar_name_is_not_the_driver(name: str) -> None:
    wanted = WantedDriver(
        name="mysql-connector-java-5.1.49-bin.jar", sha256=NEW, driver_class="com.mysql.jdbc.Driver"
    )
    assert removed([jar(name)], [bundle_name(name)], wanted) == []


def test_unrelated_jars_and_bundles_stay() -> None:
    lib = [jar("trilead-ssh2-1.0.0.jar"), jar("sequence-library-1.0.2.jar")]
    dropins = ["svnkit-1.3.9.wso2v2.jar", "trilead_ssh2_1.0.0_1.0.0.jar", "guava_1.0.0.jar"]
    assert removed(lib, dropins) == []


def test_another_driver_with_the_same_bundle_name_keeps_its_bundle() -> None:
    """Two JARs can lead to one bundle name; that of a JAR which stays stays, too."""
    lib = [jar("x-1.jar"), jar("x_1.jar")]
    wanted = WantedDriver(name="x-2.jar", sha256=NEW, driver_class=CLASS)
    assert removed(lib, ["x_1_1.0.0.jar"], wanted) == ["repository/components/lib/x-1.jar"]


def test_every_change_has_its_reason() -> None:
    made = plan(
        WANTED,
        [jar("mariadb-java-client-1.8.0.jar"), jar("m.jar", has_driver_class=True)],
        ["m_1.0.0.jar"],
    )
    assert made.reasons == (
        "mariadb-java-client-2.7.6.jar is not there",
        "mariadb-java-client-1.8.0.jar is another version",
        "m.jar holds the same driver class",
        "m_1.0.0.jar was made of a replaced JAR",
    )


# Names


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("mysql-connector-java-5.1.49-bin.jar", "mysql-connector-java"),
        ("mysql-connector-java-5.1.5-SNAPSHOT.jar", "mysql-connector-java"),
        ("mysql-connector-j-8.0.33.jar", "mysql-connector-j"),
        ("mariadb-java-client-2.7.6.jar", "mariadb-java-client"),
        ("postgresql-9.4-1201.jdbc41.jar", "postgresql"),
        ("postgresql-9.1-901-1.jdbc4.jar", "postgresql"),
        ("postgresql-42.2.18.jre7.jar", "postgresql"),
        ("mssql-jdbc-6.4.0.jre8.jar", "mssql-jdbc"),
        ("mssql-jdbc-6.4.0-jre8.jar", "mssql-jdbc"),
        ("jtds-1.3.1.jar", "jtds"),
        ("ojdbc8.jar", "ojdbc8"),
        ("ojdbc7.jar", "ojdbc7"),
        ("ojdbc8-19.3.0.0.jar", "ojdbc8"),
        ("sqljdbc4.jar", "sqljdbc4"),
        ("x-1-utils.jar", "x-utils"),
        ("1-2.jar", "1"),
        ("plain", "plain"),
    ],
)
def test_the_stem_is_the_name_without_its_version(name: str, expected: str) -> None:
    assert stem(name) == expected


def test_ojdbc7_and_ojdbc8_differ_by_name_and_meet_by_class() -> None:
    wanted = WantedDriver(name="ojdbc8.jar", sha256=NEW, driver_class="oracle.jdbc.OracleDriver")
    assert removed([jar("ojdbc7.jar")], [], wanted) == []
    assert len(removed([jar("ojdbc7.jar", has_driver_class=True)], [], wanted)) == 1


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("x-1.jar", "x_1_1.0.0.jar"),
        (
            "mysql-connector-java-5.1.49-bin.jar",
            "mysql_connector_java_5.1.49_bin_1.0.0.jar",
        ),
        ("ojdbc8.jar", "ojdbc8_1.0.0.jar"),
    ],
)
def test_the_bundle_has_the_name_that_carbon_gives_it(name: str, expected: str) -> None:
    assert bundle_name(name) == expected


def test_the_class_file_is_the_entry_of_a_jar() -> None:
    assert class_file(CLASS) == "org/mariadb/jdbc/Driver.class"


@pytest.mark.parametrize("name", ["", "Driver", "a..B", "a/B", "a.B;x", "a.B\n", "../a.B", "é.B"])
def test_what_is_no_class_name_is_refused(name: str) -> None:
    with pytest.raises(InventoryError):
        class_file(name)


# The JAR on the operator's machine


def write_jar(path: Path, *, content: bytes = b"\xca\xfe\xba\xbe\0\0") -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("META-INF/MANIFEST.MF", "Manifest-Version: 1.0\n")
        archive.writestr("org/mariadb/jdbc/Driver.class", content)
    return path


def test_a_driver_is_read_with_its_hash(tmp_path: Path) -> None:
    path = write_jar(tmp_path / "mariadb-java-client-2.7.6.jar")
    assert read_jar(path, driver_class=CLASS) == WantedDriver(
        name="mariadb-java-client-2.7.6.jar",
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        driver_class=CLASS,
    )


def test_a_link_to_a_jar_keeps_its_own_name(tmp_path: Path) -> None:
    """Debian installs mariadb-java-client.jar as a link to the versioned file."""
    link = tmp_path / "mariadb-java-client.jar"
    link.symlink_to(write_jar(tmp_path / "mariadb-java-client-2.7.6.jar"))
    assert read_jar(link, driver_class=CLASS).name == "mariadb-java-client.jar"


def test_a_jar_without_the_driver_class_is_refused(tmp_path: Path) -> None:
    path = write_jar(tmp_path / "x.jar")
    with pytest.raises(InventoryError, match=r"does not hold the class com\.mysql\.jdbc\.Driver"):
        read_jar(path, driver_class="com.mysql.jdbc.Driver")


def test_a_class_that_is_no_class_is_refused(tmp_path: Path) -> None:
    path = write_jar(tmp_path / "x.jar", content=b"<html>")
    with pytest.raises(InventoryError, match="is not a Java class"):
        read_jar(path, driver_class=CLASS)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"<html>404</html>", b"\0" * 10_000])
def test_what_is_no_archive_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.jar"
    path.write_bytes(content)
    with pytest.raises(InventoryError, match="is not a whole JAR"):
        read_jar(path, driver_class=CLASS)


def test_a_truncated_jar_is_refused(tmp_path: Path) -> None:
    path = write_jar(tmp_path / "x.jar")
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(InventoryError, match="is not a whole JAR"):
        read_jar(path, driver_class=CLASS)


def test_a_missing_file_or_a_directory_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "gone.jar", tmp_path / "folder.jar"):
        (tmp_path / "folder.jar").mkdir(exist_ok=True)
        with pytest.raises(InventoryError, match="is not a file"):
            read_jar(path, driver_class=CLASS)


@pytest.mark.parametrize("name", ["x.zip", "-x.jar", "x y.jar", "x'.jar", "$(x).jar", ".jar"])
def test_a_name_that_must_not_reach_a_server_is_refused(tmp_path: Path, name: str) -> None:
    path = write_jar(tmp_path / name)
    with pytest.raises(InventoryError, match="cannot be the name"):
        read_jar(path, driver_class=CLASS)


@pytest.mark.parametrize("entry", ["../../etc/passwd", "/etc/passwd", "a/../../x"])
def test_an_entry_that_leaves_the_archive_is_refused(tmp_path: Path, entry: str) -> None:
    path = write_jar(tmp_path / "x.jar")
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(entry, "x")
    with pytest.raises(InventoryError, match="which no JAR should have"):
        read_jar(path, driver_class=CLASS)


def test_a_symbolic_link_in_the_archive_is_refused(tmp_path: Path) -> None:
    path = write_jar(tmp_path / "x.jar")
    link = zipfile.ZipInfo("lib.so")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(InventoryError, match="which no JAR should have"):
        read_jar(path, driver_class=CLASS)


def test_a_class_that_stands_twice_is_refused(tmp_path: Path) -> None:
    """The JVM and other readers would not agree on which of the two counts."""
    path = write_jar(tmp_path / "x.jar")
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("org/mariadb/jdbc/Driver.class", b"\xca\xfe\xba\xbe")
    with pytest.raises(InventoryError, match="does not hold"):
        read_jar(path, driver_class=CLASS)
