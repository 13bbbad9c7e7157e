"""What a server's own grep passes of a log: all else stays on the server."""

from __future__ import annotations

from collections.abc import Collection

from carbon.join.address import spellings


def grep_pattern(addresses: Collection[str], *, extra_patterns: Collection[str] = ()) -> str:
    """Return the expression for a server's own grep that passes membership lines of these hosts.

    Any port passes, so that a join under another port is seen. With extra patterns every line
    that holds one of the addresses passes, since grep does not know their wording. Run it as
    `LC_ALL=C grep -aE --line-buffered`: a noisy log then costs nothing but its reading.
    """
    texts = dict.fromkeys(text for host in addresses for text in spellings(host))
    hosts = "|".join(_bounded(text) for text in texts)
    if extra_patterns:
        return hosts
    return f"(Received (JOIN|GetConfigurationCommand)|[Mm]ember).*({hosts})"


def _bounded(spelling: str) -> str:
    if ":" in spelling:
        return rf"(^|[^0-9A-Fa-f:]:?){spelling}([^0-9A-Fa-f]|$)"
    return rf"(^|[^0-9.]){spelling.replace('.', '[.]')}([.]?$|[.]?[^0-9.])"


MILESTONES_PATTERN = "|".join(
    (
        "Starting WSO2 Carbon",
        "Cluster (domain:|initialization completed)",
        "Local [Mm]ember",
        "Elected this member",
        "Member (joined|left)",
        "WSO2 Carbon started in [0-9]",
    )
)
"""For `grep -aE` on a node's own log: how far it came, and whom it sees."""
OWN_LOG_PATTERN = "|".join(
    (
        MILESTONES_PATTERN,
        "(^|[^A-Za-z])(ERROR|FATAL|SEVERE)([^A-Za-z]|$)",
        "^Caused by:",
        "SecretManager has not been initialized",
        "Loading hazelcast configuration from",
        "Cannot (initialize cluster|start transports)",
        "Invalid membership scheme",
        "No responses received from WKA members",
        "Could not connect to",
        "loopback address",
        "Waiting for required OSGi services",
        "profile not found",
        "JAVA_HOME",
        "ClassNotFoundException|NoClassDefFoundError|cannot be found by|Unable to load class",
        "UnsupportedClassVersionError|Unrecognized VM option|heap size:|Could not create the Java",
        "No suitable driver|[Aa]ccess denied|authentication failed|Login failed|ORA-[0-9]",
        "Communications link failure|Socket fail|UnknownHost|Connection refused",
        "Unknown database|Table .*(not found|doesn't exist)|Error in registering data source",
        "Locked by another process|[Dd]atabase may be already in use",
        "[Kk]ey ?[Ss]tore.*([Pp]assword|tampered)|[Pp]assword.*[Kk]ey ?[Ss]tore",
        "Address already in use|BindException|Port already in use|Cannot assign requested address",
        "OutOfMemoryError|Could not reserve enough space|No space left on device",
    )
)
"""For `grep -aE` on a worker's own log and console while it starts: milestones and failures."""
