"""Takes the wanted values out of one row of CSV, TSV or JSON lines, or tells why it cannot.

This is the way for all rows that `plain_csv` leaves: what is unusual, broken, or JSON. A CSV value stays as it was; a
JSON value that is not a string becomes its JSON text.
"""

import collections
import csv
import dataclasses
import json
import re
from collections.abc import Sequence

from beam_pipelines.archive.finding.input_files import InputFile
from beam_pipelines.archive.rows import escaped_csv, faults, remarks
from beam_pipelines.archive.rows.dialect import Dialect
from beam_pipelines.archive.rows.row_scanner import RawRow
from beam_pipelines.archive.rows.text_format import TextFormat
from beam_pipelines.errors import UserError

# The csv module refuses fields over 128 KB by default; how long a row may be is for the scanner to say.
csv.field_size_limit(1 << 30)
# Reasons to reject what is no review, so that nothing is lost with it.
REPEATED_HEADER, OTHER_HEADER, HEADER_RULE = "repeated_header", "header_in_other_order", "line_below_header"
BOM = "\ufeff"
# Files that were joined have a mark each, and JSON text sequences (RFC 7464) a separator before each text.
BEFORE_JSON = f"{BOM}\x1e"


class BadRow(Exception):
    """A row that cannot be read; its text is the reason for the summary.

    Args:
      reason: The same.
      fault: What is probably wrong with it, of `faults`, where that shows.
    """

    def __init__(self, reason: str, fault: str | None = None):
        super().__init__(reason)
        self.fault = fault


@dataclasses.dataclass(frozen=True)
class Notes:
    """What is counted while rows are read, beside the rows.

    Attributes:
      unlisted_keys: How many rows of JSON lines have a key that is none of the columns, where all are wanted.
      remarks: What is told of rows in the end, of `remarks`, by how many there are.
      files: What is to be told of files, a sentence each.
    """

    unlisted_keys: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)
    remarks: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)
    files: list[str] = dataclasses.field(default_factory=list)


def read_header(first: RawRow, file: InputFile, text_format: TextFormat) -> list[str]:
    """Reads the names in the first row of a CSV or TSV.

    Raises:
      UserError: It is no row of its format.
    """
    try:
        return split_fields(first, text_format.dialect(file), text_format, Notes())
    except BadRow as bad:
        if b"\r" in first.data.rstrip():
            raise UserError(
                f"{file.label}: its lines end with a carriage return alone; convert them first, as tr '\\r' '\\n' does"
            ) from None
        raise UserError(f"{file.label}: its first line is no header: {bad}") from None


def split_fields(row: RawRow, dialect: Dialect, text_format: TextFormat, notes: Notes) -> list[str]:
    """Splits a row of CSV or TSV.

    Raises:
      BadRow: It is broken, not valid in its encoding, or no row to Python's `csv`.
    """
    if row.broken:
        is_open = dialect.quote and dialect.quote.encode() in row.data
        raise BadRow("open_quote" if is_open else "row_too_long")
    text = _decode(row, text_format, notes)
    if not dialect.is_standard:
        return escaped_csv.split(text, dialect, text_format.null_values)
    try:
        return _split_standard(text, dialect, strict=True)
    except csv.Error:
        pass  # Text follows a closing quote, or there is another fault.
    try:
        fields = _split_standard(text, dialect, strict=False)
    except csv.Error:
        raise BadRow("broken_csv", faults.RETURNS if "\r" in text.rstrip("\r\n") else None) from None
    is_escaped = f"\\{dialect.quote}" in text
    notes.remarks[remarks.BACKSLASH_BEFORE_QUOTE if is_escaped else remarks.TEXT_AFTER_QUOTE] += 1
    return fields


def _split_standard(text: str, dialect: Dialect, *, strict: bool) -> list[str]:
    assert dialect.delimiter is not None  # JSON lines alone have none.
    reader = csv.reader(
        [text],
        delimiter=dialect.delimiter,
        quotechar=dialect.quote,
        quoting=csv.QUOTE_MINIMAL if dialect.quote else csv.QUOTE_NONE,
        strict=strict,
    )
    return next(reader)


