"""Dialects, and bytes at random for the scanners of rows."""

from hypothesis import settings
from hypothesis import strategies as st

from beam_pipelines.archive.rows.dialect import CSV, JSON_LINES, TSV, Dialect

LARGE = 1 << 20
DIALECTS = {
    "csv": CSV,
    "tsv": TSV,
    "jsonl": JSON_LINES,
    "single": Dialect(";", "'"),
    "pipe": Dialect("|", '"'),
    "unquoted": Dialect("\t"),
    "escaped": Dialect(",", '"', "\\"),
    "escaped without quotes": Dialect(",", None, "\\"),
    "unclosed": Dialect(",", '"', None, ('"N',)),
}
# What a search at random seldom finds.
UNUSUAL = [
    b"",
    b"\n\n\n",
    b"\r\n\r\n",
    b'"',
    b'""',
    b'"""',
    b'"a"b"c"\n"d\n',
    b'a"b,"c\n"d"\n',
    b'a\n"b\nc,d\ne\n',
    b'a\n"b\nc"d\ne\n"f',
    # A row that is longer than 8 bytes ends on its own line, within what an earlier open quote made known.
    b'"\na","\n"",,"a,"\n"',
    b'"a","b\n"\na","\n",,,"","\naa"',
    b'"a","b\n"\na","\na""""a,b\na,b\na"\na',
    # A quote opens at the very end of a line, which is the last one before what is known ends.
    b'"\na","\naa',
    b'"\na","\n"\n',
    b'\n"\na","\na,"',
]
# Rows, and ends and starts of rows: what makes quotes open and close across lines.
PIECES = [b'"a","b\n', b"a,b\n", b'""', b'",', b'a"\n', b'"\n', b',"', b'\n"', b'"\na', b"a", b","]


def anything(alphabet: str):
    """Any bytes of the alphabet, seldom valid CSV."""
    pieces = st.lists(st.sampled_from(PIECES), max_size=12).map(b"".join)
    return st.sampled_from(UNUSUAL) | st.text(alphabet, max_size=40).map(str.encode) | pieces


LIMITS = [5, 8, 12, LARGE]
limits = st.sampled_from(LIMITS)
often = settings(max_examples=400, deadline=None)
# The same, and what escapes and values that nothing closes add.
pieces = st.lists(
    st.sampled_from([*PIECES, b'"', b"\n", b"\r", b"\\", b"\\\n", b"\\\r\n", b'"N', b"\xef\xbb\xbf"]), max_size=24
).map(b"".join)


def scan_plainly(content: bytes, max_bytes: int, dialect: Dialect = CSV) -> list[tuple[int, bool]]:
    """Where rows start and whether they are broken, by the rule's own words, a character at a time."""
    found, at = [], 0
    while content.startswith(b"\xef\xbb\xbf", at):
        at += 3
    while at < len(content):
        end, in_quote = _end_of_row(content, at, dialect)
        broken = in_quote or end - at > max_bytes
        found.append((at, broken))
        at = content.find(b"\n", at) + 1 or len(content) if broken else end
    return found


def _end_of_row(content: bytes, at: int, dialect: Dialect) -> tuple[int, bool]:
    """Where a row ends, and whether a quote is open there."""
    delimiter, quote, escape = (mark and mark.encode() for mark in (dialect.delimiter, dialect.quote, dialect.escape))
    in_quote, field_start = False, True
    while at < len(content):
        value = _unclosed_value(content, at, dialect) if field_start else b""
        letter = value or content[at : at + 1]
        at += len(letter)
        behind = content[at : at + 1]
        if letter == escape:
            at += 2 if content.startswith(b"\r\n", at) else len(behind)
        elif in_quote and letter == quote == behind:
            at += 1
        elif in_quote:
            in_quote = letter != quote
        elif letter == b"\n":
            break
        elif letter == quote and field_start:
            in_quote = True
        field_start = letter == delimiter and not in_quote
    return at, in_quote


def _unclosed_value(content: bytes, at: int, dialect: Dialect) -> bytes:
    for value in (value.encode() for value in dialect.unclosed):
        behind = content[at + len(value) :]
        if content.startswith(value, at) and (not behind or behind.startswith((b",", b"\n", b"\r\n"))):
            return value
    return b""
