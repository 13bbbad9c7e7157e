"""/etc/hosts: one marked block for each owner; the lines of others are never touched.

    # carbon-provision: begin wso2.as.domain
    # Managed by carbon-provision: what stands between these two lines is replaced.
    10.0.0.5	carbondb.mysql-wso2.com
    # carbon-provision: end wso2.as.domain

The owner is the text that tells blocks apart if several clusters share a server. A name
that somebody else already maps to the wanted address is left to them and not repeated; one
that another block of this tool maps is repeated, since that block may be removed one day.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from ipaddress import ip_address

from carbon.cluster import HostsEntry
from carbon.errors import InventoryError, UnfitError
from carbon.hostnames import is_host_name
from carbon.value import Value

_BEGIN = "# carbon-provision: begin "
_END = "# carbon-provision: end "
_NOTE = "# Managed by carbon-provision: what stands between these two lines is replaced."
_EARLIER_NOTE = '# Written by "fab hosts": what stands between these two lines is replaced.'
"""What versions before 0.2 wrote; no /etc/hosts is changed for the sake of this line."""


class HostsPlan(Value, kw_only=True):
    """What /etc/hosts is to become."""

    new: bytes
    changed: bool
    added: tuple[str, ...] = ()
    """Mappings that the block gains."""
    removed: tuple[str, ...] = ()
    """Mappings that the block loses."""


def plan(current: bytes, entries: Sequence[HostsEntry], *, owner: str) -> HostsPlan:
    """Return /etc/hosts with exactly these entries in the owner's block.

    The block is appended once, replaced in place later, and absent when it would be empty.
    Raises UnfitError, with number and text of the line, if somebody else maps a wanted name
    to another address, or if marker lines do not pair; InventoryError for an owner, an
    address or a name that must not reach this file.
    """
    _check_owner(owner)
    wanted = _checked(entries)
    lines = re.findall(rb"[^\n]*\n|[^\n]+", current)
    blocks = _blocks(lines)
    body = _needed(wanted, list(_mappings(lines, blocks, owner=owner)))
    place = blocks.get(owner, slice(len(lines), len(lines)))
    old = [_text(line) for line in lines[place]]
    old_body = tuple(text for text in old[1:-1] if text and text not in (_NOTE, _EARLIER_NOTE))
    note = _EARLIER_NOTE if body == old_body and _EARLIER_NOTE in old else _NOTE
    new = _joined(lines[: place.start], _block(body, note, owner=owner), lines[place.stop :])
    return HostsPlan(
        new=new,
        changed=new != current,
        added=tuple(line for line in body if line not in old_body),
        removed=tuple(line for line in old_body if line not in body),
    )


def remove(current: bytes, *, owner: str) -> HostsPlan:
    """Return /etc/hosts without the owner's block; the others' bytes stay as they are."""
    return plan(current, (), owner=owner)


def addresses_of(hosts: bytes) -> dict[str, str]:
    """Return the address of each name in an /etc/hosts, in small letters; the first one counts."""
    addresses: dict[str, str] = {}
    for line in hosts.decode(errors="replace").splitlines():
        address, *names = line.partition("#")[0].split() or ("",)
        for name in names:
            addresses.setdefault(name.lower(), address)
    return addresses


def _check_owner(owner: str) -> None:
    if not owner or owner != owner.strip() or not owner.isprintable():
        raise InventoryError(
            f"{owner!r} cannot name a block of /etc/hosts",
            action="choose a domain of printable characters",
        )


def _checked(entries: Sequence[HostsEntry]) -> dict[str, str]:
    """Return name → address, in order; the same name twice must have the same address."""
    wanted: dict[str, str] = {}
    for entry in entries:
        address = _checked_address(entry.address)
        for name in entry.names:
            if not is_host_name(name):
                raise InventoryError(
                    f"{name!r} is not a host name",
                    action="use letters, digits, hyphens and dots",
                )
            if wanted.setdefault(name.lower(), address) != address:
                raise InventoryError(
                    f"{name} is to be mapped to both {wanted[name.lower()]} and {address}",
                    action="give each name one address in hosts.yaml",
                )
    return wanted


def _checked_address(text: str) -> str:
    try:
        if "%" not in text:
            return str(ip_address(text))
    except ValueError:
        pass
    raise InventoryError(
        f"{text!r} is not an IP address", action="write the address in numbers, without a zone"
    )


def _blocks(lines: Sequence[bytes]) -> dict[str, slice]:
    """Return where each owner's block stands, its marker lines included."""
    blocks: dict[str, slice] = {}
    opened: tuple[str, int] | None = None
    for index, line in enumerate(lines):
        text = _text(line)
        if text.startswith(_BEGIN):
            if opened is not None:
                raise _damaged(opened[1], lines, "begins and does not end")
            opened = (text.removeprefix(_BEGIN), index)
            if opened[0] in blocks:
                raise _damaged(index, lines, "is the second of its owner")
        elif text.startswith(_END):
            if opened is None or opened[0] != text.removeprefix(_END):
                raise _damaged(index, lines, "ends and did not begin")
            blocks[opened[0]] = slice(opened[1], index + 1)
            opened = None
    if opened is not None:
        raise _damaged(opened[1], lines, "begins and does not end")
    return blocks


