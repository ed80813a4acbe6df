"""Streams of decompressed bytes: never cut short in silence, and all of `cat a.gz b.gz`."""

import bz2
import contextlib
import io
import lzma
import re
import zipfile
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
# What decompressors raise of damaged bytes; an OSError of theirs has no number.
_ERRORS = (EOFError, OSError, zlib.error, lzma.LZMAError, zstandard.ZstdError)
# What some writers put behind a compressed file: blocks of zeros, the end of a line.
_PADDING = b"\0\r\n"
# So few that they fit in memory though they become a thousand times as many.
_READ_BYTES = 1 << 15
_BUFFER_BYTES = 1 << 16


class DamagedData(Exception):
    """What is compressed cannot be decompressed, however often it is read.

    Attributes:
      raw: The stream that holds it.
      read_bytes: How many bytes of that have been decompressed.
    """

    def __init__(self, message: str, raw: IO[bytes], read_bytes: int):
        super().__init__(message)
        self.raw = raw
        self.read_bytes = read_bytes


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


def _can_go_back(raw: IO[bytes]) -> bool:
    try:
        return raw.seekable()
    except AttributeError:
        return False  # A member of a .tar that is itself decompressed cannot even be asked (Python 3.11).


class _Decompressed(io.RawIOBase):
    """What stands in a stream, decompressed: one compressed file, or several behind each other."""

    def __init__(self, raw: IO[bytes], compression: str):
        self._raw, self._compression = raw, compression
        # zipfile forgets as many bytes of what is damaged as it was asked for.
        self._read_bytes = 1 << 12 if isinstance(raw, zipfile.ZipExtFile) else _READ_BYTES
        self._begin_file(raw.tell())
        # Behind what has become of the stream so far; a block of bzip2 comes when all of it is read.
        self._end_of_good = self._start
        # What is decompressed and not yet read, and what is raised behind it.
        self._pending = memoryview(b"")
        self._damage: Exception | None = None

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
            try:
                data = self._raw.read(self._read_bytes)
            except Exception as error:  # Such as that of a .zip or .tar around it; what came before is given first.
                self._damage = error
                return False
            if not data and self._decompressor.eof:
                return False
            if not data:
                self._damage = self._damaged(f"it ends in the middle of its {self._compression} data")
            self._pending = memoryview(b"".join(self._up_to_damage(data)))
        return bool(self._pending)

    def _damaged(self, message: object) -> DamagedData:
        return DamagedData(str(message), self._raw, self._end_of_good)

    def _up_to_damage(self, data: bytes) -> Iterator[bytes]:
        """Decompresses data; of what is damaged, what comes before."""
        try:
            yield from self._pieces(data)
        except _ERRORS as error:
            if isinstance(error, OSError) and error.errno is not None:
                self._damage = error  # A disk's or a network's, where the stream was read meanwhile.
                return
            self._damage = self._damaged(error)
            self._damage.__cause__ = error

    def _pieces(self, data: bytes) -> Iterator[bytes]:
        while data:
            if self._decompressor.eof:
                data = data.lstrip(_PADDING)
                if not data:
                    return
                data += self._raw.read(LONGEST_FIRST_BYTES)
                if compression_of(data) != self._compression:
                    raise OSError(
                        f"behind its {self._compression} data stands something else; `{self._compression} -dc FILE > "
                        "START` keeps what comes before it, whatever it says of the rest"
                    )
                self._begin_file(self._raw.tell() - len(data))
            # Of what they fail at, decompressors return nothing.
            before = self._decompressor.copy() if self._compression == "gzip" else None
            try:
                piece = self._decompress(self._decompressor, data)
            except _ERRORS:
                # Of xz, what is damaged comes out as other bytes for a while.
                if self._compression != "xz":
                    yield from self._bytewise(before or self._decompress_again(len(data)), data)
                raise
            data = self._decompressor.unused_data
            self._note_good(piece, len(data))
            yield piece

    def _decompress(self, decompressor: Any, data: bytes) -> bytes:
        """Decompresses all that comes of some bytes: of bzip2, a block is right only when its checksum is reached."""
        pieces = [decompressor.decompress(data)]
        while self._compression == "bzip2" and pieces[-1] and not decompressor.eof:
            pieces.append(decompressor.decompress(b""))
        return b"".join(pieces)

    def _note_good(self, piece: bytes, left: int) -> None:
        """Notes how far the stream has become a piece of data, but for some bytes that were taken from it."""
        if piece:
            self._end_of_good = self._raw.tell() - left

    def _decompress_again(self, left: int) -> Any:
        """A decompressor that has read all of its file but the last bytes; None where the stream cannot go back."""
        if not _can_go_back(self._raw):
            return None
        end, decompressor = self._raw.tell(), _DECOMPRESSORS[self._compression]()
        self._raw.seek(self._start)
        for position in range(self._start, end - left, _READ_BYTES):
            decompressor.decompress(self._raw.read(min(_READ_BYTES, end - left - position)))
        self._raw.seek(end)
        return decompressor

    def _bytewise(self, decompressor: Any, data: bytes) -> Iterator[bytes]:
        """Decompresses data up to its damage, if there is a decompressor."""
        for index in range(len(data) if decompressor else 0):
            piece = self._decompress(decompressor, data[index : index + 1])
            self._note_good(piece, len(data) - index - 1)
            yield piece
