"""One address, however a log spells it."""

from __future__ import annotations

import re
from ipaddress import IPv6Address, ip_address


def canonical_host(text: str) -> str:
    """Return the one spelling of an address that the whole project compares by.

    Tribes prints an address as its bytes in decimal, 4 or 16 of them; Java prints IPv6 without
    `::`, and with the zone of a link-local address. A name is only lower-cased.
    """
    try:
        if text.count(".") == 15:
            address = ip_address(bytes(int(number) for number in text.split(".")))
        else:
            address = ip_address(text.strip("[]").partition("%")[0])
    except ValueError:
        return text.lower()
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return str(mapped or address)


def mentions(line: str, host: str) -> bool:
    """Tell whether a line names this address, in any spelling of the agents."""
    texts = "|".join(map(re.escape, spellings(host)))
    return re.search(rf"(?<![\w.:])(?:{texts})(?!\w|\.\d)", line) is not None


def spellings(host: str) -> tuple[str, ...]:
    """Return how the clustering agents spell an address: `canonical_host` reads all of them."""
    address = ip_address(host)
    if not isinstance(address, IPv6Address):
        return (str(address),)
    java = ":".join(f"{int(group, 16):x}" for group in address.exploded.split(":"))
    tribes = ".".join(str(byte) for byte in address.packed)
    return (str(address), java, tribes)
