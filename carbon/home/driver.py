"""The JDBC driver: exactly one version of it, and no bundle left of another.

Carbon turns each plain JAR of repository/components/lib into an OSGi bundle in
repository/components/dropins at start, and never removes one whose JAR is gone
(`Utils.createBundle` in the kernel's launcher). So a replaced driver stays active
until its generated bundle goes, too.
"""

from __future__ import annotations

import hashlib
import re
import stat
import zipfile
import zlib
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path, PurePosixPath

from carbon.errors import InventoryError
from carbon.home.layout import DROPINS, LIB
from carbon.value import Value

_JAR_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,199}\.jar")
_CLASS_NAME = re.compile(r"[A-Za-z_$][\w$]*(?:\.[A-Za-z_$][\w$]*)+", re.ASCII)
_VERSION = re.compile(r"\d[\w.+]*")
_QUALIFIER = re.compile(
    r"bin|snapshot|final|ga|release|(?:alpha|beta|rc|m|jre|jdk|java|jdbc)\d*", re.IGNORECASE
)
_CLASS_MAGIC = b"\xca\xfe\xba\xbe"
_GENERATED = "_1.0.0.jar"
# What zipfile raises over damaged, encrypted and unknown archives.
_BROKEN_ARCHIVE = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, ValueError)


class WantedDriver(Value, kw_only=True):
    """The driver of hosts.yaml, its JAR looked into."""

    name: str
    sha256: str
    driver_class: str


class JarFacts(Value, kw_only=True):
    """One JAR of repository/components/lib on a server."""

    name: str
    sha256: str
    has_driver_class: bool
    """Whether it holds the class of the wanted driver."""


class DriverPlan(Value, kw_only=True):
    """What has to be done to have the wanted driver and no other version of it."""

    upload: bool
    remove: tuple[PurePosixPath, ...]
    """Relative to AS_HOME."""
    reasons: tuple[str, ...]

    @property
    def changed(self) -> bool:
        """Whether there is anything to do."""
        return self.upload or bool(self.remove)


def read_jar(path: Path, *, driver_class: str) -> WantedDriver:
    """Look into the driver's JAR on the operator's machine.

    Raises InventoryError for a file that is missing, is not a JAR, holds what build tools never
    write, or lacks the driver class.
    """
    if not _JAR_NAME.fullmatch(path.name):
        raise InventoryError(
            f"{path.name!r} cannot be the name of a driver's JAR",
            action="use letters, digits, dots and hyphens, and the ending .jar",
        )
    try:
        if not path.is_file():
            raise InventoryError(
                f"the driver {path} is not a file", action="correct driver.jar in hosts.yaml"
            )
        with path.open("rb") as jar:
            sha256 = hashlib.file_digest(jar, "sha256").hexdigest()
            with zipfile.ZipFile(jar) as archive:
                _check_entries(archive, path)
                _check_class(archive, path, driver_class)
    except OSError as error:
        raise InventoryError(
            f"the driver {path} cannot be read: {error.strerror}",
            action="correct driver.jar in hosts.yaml",
        ) from None
    except _BROKEN_ARCHIVE as error:
        raise InventoryError(
            f"the driver {path} is not a whole JAR: {error}",
            action="fetch it again from the database's vendor",
        ) from None
    return WantedDriver(name=path.name, sha256=sha256, driver_class=driver_class)


def class_file(driver_class: str) -> str:
    """Return the entry of a JAR that holds this class.

    Entry names stand uncompressed in a JAR, so a fixed-string grep for it finds the JARs
    that have the class. Raises InventoryError for what is not the full name of a class.
    """
    if not _CLASS_NAME.fullmatch(driver_class):
        raise InventoryError(
            f"{driver_class!r} is not the full name of a class",
            action="write `class` under `driver:` as in org.mariadb.jdbc.Driver",
        )
    return driver_class.replace(".", "/") + ".class"