def _damaged(index: int, lines: Sequence[bytes], how: str) -> UnfitError:
    return UnfitError(
        f"/etc/hosts:{index + 1}: a block of this tool {how}: {_text(lines[index])}",
        action="delete by hand what was the block, with all its marker lines, and run this again",
        step="hosts",
    )


def _text(line: bytes) -> str:
    return line.decode("utf-8", errors="backslashreplace").rstrip()


class _Mapping(Value, kw_only=True):
    """One line outside the owner's block that maps names."""

    line: int
    text: str
    address: str
    names: frozenset[str]
    of_this_tool: bool


def _mappings(
    lines: Sequence[bytes], blocks: Mapping[str, slice], *, owner: str
) -> Iterator[_Mapping]:
    ours = {at: name for name, block in blocks.items() for at in range(block.start, block.stop)}
    for index, line in enumerate(lines):
        fields = line.split(b"#", 1)[0].decode("latin-1").split()
        if len(fields) > 1 and ours.get(index) != owner:
            yield _Mapping(
                line=index + 1,
                text=_text(line),
                address=canonical(fields[0]),
                names=frozenset(name.lower() for name in fields[1:]),
                of_this_tool=index in ours,
            )


def canonical(address: str) -> str:
    """Return the one spelling of an address; what is a name stays as it is."""
    try:
        return str(ip_address(address))
    except ValueError:
        return address


def _needed(wanted: Mapping[str, str], mappings: Sequence[_Mapping]) -> tuple[str, ...]:
    """Return the lines of the block: what others' lines say already is left to them."""
    ours: dict[str, list[str]] = {}
    for name, address in wanted.items():
        same_name = [
            mapping
            for mapping in mappings
            if name in mapping.names and _may_contradict(mapping.address, address)
        ]
        for mapping in same_name:
            if mapping.address != address:
                raise UnfitError(
                    f"/etc/hosts:{mapping.line} maps {name} to {mapping.address}, "
                    f"hosts.yaml wants {address}: {mapping.text}",
                    action="correct or delete that line on the server, or change the address in"
                    " hosts.yaml",
                    step="hosts",
                )
        if all(mapping.of_this_tool for mapping in same_name):
            ours.setdefault(address, []).append(name)
    return tuple(f"{address}\t{' '.join(names)}" for address, names in ours.items())


def _may_contradict(address: str, wanted: str) -> bool:
    """Tell whether a name cannot have both addresses: it may have one of each family."""
    try:
        return ip_address(address).version == ip_address(wanted).version
    except ValueError:
        return True


def _block(body: Sequence[str], note: str, *, owner: str) -> bytes:
    if not body:
        return b""
    lines = (f"{_BEGIN}{owner}", note, *body, f"{_END}{owner}")
    return "".join(f"{line}\n" for line in lines).encode()


def _joined(before: Sequence[bytes], block: bytes, after: Sequence[bytes]) -> bytes:
    ends_a_line = not before or before[-1].endswith(b"\n")
    return b"".join((*before, b"" if ends_a_line or not block else b"\n", block, *after))
