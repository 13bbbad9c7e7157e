"""Which boot of a server this is, and what the next one needs."""

from __future__ import annotations

from collections.abc import Sequence

from carbon.value import Value


class Boot(Value, kw_only=True):
    """One boot of a server, as its kernel and its first process tell it."""

    boot_id: str
    """The kernel's, another one after each boot; a container has that of its host."""
    init_ticks: int
    """When process 1 began, in ticks since the kernel's boot: another one for each boot of a
    container, which has no boot id of its own."""
    mount: tuple[str, ...] = ()
    """Mount point, source and type of the file system that AS_HOME is on."""
    mounted_at_boot: bool = True
    has_password: bool = False
    """Root keeps the keystore password for the unit."""

    def is_another_than(self, before: Boot) -> str:
        """Return what proves that the server has booted since; empty if nothing does."""
        if self.boot_id != before.boot_id:
            return "a new boot id"
        if self.init_ticks != before.init_ticks:
            return "a new process 1: a container has its host's boot id"
        return ""


def parse_boot(lines: Sequence[str]) -> Boot:
    """Read what boot.sh says. Raises ValueError if it says no boot."""
    said = {word: rest for word, _, rest in (line.partition(" ") for line in lines)}
    if "boot" not in said or "init" not in said:
        raise ValueError("the boot id or process 1 is missing")
    return Boot(
        boot_id=said["boot"],
        init_ticks=int(said["init"]),
        mount=tuple(said.get("mount", "").split()),
        mounted_at_boot="mounted-at-boot" in said or "mount" not in said,
        has_password=said.get("password") == "present",
    )
