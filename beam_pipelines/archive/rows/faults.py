r"""Looks at a row that cannot be read for what is probably wrong with it.

A fault is a word for the counts; `hints` has the sentence that says what to do.
"""

import ast
import csv
import json
import re

from beam_pipelines.archive.rows.dialect import Dialect

BACKSLASH, BLANK_BEFORE_QUOTE, OTHER_QUOTE, QUOTES = "backslash", "blank_before_quote", "other_quote", "quotes"
TEXT_IN_QUOTES, ONE_FIELD_MORE = "rows_in_quotes", "one_field_more"
NULL_WITH_QUOTE, LAST_DELIMITER, RETURNS = "null_with_quote", "delimiter_at_the_end", "carriage_returns"
NO_ESCAPE = "escape_is_none"
PYTHON, PRETTY, GLUED, COMMA, ARRAY, COLUMNS = "python_dict", "pretty_printed", "glued", "comma", "array", "columns"
VALUES, IN_STRING, MONGO = "array_of_values", "object_in_a_string", "shell_of_mongo"
# A longer one is not looked at: it would cost more time than it is worth.
LONGEST = 100_000
_DECODER = json.JSONDecoder()
_PRETTY_LINE = re.compile(r'\s*(?:[{}\[\]],?|\}\s*,?\s*\{|"(?:[^"\\]|\\.)*"\s*:.*|"(?:[^"\\]|\\.)*",?)\s*', re.DOTALL)


def csv_fault(data: bytes, fields: list[str], header_fields: int, dialect: Dialect) -> str | None:
    """Looks at a row with too few or too many fields.

    Args:
      data: What stands in the file.
      fields: What became of it.
      header_fields: How many the header has.
      dialect: What it was split by.
    """
    delimiter = (dialect.delimiter or "").encode()
    is_null_known = '"N' in dialect.unclosed
    if dialect.quote == '"' and not is_null_known and re.search(rb'(?:^|%s)"N(?:%s|\r?\n)' % _twice(delimiter), data):
        return NULL_WITH_QUOTE
    if dialect.escape and dialect.quote and _has_doubled_quotes(data, delimiter, dialect.quote.encode()):
        return NO_ESCAPE
    if dialect.escape is None and _has_escapes(data, delimiter):
        return BACKSLASH
    start = rb"(?:^|%s)" % re.escape(delimiter)
    if dialect.quote is None:
        return QUOTES if _has_quoted(data, delimiter, b'"') else None
    quote = re.escape(dialect.quote.encode())
    if re.search(start + rb"(?!%s)[ \t]+" % re.escape(delimiter) + quote, data):
        return BLANK_BEFORE_QUOTE
    other = b"'" if dialect.quote == '"' else b'"'
    if _has_quoted(data, delimiter, other):
        return OTHER_QUOTE
    if b"\n" in data.rstrip(b"\r\n") or _has_text_after_quote(data, dialect):
        return TEXT_IN_QUOTES
    if len(fields) != header_fields + 1:
        return None
    return ONE_FIELD_MORE if fields[-1] else LAST_DELIMITER


def _twice(delimiter: bytes) -> tuple[bytes, bytes]:
    return re.escape(delimiter), re.escape(delimiter)


def _has_quoted(data: bytes, delimiter: bytes, quote: bytes) -> bool:
    """Tells whether a delimiter stands between two quotes that begin and end a field: a text may begin with one too."""
    inside = rb"[^%s\n]*" % quote
    field = rb"(?:^|%s)%s%s%s%s%s(?:%s|[\r\n]|\Z)"
    before, after = _twice(delimiter)
    return bool(re.search(field % (before, quote, inside, before, inside, quote, after), data))


def _has_doubled_quotes(data: bytes, delimiter: bytes, quote: bytes) -> bool:
    """Tells whether a quote is doubled within a field; an empty one has two side by side."""
    edge = rb"[^%s\r\n]" % re.escape(delimiter)
    return bool(re.search(edge + re.escape(quote) * 2 + edge, data))


def _has_text_after_quote(data: bytes, dialect: Dialect) -> bool:
    if dialect.unclosed:
        return False  # Python's `csv` would take their quotes for marks.
    text, delimiter, quote = data.decode("latin-1"), dialect.delimiter or ",", dialect.quote
    try:
        next(csv.reader([text], delimiter=delimiter, quotechar=quote, escapechar=dialect.escape, strict=True))
    except csv.Error:
        return True
    return False


def _has_escapes(data: bytes, delimiter: bytes) -> bool:
    return bool(re.search(rb'\\["%s]|\\\r?\n?\Z' % re.escape(delimiter), data))


def json_fault(text: str) -> str | None:
    """Looks at a line that is no JSON object."""
    line = text.strip()
    if len(line) > LONGEST:
        return None
    if _holds_object(line.removeprefix("[").rstrip("]").rstrip().removesuffix(",")):
        return ARRAY if line.startswith("[") and line.endswith("]") else COMMA
    if _begins_with_object(line):
        return GLUED
    if line.startswith('"') and _is_json(line) and _holds_object(str(json.loads(line))):
        return IN_STRING
    if re.search(r"\b(?:ObjectId|NumberInt|NumberLong|ISODate)\(", line):
        return MONGO
    if re.match(r"\[\s*\{", line) and _is_json(line):
        return ARRAY
    if line.startswith("[") and _is_json(line) and len(json.loads(line)) > 1:
        return VALUES
    if _PRETTY_LINE.fullmatch(line):
        return PRETTY
    return PYTHON if line.startswith("{") and _is_python_dict(line) else None


def is_column(value: object) -> bool:
    """Tells whether a value is a whole column, by the names of its rows, as pandas' `to_json` writes it."""
    return isinstance(value, dict) and all(key.isdigit() for key in value) and bool(value)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _holds_object(text: str) -> bool:
    return text.startswith("{") and _is_json(text)


def _begins_with_object(text: str) -> bool:
    if not text.startswith("{"):
        return False
    try:
        _, end = _DECODER.raw_decode(text)
    except (ValueError, RecursionError):
        return False
    return text[end:].lstrip(" ,").startswith("{")


def _is_python_dict(text: str) -> bool:
    try:
        # Values need not be literals, as nan is none.
        return isinstance(ast.parse(text, mode="eval").body, ast.Dict)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return False
