"""Takes the wanted values out of one row of CSV, TSV or JSON lines, or tells why it cannot.

This is the way for all rows that `plain_csv` leaves: what is unusual, broken, or JSON. A CSV value stays as it was; a
JSON value that is not a string becomes its JSON text.
"""

import collections
import csv
import json

from beam_pipelines.archive.input_files import InputFile
from beam_pipelines.archive.read_options import TextFormat
from beam_pipelines.archive.row_scanner import RawRow
from beam_pipelines.errors import UserError

# The csv module refuses fields over 128 KB by default; how long a row may be is for the scanner to say.
csv.field_size_limit(1 << 30)


class BadRow(Exception):
    """A row that cannot be read; its text is the reason for the summary."""


def read_header(first: RawRow, file: InputFile, text_format: TextFormat) -> list[str]:
    """Reads the names in the first row of a CSV or TSV.

    Raises:
      UserError: It is no row of its format.
    """
    try:
        return split_fields(first, file.format, text_format)
    except BadRow as bad:
        if b"\r" in first.data.rstrip():
            raise UserError(
                f"{file.label}: its lines end with a carriage return alone; convert them first, as tr '\\r' '\\n' does"
            ) from None
        raise UserError(f"{file.label}: its first line is no header: {bad}") from None


def split_fields(row: RawRow, file_format: str, text_format: TextFormat) -> list[str]:
    """Splits a row of "csv" or "tsv".

    Raises:
      BadRow: It is broken, not valid in its encoding, or no row to Python's `csv`.
    """
    dialect = text_format.dialect(file_format)
    if row.broken:
        is_open = dialect.quote and dialect.quote.encode() in row.data
        raise BadRow("open_quote" if is_open else "row_too_long")
    text = _decode(row, text_format)
    assert dialect.delimiter is not None  # JSON lines alone have none.
    reader = csv.reader(
        [text],
        delimiter=dialect.delimiter,
        quotechar=dialect.quote,
        quoting=csv.QUOTE_MINIMAL if dialect.quote else csv.QUOTE_NONE,
    )
    try:
        return next(reader)
    except csv.Error:
        raise BadRow("broken_csv") from None


def _decode(row: RawRow, text_format: TextFormat) -> str:
    try:
        return row.data.decode(text_format.encoding)
    except UnicodeDecodeError:
        raise BadRow(text_format.invalid_reason) from None


def take_csv_row(
    row: RawRow, *, file_format: str, text_format: TextFormat, field_count: int, indices: list[int]
) -> list[str] | None:
    """Takes the wanted fields out of a row of "csv" or "tsv"; None for the header and for a blank line.

    Args:
      row: The row.
      file_format: The format of its file.
      text_format: How text is read.
      field_count: How many fields the header has.
      indices: Where the wanted ones stand in it.

    Raises:
      BadRow: It is no row, or has another number of fields.
    """
    if row.line == 1 or not row.data.strip(b"\r\n"):
        return None
    fields = split_fields(row, file_format, text_format)
    if len(fields) != field_count:
        raise BadRow("too_few_fields" if len(fields) < field_count else "too_many_fields")
    return [fields[index] for index in indices]


def parse_json_object(row: RawRow, text_format: TextFormat) -> dict[str, object] | None:
    """Parses the object on a line; None for a blank one.

    Raises:
      BadRow: It is none.
    """
    if row.broken:
        raise BadRow("row_too_long")
    text = _decode(row, text_format)
    if not text.strip():
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise BadRow("broken_json") from None
    if not isinstance(value, dict):
        raise BadRow("not_an_object")
    return value


def take_json_row(
    row: RawRow,
    *,
    text_format: TextFormat,
    columns: tuple[str, ...],
    unlisted_keys: collections.Counter[str] | None = None,
) -> list[str | None] | None:
    """Takes the wanted values out of a line; None for a blank one.

    Args:
      row: The line.
      text_format: How text is read.
      columns: The wanted keys, the text first.
      unlisted_keys: Counts the other keys, of a rejected object too.

    Raises:
      BadRow: It is no object, its text is no string, or a value cannot be UTF-8.
    """
    fields = parse_json_object(row, text_format)
    if fields is None:
        return None
    if unlisted_keys is not None:
        unlisted_keys.update(fields.keys() - set(columns))
    values = [_get(fields, name) for name in columns]
    if values[0] is not None and not isinstance(values[0], str):
        raise BadRow("text_not_a_string")
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
