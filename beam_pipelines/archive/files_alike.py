"""Small files that begin alike, as those of one export do: of these, only the first is looked at."""

import dataclasses
from typing import IO

from beam_pipelines.archive import partitions
from beam_pipelines.archive.columns import Columns
from beam_pipelines.archive.finding import formats
from beam_pipelines.archive.finding.found_files import FoundFile
from beam_pipelines.archive.finding.input_files import InputFile

# Beyond the first bytes by which kinds of files are known; a header is seldom longer.
_LEAST_BYTES, _MOST_BYTES = 16, 1 << 16


class FilesAlike:
    """Knows a CSV or TSV by the end of its name and by its header.

    Args:
      text_column: The column of the review's text.
    """

    def __init__(self, text_column: str):
        self._text_column = text_column
        self._key: tuple | None = None
        self._file: InputFile | None = None

    def remember(self, found: FoundFile, files: list[InputFile], raw: IO[bytes]) -> None:
        """Keeps what was seen of a file, if that says anything of others."""
        file = files[0]
        if file.is_seekable and _header_is_first_line(file):
            self._key, self._file = _key(found, raw), file

    def find(self, found: FoundFile, raw: IO[bytes]) -> list[InputFile] | None:
        """The file that was found, if it begins as the one before; else None."""
        if self._file is None or self._key is None or self._key != _key(found, raw):
            return None
        file = dataclasses.replace(
            self._file,
            index=found.index,
            path=found.path,
            size_bytes=found.size_bytes,
            modified=found.modified,
            pipe=found.pipe,
            name=found.name,
            partitions=(),
        )
        file, _ = partitions.added(file, Columns(file.header or ()), self._text_column)
        return [file]


def _header_is_first_line(file: InputFile) -> bool:
    """Whether the first line alone tells the header, which may have quoted newlines."""
    if file.header is None or file.header_line != 1 or file.delimiter is not None:
        return False
    return not any("\n" in name for name in file.header)


def _key(found: FoundFile, raw: IO[bytes]) -> tuple | None:
    """What tells that two files are alike; None of one that no other is like."""
    raw.seek(0)
    line = raw.readline(_MOST_BYTES)
    raw.seek(0)
    if found.members or not (_LEAST_BYTES < len(line) < _MOST_BYTES):
        return None
    return formats.format_of(found.label), line
