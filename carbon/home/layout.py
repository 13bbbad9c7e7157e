"""AS_HOME: where things are in it, and what of it a clone takes along.

Every path is relative to AS_HOME and the same in all Carbon 4 products.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import PurePosixPath

from carbon.value import Value

# The product's own files.
SCRIPT = PurePosixPath("bin/wso2server.sh")
PID_FILE = PurePosixPath("wso2carbon.pid")

CONF = PurePosixPath("repository/conf")
AXIS2 = CONF / "axis2/axis2.xml"
CARBON_XML = CONF / "carbon.xml"
CATALINA = CONF / "tomcat/catalina-server.xml"
DATASOURCES = CONF / "datasources/master-datasources.xml"
LOG4J = CONF / "log4j.properties"
"""Levels and files of the log, up to kernel 4.4."""
HAZELCAST_XML = CONF / "etc/hazelcast.xml"
"""If it exists (kernel 4.4.6 on), it overrides the whole clustering section of axis2.xml."""
DEPLOYMENT_TOML = CONF / "deployment.toml"
"""With TOML_TEMPLATES (kernel 4.5 on): the XML files are generated from it at every start."""
TOML_TEMPLATES = PurePosixPath("repository/resources/conf/templates")

CONF_AT_ROOT = PurePosixPath("conf/axis2/axis2.xml")
"""Where EI 6.0 to 6.6 keep their configuration (product-ei, tags v6.0.0 to v6.4.0)."""

COMPONENTS = PurePosixPath("repository/components")
LIB = COMPONENTS / "lib"
DROPINS = COMPONENTS / "dropins"
WORKER_PROFILE = COMPONENTS / "worker"
"""Without it, -DworkerNode=true ends in `OSGi runtime worker profile not found`."""

DEPLOYMENT_SERVER = PurePosixPath("repository/deployment/server")
DATABASE = PurePosixPath("repository/database")
LOGS = PurePosixPath("repository/logs")
LOG = LOGS / "wso2carbon.log"
TMP = PurePosixPath("tmp")
TOMCAT_WORK = PurePosixPath("lib/tomcat/work")

PASSWORD_TMP = PurePosixPath("password-tmp")
"""Read and deleted at each start of a server with secure vault."""
PASSWORD_PERSIST = PurePosixPath("password-persist")
"""Read at each start, and kept."""
PASSWORD_FILES = (PurePosixPath("password"), PASSWORD_TMP, PASSWORD_PERSIST)
SECRET_CONF = CONF / "security/secret-conf.properties"
"""If it names a carbon.secretProvider, secure vault is on."""

SECRET_FILES = (
    *(str(path) for path in PASSWORD_FILES),
    "repository/conf/user-mgt.xml",
    "repository/conf/datasources/*-datasources.xml",
    "repository/conf/tomcat/catalina-server.xml",
    "repository/conf/security/cipher-text.properties",
    "repository/conf/security/secret-conf.properties",
    "repository/resources/security/*.jks",
    "repository/resources/security/*.p12",
    "repository/resources/security/*.pfx",
)
"""Where passwords and private keys are, beside axis2.xml and carbon.xml; `*` stands for any text.

