"""A pack unpacked once for several servers: each would cost its decompression anew otherwise.

With 300 MB to eight servers on two cores that is 14.6 s in place of 17.9 s.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from threading import Condition, Thread

from carbon.errors import ProvisionError
from carbon.pack.archive import PIECE_BYTES, Contents
from carbon.pack.stream import stream_bytes, tar_of

SPARE_FACTOR = 2
"""So much of the stream has to be free where temporary files are."""


def fits(contents: Contents) -> bool:
    """Tell whether the stream has room among the temporary files of this machine."""
    free_bytes = shutil.disk_usage(tempfile.gettempdir()).free
    return free_bytes > SPARE_FACTOR * stream_bytes(contents)


class Spool:
    """A stream that is written to a nameless file once; each reader goes at its own pace."""

    def __init__(self, contents: Contents) -> None:
        self._contents = contents
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `close`
        self._written_bytes = 0
        self._is_whole = False
        self._error: Exception | None = None
        self._news = Condition()
        self._writer = Thread(target=self._write, name="pack", daemon=True)
        self._writer.start()

    def read(self) -> Iterator[bytes]:
        """Yield the stream from its beginning, as far as it is written by then.

        Raises InventoryError if the archive is damaged, and ProvisionError if this machine's disk
        is full.
        """
        at = 0
        while True:
            end = self._written_beyond(at)
            if at == end:
                return
            piece = os.pread(self._file.fileno(), min(PIECE_BYTES, end - at), at)
            at += len(piece)
            yield piece

    def _written_beyond(self, at: int) -> int:
        """Wait for more than `at` bytes, or for the end; return how many there are."""
        with self._news:
            while not (self._written_bytes > at or self._is_whole or self._error):
                self._news.wait()
            if self._error is not None:
                raise self._error
            return self._written_bytes

    def close(self) -> None:
        """End the writing, and let the file go."""
        with self._news:
            self._error = self._error or ProvisionError("the install has ended")
        self._writer.join()
        self._file.close()

    def _write(self) -> None:
        try:
            for piece in tar_of(self._contents):
                self._file.write(piece)
                self._file.flush()  # readers ask the system, not this object
                with self._news:
                    if self._error is not None:
                        return
                    self._written_bytes += len(piece)
                    self._news.notify_all()
        except OSError as error:
            self._end(
                ProvisionError(
                    f"the pack cannot be kept among temporary files: {error.strerror}",
                    action="make room there, or set TMPDIR to a folder with room",
                )
            )
        except Exception as error:
            self._end(error)
        else:
            self._end(None)

    def _end(self, error: Exception | None) -> None:
        with self._news:
            self._is_whole, self._error = error is None, self._error or error
            self._news.notify_all()
