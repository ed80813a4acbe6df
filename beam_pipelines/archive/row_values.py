"""Takes the wanted values out of the rows of CSV, TSV and JSON lines, or tells why it cannot.

A CSV value stays as it was; a JSON value that is not a string becomes its JSON text.
"""

import collections
import csv
import json
from collections.abc import Callable

from beam_pipelines.archive.inputs import InputFile
from beam_pipelines.archive.read_options import Reading
from beam_pipelines.archive.row_scanner import Record
from beam_pipelines.errors import UserError

csv.field_size_limit(1 << 30)

# A row's values, or None where it is no row: the header, a blank line.
Values = list[str | None] | None


class BadRow(Exception):
    """A row that cannot be read; its text is the reason for the summary."""


def header(first: Record, file: InputFile, reading: Reading) -> list[str]:
    """The names in the first row of a CSV or TSV.

    Raises:
      UserError: It is no row of its format.
    """
    try:
        return _fields(first, file.format, reading)
    except BadRow as bad:
        if b"\r" in first.data.rstrip():
            raise UserError(
                f"{file.label}: its lines end with a carriage return alone; convert them first, as tr '\\r' '\\n' does"
            ) from None
        raise UserError(f"{file.label}: its first line is no header: {bad}") from None


def csv_values(file: InputFile, fields: int, wanted: list[int], reading: Reading) -> Callable[[Record], Values]:
    """Makes the function that takes the wanted values out of a row.

    Args:
      file: The file of the rows.
      fields: How many fields its header has.
      wanted: The places of those that are wanted.
      reading: How it is read.
    """

    def values(record: Record) -> Values:
        if record.line == 1 or not record.data.strip(b"\r\n"):
            return None
        found = _fields(record, file.format, reading)
        if len(found) != fields:
            raise BadRow("too_few_fields" if len(found) < fields else "too_many_fields")
        return [found[place] for place in wanted]

    return values


def _fields(record: Record, format: str, reading: Reading) -> list[str]:
    dialect = reading.dialect(format)
    if record.broken:
        is_open = dialect.quote and dialect.quote.encode() in record.data
        raise BadRow("open_quote" if is_open else "row_too_long")
    quoting = csv.QUOTE_MINIMAL if dialect.quote else csv.QUOTE_NONE
    try:
        text = _text(record, reading)
        return next(csv.reader([text], delimiter=dialect.delimiter, quotechar=dialect.quote, quoting=quoting))
    except csv.Error:
        raise BadRow("broken_csv") from None


def _text(record: Record, reading: Reading) -> str:
    try:
        return record.data.decode(reading.encoding)
    except UnicodeDecodeError:
        raise BadRow(reading.badly_encoded) from None


def json_object(record: Record, reading: Reading) -> dict | None:
    """The object on a line; None for a blank one.

    Raises:
      BadRow: It is none.
    """
    if record.broken:
        raise BadRow("row_too_long")
    text = _text(record, reading)
    if not text.strip():
        return None
    try:
        row = json.loads(text)
    except (ValueError, RecursionError):
        raise BadRow("broken_json") from None
    if not isinstance(row, dict):
        raise BadRow("not_an_object")
    return row


def json_values(record: Record, reading: Reading, left_out: collections.Counter) -> Values:
    """The wanted values of a line; where all columns are wanted, other keys are counted in `left_out`."""
    row = json_object(record, reading)
    if row is None:
        return None
    if reading.all_columns:
        left_out.update(row.keys() - set(reading.columns))
    values = [_value(row, name) for name in reading.columns]
    if values[0] is not None and not isinstance(values[0], str):
        raise BadRow("text_not_a_string")
    values = [v if v is None or isinstance(v, str) else json.dumps(v, ensure_ascii=False) for v in values]
    if rb"\ud" in record.data or rb"\uD" in record.data:
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
