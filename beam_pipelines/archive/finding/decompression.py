"""Streams of decompressed bytes: never cut short in silence, and all of `cat a.gz b.gz`."""

import bz2
import contextlib
import io
import lzma
import re
import zlib
from collections.abc import Callable, Iterator
from typing import IO, Any

import zstandard

# A decompressor takes one compressed file: it has `decompress`, `eof` and `unused_data`.
_DECOMPRESSORS: dict[str, Callable[[], Any]] = {
    "gzip": lambda: zlib.decompressobj(wbits=16 + zlib.MAX_WBITS),
    "bzip2": bz2.BZ2Decompressor,
    "xz": lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ),
    # By default it refuses the windows of more than 128 MB that `zstd --long=31` makes.
    "zstd": lambda: zstandard.ZstdDecompressor(max_window_size=1 << 31).decompressobj(),
}
_FIRST_BYTES = {
    "gzip": re.compile(rb"\x1f\x8b\x08"),
    "bzip2": re.compile(rb"BZh[1-9](?:1AY&SY|\x17\x72\x45\x38\x50\x90)"),
    "xz": re.compile(rb"\xfd7zXZ\x00"),
    # A frame, or one that is to be skipped.
    "zstd": re.compile(rb"(?s:\x28\xb5\x2f\xfd|[\x50-\x5f]\x2a\x4d\x18)"),
}
# Of a file that does not end sooner.
LONGEST_FIRST_BYTES = 10
# What decompressors raise of damaged bytes; none of them reads, so that an OSError of theirs is no disk's.
_ERRORS = (EOFError, OSError, zlib.error, lzma.LZMAError, zstandard.ZstdError)
# What some writers put behind a compressed file: blocks of zeros, the end of a line.
_PADDING = b"\0\r\n"
# So few that they fit in memory though they become a thousand times as many.
_READ_BYTES = 1 << 15
_BUFFER_BYTES = 1 << 16


class DamagedData(Exception):
    """What is compressed cannot be decompressed, however often it is read.

    Attributes:
      unread_bytes: How many bytes of the stream stand behind the damage; None where its length cannot be asked for.
    """

    unread_bytes: int | None = None


def compression_of(start: bytes) -> str | None:
    """Tells how a file is compressed, by its first bytes; None if it is not, or in no way that is read.

    >>> compression_of(b"\\x1f\\x8b\\x08\\x00"), compression_of(b"id,text")
    ('gzip', None)
    """
    return next((name for name, first_bytes in _FIRST_BYTES.items() if first_bytes.match(start)), None)


def decompress(raw: IO[bytes], compression: str | None) -> contextlib.AbstractContextManager[Any]:
    """Opens the decompressed bytes of a stream; this stays open, and is as it is where the compression is None.

    Reading raises `DamagedData` where the stream is damaged, or ends too early.
    """
    if compression is None:
        return contextlib.nullcontext(raw)
    return io.BufferedReader(_Decompressed(raw, compression), _BUFFER_BYTES)


class _Decompressed(io.RawIOBase):
    """What stands in a stream, decompressed: one compressed file, or several behind each other."""

    def __init__(self, raw: IO[bytes], compression: str):
        self._raw, self._compression = raw, compression
        self._begin_file(raw.tell())
        # Of what was taken from the stream, so much is not decompressed.
        self._left = 0
        # What is decompressed and not yet read, and what is raised behind it.
        self._pending = memoryview(b"")
        self._damage: DamagedData | None = None

    def _begin_file(self, start: int) -> None:
        """Begins with the compressed file that stands at a position of the stream."""
        self._start, self._decompressor = start, _DECOMPRESSORS[self._compression]()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        """Fills the whole buffer, but at the end of the stream and before damage, which the next call raises."""
        filled = 0
        while filled < len(buffer) and (self._pending or self._decompress_more()):
            taken = self._pending[: len(buffer) - filled]
            buffer[filled : filled + len(taken)] = taken
            filled += len(taken)
            self._pending = self._pending[len(taken) :]
        if self._damage and not filled:
            raise self._damage
        return filled

    def _decompress_more(self) -> bool:
        """Makes some bytes pending; tells whether there were any before the end or the damage."""
        while not self._pending and not self._damage:
            data = self._raw.read(_READ_BYTES)
            if not data and self._decompressor.eof:
                return False
            if not data:
                self._damage = DamagedData(f"it ends in the middle of its {self._compression} data")
                self._damage.unread_bytes = 0
            self._pending = memoryview(b"".join(self._up_to_damage(data)))
        return bool(self._pending)

    def _up_to_damage(self, data: bytes) -> Iterator[bytes]:
        """Decompresses data; of what is damaged, what comes before."""
        try:
            yield from self._pieces(data)
        except _ERRORS as error:
            self._damage = DamagedData(str(error))
            self._damage.__cause__ = error
            if self._raw.seekable():
                damaged_at = self._raw.tell() - self._left
                self._damage.unread_bytes = self._raw.seek(0, io.SEEK_END) - damaged_at

    def _pieces(self, data: bytes) -> Iterator[bytes]:
        while data:
            if self._decompressor.eof:
                data = data.lstrip(_PADDING)
                if not data:
                    return
                data += self._raw.read(LONGEST_FIRST_BYTES)
                self._left = len(data)
                if compression_of(data) != self._compression:
                    raise OSError(
                        f"behind its {self._compression} data stands something else; `{self._compression} -dc FILE > "
                        "START` keeps what comes before it, whatever it says of the rest"
                    )
                self._begin_file(self._raw.tell() - len(data))
            self._left = len(data)
            # Of what they fail at, decompressors return nothing.
            before = self._decompressor.copy() if self._compression == "gzip" else None
            try:
                yield self._decompressor.decompress(data)
            except _ERRORS:
                # Of xz, what is damaged comes out as other bytes for a while.
                if self._compression != "xz":
                    yield from self._bytewise(before or self._decompress_again(len(data)), data)
                raise
            data = self._decompressor.unused_data

    def _decompress_again(self, left: int) -> Any:
        """A decompressor that has read all of its file but the last bytes; None where the stream cannot go back."""
        if not self._raw.seekable():
            return None
        end, decompressor = self._raw.tell(), _DECOMPRESSORS[self._compression]()
        self._raw.seek(self._start)
        for position in range(self._start, end - left, _READ_BYTES):
            decompressor.decompress(self._raw.read(min(_READ_BYTES, end - left - position)))
        self._raw.seek(end)
        return decompressor

    def _bytewise(self, decompressor: Any, data: bytes) -> Iterator[bytes]:
        """Decompresses data up to its damage, if there is a decompressor."""
        while decompressor and self._left:
            yield decompressor.decompress(data[len(data) - self._left :][:1])
            self._left -= 1
