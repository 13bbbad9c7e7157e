"""What single values of hosts.yaml may be: each check takes the text and returns the value.

The checks keep out what no quoting could make right (a line break in a host name, a relative
AS_HOME). What may hold anything, such as an URL, passes through intact.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import PurePosixPath

from carbon.cluster import Member
from carbon.hostnames import is_host_name

MAX_PORT = 65535
MAX_OFFSET = MAX_PORT - 9763
"""The highest of the two Tomcat ports is 9763 + Offset."""
MAX_SECONDS = 86_400

SYSTEM_DIRECTORY = (
    "/(bin|boot|dev|etc|home|lib|lib64|media|mnt|opt|proc|root|run|sbin|srv|sys|tmp|usr|usr/local"
    "|var)?"
)
INLINE_PASSWORD = r"(?i)[?&;]password=|//[^/@:\s]*:[^/@\s]*@"
NOT_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 does not have."""


class Unfit(Exception):
    """A text is not such a value: `problem` completes the sentence that begins with the text."""

    def __init__(self, problem: str, action: str) -> None:
        super().__init__(problem)
        self.problem = problem
        self.action = action


def demand(fits: object, problem: str, action: str) -> None:
    """Raise Unfit unless the text fits."""
    if not fits:
        raise Unfit(problem, action)


def matching(pattern: str, problem: str, action: str) -> Callable[[str], str]:
    """Return a check for texts that match a pattern as a whole."""

    def check(text: str) -> str:
        demand(re.fullmatch(pattern, text, re.ASCII), problem, action)
        return text

    return check


def whole_number(low: int, high: int, action: str = "") -> Callable[[str], int]:
    """Return a check for decimal numbers between two limits."""
    action = action or "write it in plain decimal digits, without sign or leading zeros"

    def check(text: str) -> int:
        fits = re.fullmatch(r"0|[1-9][0-9]{0,8}", text) and low <= int(text) <= high
        demand(fits, f"is not a whole number from {low} to {high}", action)
        return int(text)

    return check


port = whole_number(1, MAX_PORT)
offset = whole_number(
    0, MAX_OFFSET, action=f"the HTTP port is 9763 + Offset, and no port is above {MAX_PORT}"
)


def seconds(text: str) -> float:
    """Check a limit in seconds."""
    number = text.removesuffix("s")
    fits = re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,3})?", number)
    demand(
        fits and 0 < float(number) <= MAX_SECONDS,
        f"is not a number of seconds up to {MAX_SECONDS}",
        "write it as in `120` or `120s`",
    )
    return float(number)


def flag(text: str) -> bool:
    """Check a truth value; yes, no, on and off are texts here, as in YAML 1.2."""
    demand(text.lower() in ("true", "false"), "is neither true nor false", "write true or false")
    return text.lower() == "true"


def one_of(*words: str) -> Callable[[str], str]:
    """Return a check for a word out of a few."""
    pattern = "|".join(map(re.escape, words))
    return matching(pattern, "is not a known word here", f"write one of: {', '.join(words)}")


def printable(text: str) -> str:
    """Check a text of one line."""
    fits = text and text.isprintable()
    demand(fits, "is empty or holds a line break or control character", "write it on one line")
    return text


def one_line(text: str) -> str:
    """Check a text of one line that may be empty."""
    return text and printable(text)


def word(text: str) -> str:
    """Check a text without blanks, such as a cluster domain."""
    fits = text.isprintable() and re.fullmatch(r"[^\s-]\S{0,254}", text)
    demand(fits, "is not one word", "write up to 255 characters, no blanks, no dash first")
    return text


def xml_text(text: str) -> str:
    """Check a text that goes into an XML file and may otherwise hold anything."""
    if strange := NOT_XML.search(text):
        raise Unfit(
            f"holds the character U+{ord(strange[0]):04X}, which no XML file can hold", "remove it"
        )
    return text


def fragment(text: str) -> str:
    """Check XML to insert: one element, with any comments around it.

    Its prefixes may be those of the file that it goes into, so they are not looked at here.
    """
    from xml.dom import expatbuilder, minidom
    from xml.parsers import expat

    around = f"<around>{xml_text(text)}</around>".encode()
    try:
        (root,) = expatbuilder.parseString(around, namespaces=False).childNodes
    except expat.ExpatError as error:
        raise Unfit(
            f"is not well-formed XML: {expat.ErrorString(error.code)}",
            "close every element and write & as &amp;",
        ) from None
    parts = root.childNodes
    elements = [part for part in parts if isinstance(part, minidom.Element)]
    texts = [part for part in parts if isinstance(part, minidom.Text) and part.data.strip()]
    fits = len(elements) == 1 and not texts
    demand(fits, "is not exactly one element", "write one `- file:` entry for each")
    return text


