"""Takes the wanted values out of the rows of CSV, TSV and JSON lines, or tells why it cannot.

A CSV value stays as it was; a JSON value that is not a string becomes its JSON text.
"""

import collections
import csv
import json
from collections.abc import Callable

from beam_pipelines.archive.inputs import InputFile
from beam_pipelines.archive.read_options import ReadOptions
from beam_pipelines.archive.row_scanner import RawRow
from beam_pipelines.errors import UserError

csv.field_size_limit(1 << 30)

# A row's values, or None where it is no row: the header, a blank line.
Values = list[str | None] | None


class BadRow(Exception):
    """A row that cannot be read; its text is the reason for the summary."""


def header(first: RawRow, file: InputFile, options: ReadOptions) -> list[str]:
    """The names in the first row of a CSV or TSV.

    Raises:
      UserError: It is no row of its format.
    """
    try:
        return _fields(first, file.format, options)
    except BadRow as bad:
        if b"\r" in first.data.rstrip():
            raise UserError(
                f"{file.label}: its lines end with a carriage return alone; convert them first, as tr '\\r' '\\n' does"
            ) from None
        raise UserError(f"{file.label}: its first line is no header: {bad}") from None


def csv_values(file: InputFile, fields: int, wanted: list[int], options: ReadOptions) -> Callable[[RawRow], Values]:
    """Makes the function that takes the wanted values out of a row.

    Args:
      file: The file of the rows.
      fields: How many fields its header has.
      wanted: The places of those that are wanted.
      reading: How it is read.
    """

    def values(raw_row: RawRow) -> Values:
        if raw_row.line == 1 or not raw_row.data.strip(b"\r\n"):
            return None
        found = _fields(raw_row, file.format, options)
        if len(found) != fields:
            raise BadRow("too_few_fields" if len(found) < fields else "too_many_fields")
        return [found[place] for place in wanted]

    return values


def _fields(raw_row: RawRow, format: str, options: ReadOptions) -> list[str]:
    dialect = options.dialect(format)
    if raw_row.broken:
        is_open = dialect.quote and dialect.quote.encode() in raw_row.data
        raise BadRow("open_quote" if is_open else "row_too_long")
    quoting = csv.QUOTE_MINIMAL if dialect.quote else csv.QUOTE_NONE
    try:
        text = _text(raw_row, options)
        return next(csv.reader([text], delimiter=dialect.delimiter, quotechar=dialect.quote, quoting=quoting))
    except csv.Error:
        raise BadRow("broken_csv") from None


def _text(raw_row: RawRow, options: ReadOptions) -> str:
    try:
        return raw_row.data.decode(options.encoding)
    except UnicodeDecodeError:
        raise BadRow(options.badly_encoded) from None


def json_object(raw_row: RawRow, options: ReadOptions) -> dict | None:
    """The object on a line; None for a blank one.

    Raises:
      BadRow: It is none.
    """
    if raw_row.broken:
        raise BadRow("row_too_long")
    text = _text(raw_row, options)
    if not text.strip():
        return None
    try:
        row = json.loads(text)
    except (ValueError, RecursionError):
        raise BadRow("broken_json") from None
    if not isinstance(row, dict):
        raise BadRow("not_an_object")
    return row


def json_values(raw_row: RawRow, options: ReadOptions, unlisted_keys: collections.Counter) -> Values:
    """The wanted values of a line; where all columns are wanted, other keys are counted in `unlisted_keys`."""
    row = json_object(raw_row, options)
    if row is None:
        return None
    if options.all_columns:
        unlisted_keys.update(row.keys() - set(options.columns))
    values = [_value(row, name) for name in options.columns]
    if values[0] is not None and not isinstance(values[0], str):
        raise BadRow("text_not_a_string")
    values = [v if v is None or isinstance(v, str) else json.dumps(v, ensure_ascii=False) for v in values]
    if rb"\ud" in raw_row.data or rb"\uD" in raw_row.data:
        # JSON can spell half of a surrogate pair, which no UTF-8 text can hold.
        try:
            "".join(v or "" for v in values).encode()
        except UnicodeEncodeError:
            raise BadRow("invalid_utf8") from None
    return values


def _value(row: dict, name: str):
    """A field, by its own name or by the names on the way to it; None where there is none.

    >>> _value({"review": {"body": "good"}}, "review.body"), _value({"a.b": 1}, "a.b"), _value({"a": 1}, "a.b")
    ('good', 1, None)
    """
    if name in row:
        return row[name]
    value = row
    for part in name.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value
