"""Reads a file that was dropped on the page, as both jobs read an archive: into rows of text, none of them lost."""

import contextlib
import dataclasses
import json
import pathlib
import tempfile
from collections.abc import Iterator, Sequence
from typing import Any

from beam_pipelines.archive import extents, look, read_extents, rejects
from beam_pipelines.archive.blocks import Block
from beam_pipelines.archive.finding import formats
from beam_pipelines.archive.finding.found_files import FoundFile
from beam_pipelines.archive.look import Archive
from beam_pipelines.archive.read_options import ReadOptions
from beam_pipelines.archive.rows import row_parsing
from beam_pipelines.archive.rows.row_scanner import RawRow
from beam_pipelines.archive.settings import ArchiveSettings
from beam_pipelines.errors import UserError
from serving.local_server.failures import Failure

MAX_ROWS = 5_000
# Of a small file that unpacks to a large one.
MAX_UNPACKED_BYTES = 64 << 20
# A spreadsheet writes them in countries whose numbers have a comma.
OTHER_DELIMITERS = ";\t|"
# What the column of texts is called where the model's own archive called it otherwise, the likeliest first.
NAMES_OF_TEXT = ("text", "review", "body", "content", "comment", "description", "message")
TOO_LONG = "text_too_long"


@dataclasses.dataclass(frozen=True)
class Row:
    """A row of the file.

    Attributes:
      cells: As they were written, one for each column.
      text: What is scored.
      reason: Why it cannot be; empty where it can.
    """

    cells: Sequence[str]
    text: str = ""
    reason: str = ""


@dataclasses.dataclass(frozen=True)
class Upload:
    """A file that was sent.

    Attributes:
      name: As its owner calls it; its end tells its format.
      body: Its bytes.
    """

    name: str
    body: bytes

    def columns(self) -> tuple[str, ...]:
        """Looks which columns it has.

        Raises:
          Failure: It is no file that is read.
        """
        with self._looked_at("") as (archive, _):
            return _columns(archive)

    def rows(self, column: str, max_text_bytes: int) -> "Table":
        """Reads all of it.

        Args:
          column: That of the texts.
          max_text_bytes: A longer text gets no score.

        Raises:
          Failure: It lacks the column, is no file that is read, or is too large.
        """
        with self._looked_at(column) as (archive, settings):
            names = _columns(archive)
            if column not in names:
                raise Failure("INVALID_ARGUMENT", f"{self.name} has no column {column!r}; it has: {', '.join(names)}")
            if names.count(column) > 1:
                raise Failure("INVALID_ARGUMENT", f"{self.name} has several columns {column!r}")
            read = tuple(name for name in names if name) if archive.files[0].format not in ("csv", "tsv") else (column,)
            options = ReadOptions.of(
                settings,
                sizes=extents.Sizes.of(archive.size_bytes),
                columns=tuple(dict.fromkeys((column, *read))),
                nullable=(column,),
                optional=tuple(name for name in read if name != column),
            )
            rows = _in_order(archive.found, options, names, max_text_bytes)
            return Table(names, settings.delimiter or ",", rows)

    @contextlib.contextmanager
    def _looked_at(self, column: str) -> Iterator[tuple[Archive, ArchiveSettings]]:
        """Looks at it as a file, which lies there meanwhile; what is wrong is told by the name that its owner knows."""
        with tempfile.TemporaryDirectory() as folder:
            # Its own name may be too long for a file, or a glob.
            path = pathlib.Path(folder, f"reviews{''.join(pathlib.PurePath(self.name.lower()).suffixes[-2:])}")
            try:
                path.write_bytes(self.body)
                yield _look(str(path), column)
            except (UserError, ValueError, OSError) as error:
                told = str(error).replace(str(path), self.name)
                raise Failure("INVALID_ARGUMENT", told) from error


@dataclasses.dataclass(frozen=True)
class Table:
    """The rows of a file.

    Attributes:
      header: The names of its columns.
      delimiter: What stands between its fields; a comma where none does.
      rows: In the order of the file.
    """

    header: tuple[str, ...]
    delimiter: str
    rows: list[Row]