def url(text: str) -> str:
    """Check an URL: anything goes but a password, since URLs are shown in plans and diffs."""
    demand(text, "is empty", "write the URL as the product's own documentation shows it")
    demand(
        not re.search(INLINE_PASSWORD, text),
        "holds a password",
        "move it to the password key beside it, as !env, !file or !command",
    )
    return xml_text(text)


node_name = matching(
    r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}",
    "is not a name for a node",
    "use up to 63 letters, digits, dots, dashes and underscores, a letter or digit first",
)
datasource_name = matching(
    r"[A-Za-z0-9_][A-Za-z0-9_.-]*",
    "is not a name for a datasource",
    "use letters, digits and underscores, as in WSO2_REGISTRY_DB",
)
property_name = matching(
    r"[A-Za-z_][A-Za-z0-9_.-]*",
    "is not a name for a property",
    "write the element's name, as in maxActive",
)
prefix = matching(
    r"[A-Za-z_][A-Za-z0-9_.-]*",
    "is not a namespace prefix",
    "bind the default namespace to a prefix of your own too: XPath has no default namespace",
)
attribute_name = matching(
    r"([A-Za-z_][A-Za-z0-9_.-]*:)?[A-Za-z_][A-Za-z0-9_.-]*",
    "is not the name of an attribute",
    "write the bare name, as in `attribute: proxyPort`",
)
template_name = matching(
    r"[A-Za-z_][A-Za-z0-9_]*",
    "is not a name for a template",
    "write letters, digits and _, as in dbPassword",
)
java_class = matching(
    r"[A-Za-z_$][A-Za-z0-9_$]*(\.[A-Za-z_$][A-Za-z0-9_$]*)*",
    "is not the name of a Java class",
    "write the full name, as in org.mariadb.jdbc.Driver",
)
account = matching(
    r"[A-Za-z_][A-Za-z0-9_.@\\-]*\$?",
    "is not the name of an account",
    "write the login name as `id` shows it on the server",
)
ssh_host = matching(
    r"[A-Za-z0-9_:\[][A-Za-z0-9_.:%\[\]-]*",
    "is not a host for ssh",
    "write an address, a host name, or an alias of ~/.ssh/config; user and port have own keys",
)
gateway = matching(
    r"([A-Za-z_][A-Za-z0-9_.\\-]*@)?[A-Za-z0-9_\[][A-Za-z0-9_.:%\[\]-]*",
    "is not a gateway",
    "write it as in user@bastion:22",
)
http_path = matching(r"/[!-~]*", "is not the path of an HTTP request", "write it as in `/app/ping`")
"""It goes into the request as it is."""


def variable_name(text: str) -> str:
    """Check the name of an environment variable that deploy does not set itself."""
    own = text in ("JAVA_HOME", "CARBON_HOME")
    demand(not own, "is set for each server", "use the keys java_home and home")
    fits = re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", text)
    demand(fits, "is not a name for an environment variable", "write it as in JVM_MEM_OPTS")
    return text


def host_name(text: str) -> str:
    """Check a host name; an address is none."""
    fits = is_host_name(text) and not text.rpartition(".")[2].isdigit()
    action = "use letters, digits, dashes and dots, as in mgt.as.wso2.com"
    demand(fits, "is not a host name", action)
    return text


def mapped_name(text: str) -> str:
    """Check a host name for /etc/hosts, where localhost must stay what it is."""
    fits = host_name(text).lower().split(".")[0] != "localhost"
    demand(fits, "is every server's own name for itself", "use another name")
    return text


def host_name_or_address(text: str) -> str:
    """Check what a client may be sent to."""
    return text if is_address(text) else host_name(text)


def is_address(text: str) -> bool:
    """Tell whether the text is an IP address."""
    return _address(text) is not None


def address(text: str) -> str:
    """Check an IP address that a server can be reached at."""
    address = _address(text)
    demand(
        address and not address.is_unspecified and not address.is_multicast,
        "is not the IP address of a server",
        "write the numeric address, as in 10.0.0.4; names go under `hostnames:` or `hosts:`",
    )
    return str(address)


