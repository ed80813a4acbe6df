"""The files of an archive: found by globs, their format and compression known by name."""

import concurrent.futures
import dataclasses
import os

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

    def open(self):
        """Opens it for reading bytes, decompressed by what its name says."""
        from apache_beam.io import filesystems

        return filesystems.FileSystems.open(self.path)


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
    from apache_beam.io import filesystems

    entries = filesystems.FileSystems.match([glob])[0].metadata_list
    return {entry.path: entry.size_in_bytes for entry in entries}


def check_columns(files: list[InputFile], columns: tuple[str, ...]) -> None:
    """Looks at the start of every file for the wanted columns, before any work.

    Raises:
      UserError: Names the first file that lacks one, the column, and the columns that are there.
    """
    from beam_pipelines.archive import readers

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        for file, present in zip(files, pool.map(readers.column_names, files), strict=True):
            for name in columns if file.size_bytes else ():
                if present.count(name) > 1:
                    raise UserError(f"{file.path} has several columns {name!r}")
                if name not in present:
                    raise UserError(f"{file.path} has no column {name!r}; it has: {', '.join(present) or 'none'}")
