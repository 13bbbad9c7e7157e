"""AS_HOME: where things are in it, and what of it a clone takes along.

Every path is relative to AS_HOME and the same in all Carbon 4 products.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import PurePosixPath

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


NOT_CLONED = {
    "wso2carbon.pid": "a stale pid makes `stop` signal a stranger's process",
    "wso2carbon.lck": "the lock of the source's own init script",
    **{str(path): "the keystore password of the source's starts" for path in PASSWORD_FILES},
    "repository/data": "state of the source's own process",
    "modules": "state of the source's own process",
    "updates": "state of the update tool on the source",
    ".git": "the history of the source's own directory",
    str(STATE): "this tool's own record of the source",
}
"""What must not travel from one AS_HOME to another, and why: files, and directories with all that
is in them. The state of patches (components/patches/.metadata and patch0000) travels: it describes
components/plugins, which travels too, and only both together are consistent."""
_CACHES = "repository/components/*/configuration"
CLONED_EMPTY = {
    "tmp": "temporary files and locks of the source's process",
    "repository/logs": "old lines would pass for starts and joins of the clone",
    "lib/tomcat/work": "compiled pages, bound to the source's paths",
    "repository/database": "H2 files with the source's local registry; each node needs its own",
    "repository/deployment/server": "the deployment synchronizer fills it; .svn would conflict",
    "repository/tenants": "working copies of tenants, refilled by the deployment synchronizer",
    _CACHES: "OSGi caches, rebuilt at start; bundles.info is the profile, not a cache",
    "solr/data": "a search index and its write.lock",
    "repository/conf/solr/**/data": "a search index and its write.lock",
}
"""Directories that travel without what is in them, since a server expects to find them. `*` stands
for any text within one name, `**` for any number of directories."""
_NO_CACHES = ("config.ini", "org.eclipse.equinox.simpleconfigurator/bundles.info")

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
    if any(_below(pattern, plain) is not None for pattern in NOT_CLONED):
        return False
    if cached := _below(_CACHES, plain):
        return any(each == cached or each.startswith(f"{cached}/") for each in _NO_CACHES)
    return not any(_below(pattern, plain) for pattern in CLONED_EMPTY)


def stays_empty(path: str) -> bool:
    """Tell whether this path is a directory that a clone has without anything in it."""
    return any(_below(pattern, path) == "" for pattern in CLONED_EMPTY if pattern != _CACHES)


def _below(pattern: str, path: str) -> str | None:
    """Return the rest of a path below a pattern, empty for itself; None if it is elsewhere."""
    match = _compiled(pattern).fullmatch(path)
    return match and (match["below"] or "")


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    steps = [
        "(?:[^/]+/)*?" if name == "**" else re.escape(name).replace(r"\*", "[^/]*") + "/"
        for name in pattern.split("/")
    ]
    return re.compile("".join(steps).removesuffix("/") + "(?:/(?P<below>.+))?", re.DOTALL)
