"""What a run tells while it goes on; tasks decide how it looks."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """The listener of a run; called from several threads."""

    def say(self, name: str, text: str) -> None:
        """Tell something that stays: a thing that was done or found."""
        ...

    def now(self, name: str, text: str) -> None:
        """Tell what is going on at this moment; replaced by the next, ended by an empty text."""
        ...

    def copied(self, name: str, done_bytes: int, total_bytes: int) -> None:
        """Tell how far a copy to a server has come; called for every piece of it."""
        ...
