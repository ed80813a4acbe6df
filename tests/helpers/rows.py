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