Source: a stock AS 5.2.1 and 5.3.0; a truststore holds certificates alone."""
TRUSTSTORE = "truststore"

# What this tool keeps of its own, as far as Python names it; the rest is in remote/scripts.
STATE = PurePosixPath(".provision")
STAGED = STATE / "staged"
TAKEN_AWAY = STATE / "taken-away"
"""As new as the last swap that took a file away which a server reads at its start."""
REMOVED = STATE / "removed"
"""It was taken out of the cluster, and not started since."""
CONSOLE_LOG = STATE / "console.log"


class Exclusion(Value, kw_only=True):
    """What must not travel from one AS_HOME to another, and why.

    `pattern` names a file or a directory with all that is in it: `*` stands for any text
    within one name, `**` for any number of directories.
    """

    pattern: str
    reason: str
    keep_directory: bool = False
    """The directory itself travels, empty: the server expects to find it."""
    except_: tuple[str, ...] = ()
    """Files below it that travel all the same."""


NOT_CLONED: tuple[Exclusion, ...] = (
    Exclusion(
        pattern="wso2carbon.pid", reason="a stale pid makes `stop` signal a stranger's process"
    ),
    Exclusion(pattern="wso2carbon.lck", reason="the lock of the source's own init script"),
    Exclusion(
        pattern="tmp",
        reason="temporary files and locks of the source's process",
        keep_directory=True,
    ),
    Exclusion(
        pattern="repository/logs",
        reason="old lines would pass for starts and joins of the clone",
        keep_directory=True,
    ),
    Exclusion(
        pattern="lib/tomcat/work",
        reason="compiled pages, bound to the source's paths",
        keep_directory=True,
    ),
    Exclusion(
        pattern="repository/database",
        reason="H2 files with the source's local registry; each node needs its own",
        keep_directory=True,
    ),
    Exclusion(
        pattern="repository/deployment/server",
        reason="the deployment synchronizer fills it; another node's .svn conflicts",
        keep_directory=True,
    ),
    Exclusion(
        pattern="repository/tenants",
        reason="working copies of tenants, refilled by the deployment synchronizer",
        keep_directory=True,
    ),
    Exclusion(
        pattern="repository/components/*/configuration",
        reason="OSGi caches, rebuilt at start; bundles.info is the profile, not a cache",
        keep_directory=True,
        except_=("config.ini", "org.eclipse.equinox.simpleconfigurator/bundles.info"),
    ),
    Exclusion(pattern="solr/data", reason="a search index and its write.lock", keep_directory=True),
    Exclusion(
        pattern="repository/conf/solr/**/data",
        reason="a search index and its write.lock",
        keep_directory=True,
    ),
    Exclusion(pattern="password", reason="a keystore password waiting to be read at a start"),
    Exclusion(pattern="password-tmp", reason="a keystore password waiting to be read at a start"),
    Exclusion(pattern="password-persist", reason="a keystore password, kept for every start"),
    Exclusion(pattern="repository/data", reason="state of the source's own process"),
    Exclusion(pattern="modules", reason="state of the source's own process"),
    Exclusion(pattern="updates", reason="state of the update tool on the source"),
    Exclusion(pattern=".git", reason="the history of the source's own directory"),
    Exclusion(pattern=str(STATE), reason="this tool's own record of the source"),
)
"""The state of patches (components/patches/.metadata and patch0000) travels: it describes
components/plugins, which travels too, and only both together are consistent."""

EMPTY_DIRECTORIES = (TMP, LOGS, TOMCAT_WORK, DATABASE, DEPLOYMENT_SERVER)
"""What a server needs to find, whether or not its source had it."""


def travels(path: str) -> bool:
    """Tell whether a clone takes along this path of AS_HOME, as tar or find print it.

    A directory may travel while what is in it does not. An absolute path, or one that
    climbs with `..`, never travels.
    """
    parts = PurePosixPath(path).parts
    if path.startswith("/") or ".." in parts:
        return False
    plain = "/".join(parts)
    return not any(_holds_back(exclusion, plain) for exclusion in NOT_CLONED)


def stays_empty(path: str) -> bool:
    """Tell whether this path is a directory that a clone has without anything in it."""
    return any(
        exclusion.keep_directory
        and not exclusion.except_
        and (match := _compiled(exclusion.pattern).fullmatch(path)) is not None
        and match["below"] is None
        for exclusion in NOT_CLONED
    )


def _holds_back(exclusion: Exclusion, path: str) -> bool:
    match = _compiled(exclusion.pattern).fullmatch(path)
    if match is None:
        return False
    below: str | None = match["below"]
    if below is None:
        return not exclusion.keep_directory
    return not any(
        spared == below or spared.startswith(f"{below}/") for spared in exclusion.except_
    )


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    steps = [
        "(?:[^/]+/)*?" if name == "**" else re.escape(name).replace(r"\*", "[^/]*") + "/"
        for name in pattern.split("/")
    ]
    return re.compile("".join(steps).removesuffix("/") + "(?:/(?P<below>.+))?", re.DOTALL)
