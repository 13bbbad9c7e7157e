"""How Linux writes socket addresses in /proc/net/tcp and tcp6."""

from __future__ import annotations

from ipaddress import ip_address


def proc_net_forms(address: str) -> tuple[str, ...]:
    """Return the forms that `host:port` can have there: the kernel prints 32-bit words as they lie.

    Both byte orders are returned, since only the server knows its own. A host that is no
    address has no form.
    """
    host, _, port = address.rpartition(":")
    try:
        packed = ip_address(host.strip("[]")).packed
        suffix = f"{int(port):04X}"
    except ValueError:
        return ()
    words = [packed[at : at + 4] for at in range(0, len(packed), 4)]
    orders = ("".join(word.hex() for word in words), "".join(word[::-1].hex() for word in words))
    return tuple(f"{form.upper()}:{suffix}" for form in dict.fromkeys(orders))