def member_address(text: str) -> str:
    """Check a localMemberHost: an IP address that other servers can reach."""
    address = _address(text)
    if address is None:
        raise Unfit(
            "is not an IP address",
            "write the server's own numeric address: Carbon 4.2 fails to join with names",
        )
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    own = mapped or address
    demand(
        not (own.is_loopback or own.is_unspecified or own.is_multicast)
        and text != "255.255.255.255",
        "is not an address that other members can reach",
        "write the server's own address in the cluster's network",
    )
    return str(address)


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        return None if "%" in text else ip_address(text)
    except ValueError:
        return None


def member(text: str) -> Member:
    """Check a well-known member, ADDRESS:PORT."""
    match = re.fullmatch(r"(?:\[([0-9A-Fa-f:.]+)\]|([0-9.]+)):([0-9]+)", text)
    if not match:
        raise Unfit(
            "is not a well-known member",
            "write the member's IP address and localMemberPort, as in 10.0.0.3:4000",
        )
    return Member(host=member_address(match[1] or match[2]), port=port(match[3]))


def server_path(text: str) -> PurePosixPath:
    """Check a path on a server."""
    fits = text.startswith("/") and ".." not in text.split("/") and text.isprintable()
    problem = "is not an absolute path on one line without `..`"
    demand(fits, problem, "write it out from the root /")
    return PurePosixPath(re.sub("/+", "/", text))


def unit(text: str) -> str:
    """Check the name of a service of systemd; `.service` may be left out."""
    name = text.removesuffix(".service")
    fits = re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*(@[A-Za-z0-9_.-]+)?", name, re.ASCII)
    action = "write letters, digits, `-`, `_` and `.`"
    demand(fits, "is not the name of a service of systemd", action)
    return f"{name}.service"


def home(text: str) -> PurePosixPath:
    """Check an AS_HOME: a directory of its own, since parts of it are emptied and replaced."""
    path = server_path(text)
    own = not re.fullmatch(SYSTEM_DIRECTORY, str(path))
    action = "name the product's own directory, as in /opt/wso2/as"
    demand(own, "is a directory of the system", action)
    return path


def conf_file(text: str) -> PurePosixPath:
    """Check the path of a file relative to repository/conf."""
    path = PurePosixPath(text)
    demand(
        path.parts and not path.is_absolute() and ".." not in path.parts and text.isprintable(),
        "is not a file below repository/conf",
        "write its path from there, as in registry.xml or axis2/axis2.xml",
    )
    return path


def artifact_target(text: str) -> PurePosixPath:
    """Check where an artifact goes, relative to AS_HOME."""
    path = PurePosixPath(text)
    climbs = {"", ".", ".."} & set(text.rstrip("/").split("/"))
    demand(
        path.parts and not path.is_absolute() and not climbs,
        "is not a place below AS_HOME",
        "write its path from AS_HOME on, as in repository/components/dropins/x.jar",
    )
    fits = text.isprintable() and "\\" not in text
    demand(fits, "holds a character that has no place in a path", "rename it")
    return path


def file_mode(text: str) -> int:
    """Check the mode of a file, in octal digits."""
    mode = int(text, 8) if re.fullmatch("0?[0-7]{3}", text) else 0
    demand(
        mode & 0o400 and not mode & 0o002,
        "is not a mode that a file of Carbon may have",
        'write three octal digits, as in "640"; its owner reads it, and not all may write it',
    )
    return mode


def sha256(text: str) -> str:
    """Check a checksum as sha256sum prints it."""
    fits = re.fullmatch(r"[0-9a-fA-F]{64}", text)
    demand(fits, "is not a sha256", "write the 64 hexadecimal digits that sha256sum prints")
    return text.lower()


def command(text: str) -> str:
    """Check a command for `sh -c`; it may have several lines."""
    fits = text.strip() and text.replace("\n", "").replace("\t", "").isprintable()
    demand(fits, "is empty or holds a control character", "write a command for the shell")
    return text.strip("\n")


def join_pattern(text: str) -> str:
    """Check a regular expression that finds a joined member's `host` and `port`."""
    try:
        groups = re.compile(text).groupindex
    except (re.error, OverflowError, RecursionError) as error:
        raise Unfit(f"is not a regular expression: {error}", "correct it") from None
    missing = " and ".join(sorted({"host", "port"} - set(groups)))
    action = r"write them as in (?P<host>[0-9.]+):(?P<port>[0-9]+)"
    demand(not missing, f"has no group named {missing}", action)
    return text
