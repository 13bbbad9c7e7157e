"""What the `cksum` of POSIX says of bytes: enough to find an accident, and dear nowhere."""

from __future__ import annotations

import zlib
from functools import lru_cache

_MIRRORED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
"""Each byte, its last bit first."""
_EMPTY_REGISTER = 0xFFFFFFFF
"""What zlib has to go on from where cksum begins."""


@lru_cache(maxsize=64)
def checksum(data: bytes) -> int:
    """Return the CRC that `cksum` prints; of a driver that goes to many servers, computed once.

    It is the polynomial of zlib, but from the other end of each byte, with the length as bytes
    behind the data, the lowest first (POSIX, `cksum`).
    """
    size = len(data)
    length = size.to_bytes((size.bit_length() + 7) // 8, "little")
    mirrored = zlib.crc32((data + length).translate(_MIRRORED), _EMPTY_REGISTER)
    return int(f"{mirrored:032b}"[::-1], 2)