def _decode(row: RawRow, text_format: TextFormat, notes: Notes) -> str:
    try:
        text, encoding = text_format.decode(row.data)
    except UnicodeDecodeError:
        raise BadRow(text_format.invalid_reason) from None
    if encoding != text_format.encodings[0]:
        notes.remarks[remarks.read_as(encoding)] += 1
    return text


def take_csv_row(
    row: RawRow,
    *,
    dialect: Dialect,
    text_format: TextFormat,
    header: Sequence[str],
    header_line: int,
    indices: Sequence[int | None],
    notes: Notes,
) -> list[str | None] | None:
    """Takes the wanted fields out of a row of CSV or TSV; None for the header and for a blank line.

    Args:
      row: The row.
      dialect: What its file is split by.
      text_format: How text is read.
      header: The names in the header.
      header_line: The line on which it begins.
      indices: Where the wanted ones stand in it; None of one that is null.
      notes: Takes what is to be told.

    Raises:
      BadRow: It is no row, has another number of fields, or is the header once more or a line below it.
    """
    if row.line <= header_line or not row.data.strip(b"\r\n"):
        return None
    fields = split_fields(row, dialect, text_format, notes)
    if len(fields) != len(header):
        reason = "too_few_fields" if len(fields) < len(header) else "too_many_fields"
        raise BadRow(reason, faults.csv_fault(row.data, fields, len(header), dialect))
    # Files that were joined have a header each, and its byte order mark.
    if fields[0].removeprefix(BOM) == header[0] and fields[1:] == list(header[1:]):
        raise BadRow(REPEATED_HEADER)
    if fields[0].removeprefix(BOM) in header and {fields[0].removeprefix(BOM), *fields[1:]} == set(header):
        notes.remarks[remarks.OTHER_HEADER] += 1
        raise BadRow(OTHER_HEADER)
    if row.line == header_line + 1 and all(re.fullmatch("--+", field.strip()) for field in fields):
        raise BadRow(HEADER_RULE)
    return [None if index is None else fields[index] for index in indices]


def parse_json_object(row: RawRow, text_format: TextFormat, notes: Notes) -> dict[str, object] | None:
    """Parses the object on a line; None for a blank one.

    Raises:
      BadRow: It is none.
    """
    if row.broken:
        raise BadRow("row_too_long")
    text = _decode(row, text_format, notes).lstrip(BEFORE_JSON)
    if not text.strip():
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise BadRow("broken_json", faults.json_fault(text)) from None
    if not isinstance(value, dict):
        raise BadRow("not_an_object", faults.json_fault(text))
    return value


def take_json_row(
    row: RawRow,
    *,
    text_format: TextFormat,
    columns: tuple[str, ...],
    all_columns: bool = False,
    notes: Notes,
) -> list[str | None] | None:
    """Takes the wanted values out of a line; None for a blank one.

    Args:
      row: The line.
      text_format: How text is read.
      columns: The wanted keys, the text first.
      all_columns: Whether to count the other keys, of a rejected object too.
      notes: Takes them, and what else is to be told.

    Raises:
      BadRow: It is no object, its text is no string, or a value cannot be UTF-8.
    """
    fields = parse_json_object(row, text_format, notes)
    if fields is None:
        return None
    if all_columns:
        notes.unlisted_keys.update(fields.keys() - {*columns, ""})
    values = [_get(fields, name) for name in columns]
    if values[0] is not None and not isinstance(values[0], str):
        raise BadRow("text_not_a_string", faults.COLUMNS if faults.is_column(values[0]) else None)
    texts = [v if v is None or isinstance(v, str) else json.dumps(v, ensure_ascii=False) for v in values]
    if rb"\ud" in row.data or rb"\uD" in row.data:
        # JSON can spell half of a surrogate pair, which no UTF-8 text can hold.
        try:
            "".join(text or "" for text in texts).encode()
        except UnicodeEncodeError:
            raise BadRow("invalid_utf8") from None
    return texts


def _get(fields: dict[str, object], name: str) -> object:
    """A field, by its own name or by the names on the way to it; None where there is none.

    >>> _get({"review": {"body": "good"}}, "review.body"), _get({"a.b": 1}, "a.b"), _get({"a": 1}, "a.b")
    ('good', 1, None)
    """
    if name in fields:
        return fields[name]
    value: object = fields
    for part in name.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value
