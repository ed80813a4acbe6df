"""Streams of files that may be damaged: what comes before the damage is read."""

from typing import IO

from beam_pipelines.archive.finding import input_files

# Of what damage takes with it, zipfile forgets as many bytes as it was asked for.
_PIECE_BYTES = 1 << 12


class UpToDamage:
    """A stream that gives all bytes before damage, and raises behind them.

    Attributes:
      position: How many bytes it has given.
    """

    def __init__(self, stream: IO[bytes]):
        # In one read of many bytes, a buffer would forget those that come before the damage.
        self._read = getattr(stream, "read1", stream.read)
        self._pending = memoryview(b"")
        self._error: BaseException | None = None
        self.position = 0

    def read(self, size: int) -> bytes:
        pieces = []
        while size and (self._pending or self._read_piece()):
            pieces.append(self._pending[:size])
            self._pending = self._pending[size:]
            size -= len(pieces[-1])
            self.position += len(pieces[-1])
        if self._error and not pieces:
            raise self._error
        return b"".join(pieces)

    def _read_piece(self) -> bool:
        """Makes some bytes pending, of pieces of one size: how many damage takes with it depends on that."""
        if self._error:
            return False
        try:
            self._pending = memoryview(self._read(_PIECE_BYTES))
        except input_files.DAMAGE as error:
            if not input_files.is_damage(error):
                raise
            self._error = error
        return bool(self._pending)