def likely_column(names: Sequence[str], of_the_model: str) -> str:
    """Guesses the column of the texts.

    >>> likely_column(["id", "Review text"], "body"), likely_column(["id", "body", "text"], "body")
    ('Review text', 'body')
    >>> likely_column(["a", "b"], "body")
    'a'
    """
    for wanted in (of_the_model, *NAMES_OF_TEXT):
        same = [name for name in names if name.lower() == wanted.lower()]
        alike = [name for name in names if wanted.lower() in name.lower()]
        if same or (alike and wanted != of_the_model):
            return (same or alike)[0]
    return names[0]


def _look(path: str, column: str) -> tuple[Archive, ArchiveSettings]:
    """Looks at a file, with the delimiter that its header shows."""
    input_format = None if formats.tells_format(path) else "csv"
    settings = ArchiveSettings(
        input=(path,),
        output="",
        text_column=column or "text",
        input_format=input_format,
        encoding="utf-8,cp1252",
        max_unpacked_gb=MAX_UNPACKED_BYTES / 1e9,
    )
    archive = look.look(settings)
    names = _columns(archive)
    delimiter = max(OTHER_DELIMITERS, key=names[0].count)
    if archive.files[0].format == "csv" and len(names) == 1 and delimiter in names[0]:
        settings = dataclasses.replace(settings, csv_delimiter=delimiter)
        archive = look.look(settings)
    return archive, settings


def _columns(archive: Archive) -> tuple[str, ...]:
    """The columns of a file, or of the first one in a .zip or .tar."""
    columns = next(iter(archive.columns.values()), None)
    if columns is None or not any(columns.names):
        raise Failure("INVALID_ARGUMENT", "the file has no rows that tell its columns")
    return columns.names


def _in_order(found: list[FoundFile], options: ReadOptions, names: Sequence[str], max_text_bytes: int) -> list[Row]:
    """Reads all rows; a row that cannot be read is in its place, with all that stood there as its text.

    Raises:
      Failure: They are too many or too long.
    """
    placed: list[tuple[Any, Row]] = []
    read_bytes = 0
    for block in read_extents.read(extents.of_small(tuple(found)), options):
        readable = list(_readable(block, options, names, max_text_bytes))
        placed += [(reject.order, _unread(reject, options.columns[0], names)) for reject in block.rejects] + readable
        read_bytes += sum(len(row.text) for _, row in readable)
        if len(placed) > MAX_ROWS:
            command = "review-scorer score --model DIR --input FILE"
            raise Failure("INVALID_ARGUMENT", f"the file has more than {MAX_ROWS:,} rows; score it with: {command}")
        if read_bytes > MAX_UNPACKED_BYTES:
            raise Failure("INVALID_ARGUMENT", f"the texts have more than {MAX_UNPACKED_BYTES >> 20} MB")
    return [row for _, row in sorted(placed, key=lambda pair: pair[0])]


def _unread(reject: rejects.Reject, column: str, names: Sequence[str]) -> Row:
    raw = (reject.raw or "").rstrip("\r\n")
    return Row([raw if name == column else "" for name in names], reason=reject.reason)


def _readable(
    block: Block, options: ReadOptions, names: Sequence[str], max_text_bytes: int
) -> Iterator[tuple[Any, Row]]:
    texts = block.rows.column(0)
    reasons = rejects.empty_texts(texts)
    columns = {name: block.rows.column(name).to_pylist() for name in options.columns}
    for place, text in enumerate(texts.to_pylist()):
        file = block.file_of(place)
        if block.raw is not None and file.format != "jsonl":
            raw = RawRow(0, 0, block.raw[place])
            cells = row_parsing.split_fields(
                raw, options.text_format.dialect(file), options.text_format, row_parsing.Notes()
            )
        else:
            cells = [_written(columns[name][place]) if name in columns else "" for name in names]
        reason = reasons.get(place, "")
        if not reason and len(text.encode()) > max_text_bytes:
            reason = TOO_LONG
        yield (file.position, int(block.row_numbers[place])), Row(cells, text or "", reason)


def _written(value: object) -> str:
    """A value of Parquet or JSON lines as CSV has it."""
    if value is None or isinstance(value, str):
        return value or ""
    return json.dumps(value, ensure_ascii=False, default=str) if isinstance(value, list | dict | bool) else str(value)
