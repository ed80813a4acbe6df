"""The files of an archive: found by globs, their format and compression known by name."""

import bz2
import contextlib
import dataclasses
import gzip
import os
import zlib

from beam_pipelines import storage
from beam_pipelines.flags import UserError

FORMATS = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".parquet": "parquet",
    ".pq": "parquet",
}
COMPRESSIONS = (".gz", ".bz2", ".zst")
NOT_READ = (".7z", ".deflate", ".lz4", ".lzma", ".rar", ".tar", ".tgz", ".xz", ".zip", ".zstd")


@dataclasses.dataclass(frozen=True)
class InputFile:
    """One file of the archive.

    Attributes:
      place: Its place in the sorted list of all input files, from 0.
      path: Where it lies.
      format: "csv", "tsv", "jsonl" or "parquet".
      compressed: Whether its name ends like that of a compressed file.
      size_bytes: Its size as it lies there.
    """

    place: int
    path: str
    format: str
    compressed: bool
    size_bytes: int

    @property
    def name(self) -> str:
        return self.path.rsplit("/", 1)[-1]

    @contextlib.contextmanager
    def open(self):
        """Opens it for reading bytes, decompressed by what its name says.

        Raises:
          UserError: Within the context, when it is damaged or cut short. (Beam's own decompression,
            as of 2.77, takes a file that is cut short for one that ends there.)
        """
        import pyarrow as pa

        try:
            with contextlib.ExitStack() as stack:
                raw = stack.enter_context(storage.open_bytes(self.path))
                yield stack.enter_context(_decompressed(raw, self.path) if self.compressed else raw)
        except (EOFError, OSError, zlib.error, pa.ArrowInvalid) as error:
            raise UserError(f"{self.path} cannot be read as {self.format}: {error}") from error


def _decompressed(raw, path: str):
    if path.lower().endswith(".gz"):
        return gzip.open(raw)
    if path.lower().endswith(".bz2"):
        return bz2.open(raw)
    import pyarrow as pa

    return pa.CompressedInputStream(raw, "zstd")


def format_of(path: str) -> tuple[str | None, bool]:
    """Returns the format that a name tells, or None, and whether the file is compressed.

    >>> format_of("dump/reviews.csv.gz")
    ('csv', True)
    >>> format_of("dump/reviews.dat")
    (None, False)
    """
    stem, extension = os.path.splitext(path.lower())
    compressed = extension in COMPRESSIONS
    if compressed:
        extension = os.path.splitext(stem)[1]
    return FORMATS.get(extension), compressed


def find(globs: tuple[str, ...], input_format: str | None) -> list[InputFile]:
    """Finds the files of the globs, each once, sorted by path.

    Raises:
      UserError: A glob matches no file, or a name does not tell its format.
    """
    sizes = {}
    for glob in globs:
        found = _match(storage.absolute(glob))
        if not found:
            raise UserError(f"--input {glob} matches no file")
        sizes.update(found)
    files = []
    for place, path in enumerate(sorted(sizes)):
        if path.lower().endswith(NOT_READ):
            raise UserError(f"{path}: of compressed files .gz, .bz2 and .zst are read; unpack it first")
        named, compressed = format_of(path)
        if not (input_format or named):
            raise UserError(f"{path}: the name does not tell the format; add --input_format csv, tsv, jsonl or parquet")
        file = InputFile(place, path, input_format or named, compressed, sizes[path])
        if file.format == "parquet" and compressed:
            raise UserError(f"{path}: a Parquet file is compressed inside; decompress it first")
        files.append(file)
    return files


def _match(glob: str) -> dict[str, int]:
    if storage.is_local(glob) and os.path.isfile(glob):
        return {glob: os.path.getsize(glob)}
    if storage.is_local(glob) and os.path.isdir(glob):
        raise UserError(f"--input {glob} is a folder; name its files, such as '{glob}/*.csv'")
    return storage.match(glob)