def plan(wanted: WantedDriver, lib: Sequence[JarFacts], dropins: Collection[str]) -> DriverPlan:
    """Compare what a server has in lib and dropins with the wanted driver.

    Replaced is what has the stem of the wanted JAR's name, or holds its driver class; never
    what merely has a similar name. The bundle made of a replaced JAR goes with it, also that of
    another content under the same name, and one whose JAR is already gone.
    """
    same = next((jar for jar in lib if jar.name == wanted.name), None)
    upload = same is None or same.sha256 != wanted.sha256
    old = [jar for jar in lib if jar.name != wanted.name and _is_version_of(wanted, jar)]
    keep = set() if upload else {bundle_name(wanted.name)}
    keep |= {bundle_name(jar.name) for jar in lib if jar not in old and jar is not same}
    gone = {bundle_name(jar.name) for jar in old} | {bundle_name(wanted.name)}
    bundles = [
        name
        for name in sorted(dropins)
        if name not in keep and (name in gone or _is_bundle_of_stem(name, stem(wanted.name)))
    ]
    return DriverPlan(
        upload=upload,
        remove=(*(LIB / jar.name for jar in old), *(DROPINS / name for name in bundles)),
        reasons=tuple(_reasons(wanted, same, old, bundles)),
    )


def stem(jar_name: str) -> str:
    """Return a JAR's name without its version.

    mysql-connector-java-5.1.49-bin.jar → mysql-connector-java; ojdbc8.jar → ojdbc8. A word
    after the version that says nothing of versions stays: x-1-utils.jar is not x-2.jar.
    """
    first, *rest = jar_name.removesuffix(".jar").split("-")
    words = [first]
    versioned = False
    for word in rest:
        if _VERSION.fullmatch(word):
            versioned = True
        elif not (versioned and _QUALIFIER.fullmatch(word)):
            words.append(word)
    return "-".join(words)


def entry_pattern(driver_class: str) -> str:
    """Return an extended regular expression that finds a class in the bytes of a JAR.

    Before an entry's name stands a length or an offset; before that of a relocated copy, which
    is not a driver of its own, the rest of its path.
    """
    return "(^|[^/[:alnum:]_])" + re.sub(r"([][.$^*+?(){}|\\])", r"\\\1", class_file(driver_class))


def bundle_name(jar_name: str) -> str:
    """Return the name that Carbon gives the bundle made of this JAR: x-1.jar → x_1_1.0.0.jar."""
    return jar_name.replace("-", "_").removesuffix(".jar") + _GENERATED


def _is_version_of(wanted: WantedDriver, jar: JarFacts) -> bool:
    return jar.has_driver_class or stem(jar.name) == stem(wanted.name)


def _is_bundle_of_stem(bundle: str, wanted_stem: str) -> bool:
    """Tell whether Carbon made this bundle of a version whose JAR may be gone by now."""
    if not bundle.endswith(_GENERATED):
        return False
    jar = bundle.removesuffix(_GENERATED).replace("_", "-")
    return jar != stem(jar) and stem(jar) == wanted_stem.replace("_", "-")


def _reasons(
    wanted: WantedDriver, same: JarFacts | None, old: Sequence[JarFacts], bundles: Sequence[str]
) -> Iterator[str]:
    if same is None:
        yield f"{wanted.name} is not there"
    elif same.sha256 != wanted.sha256:
        yield f"{wanted.name} has another content"
    for jar in old:
        what = "holds the same driver class" if jar.has_driver_class else "is another version"
        yield f"{jar.name} {what}"
    for bundle in bundles:
        yield f"{bundle} was made of a replaced JAR"


def _check_entries(archive: zipfile.ZipFile, path: Path) -> None:
    for entry in archive.infolist():
        name = PurePosixPath(entry.filename)
        if name.is_absolute() or ".." in name.parts or stat.S_ISLNK(entry.external_attr >> 16):
            raise InventoryError(
                f"the driver {path} has the entry {entry.filename!r}, which no JAR should have",
                action="fetch it again from the database's vendor",
            )


def _check_class(archive: zipfile.ZipFile, path: Path, driver_class: str) -> None:
    wanted = class_file(driver_class)
    if archive.namelist().count(wanted) != 1:
        raise InventoryError(
            f"the driver {path} does not hold the class {driver_class}",
            action="correct `class` or `jar` under `driver:` in hosts.yaml",
        )
    with archive.open(wanted) as entry:
        if entry.read(len(_CLASS_MAGIC)) != _CLASS_MAGIC:
            raise InventoryError(
                f"{wanted} in the driver {path} is not a Java class",
                action="fetch it again from the database's vendor",
            )
