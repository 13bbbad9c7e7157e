"""A progress that nobody hears."""

from __future__ import annotations


class Silent:
    """Tells nothing."""

    def say(self, name: str, text: str) -> None:
        """Do nothing."""

    def now(self, name: str, text: str) -> None:
        """Do nothing."""

    def copied(self, name: str, done_bytes: int, total_bytes: int) -> None:
        """Do nothing."""
