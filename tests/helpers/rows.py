"""Dialects, and bytes at random for the scanners of rows."""

from hypothesis import settings
from hypothesis import strategies as st

from beam_pipelines.archive import row_scanner

LARGE = 1 << 20
DIALECTS = {
    "csv": row_scanner.CSV,
    "tsv": row_scanner.TSV,
    "jsonl": row_scanner.JSON_LINES,
    "single": row_scanner.Dialect(";", "'"),
    "pipe": row_scanner.Dialect("|", '"'),
    "unquoted": row_scanner.Dialect("\t"),
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
]


def anything(alphabet: str):
    """Any bytes of the alphabet, seldom valid CSV."""
    return st.sampled_from(UNUSUAL) | st.text(alphabet, max_size=40).map(str.encode)


limits = st.sampled_from([5, 12, LARGE])
often = settings(max_examples=400, deadline=None)
