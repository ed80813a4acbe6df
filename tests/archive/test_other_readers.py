"""Where Python's csv, pyarrow and DuckDB read the same rows, so do we."""

import csv
import io

import duckdb
import pyarrow as pa
import pyarrow.csv
import pytest
from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as st

from tests.helpers.archives import compiled, input_file, read_all

NAMES = ("id", "text", "n")
DIALECTS = [(",", '"', None), (";", "'", None), ("\t", '"', None), ("|", None, None), (",", '"', "\\")]
# What a writer makes of a value, and what somebody writes by hand.
VALUES = st.text("ab1 .é", max_size=6) | st.sampled_from(["", "x y", "0", "-1.5"])
ODD = st.lists(st.sampled_from(["a", "1", " ", "{q}", "{q}{q}", "{d}", "\n", "\r\n", "{e}{q}", "{e}{e}"]), max_size=6)
TABLES = st.lists(st.lists(VALUES | ODD.map("".join), min_size=3, max_size=3), min_size=1, max_size=8)


def by_csv(path, delimiter, quote, escape) -> list[list[str]]:
    how = {"quotechar": quote} if quote else {"quoting": csv.QUOTE_NONE}
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file, delimiter=delimiter, escapechar=escape, strict=True, **how))
    return [row for row in rows[1:] if row]


def by_arrow(path, delimiter, quote, escape) -> list[list[str]]:
    table = pa.csv.read_csv(
        path,
        parse_options=pa.csv.ParseOptions(
            delimiter=delimiter, quote_char=quote or False, escape_char=escape or False, newlines_in_values=True
        ),
        convert_options=pa.csv.ConvertOptions(column_types=dict.fromkeys(NAMES, pa.string())),
    )
    return [list(row) for row in zip(*(column.to_pylist() for column in table.columns), strict=True)]


def by_duckdb(path, delimiter, quote, escape) -> list[list[str]]:
    found = duckdb.read_csv(
        str(path),
        header=True,
        delimiter=delimiter,
        quotechar=quote or "",
        escapechar=escape or quote or "",
        columns=dict.fromkeys(NAMES, "VARCHAR"),
        auto_detect=False,
        strict_mode=True,
        na_values="nothing at all",
    )
    return [list(row) for row in found.fetchall()]


def write(table: list[list[str]], dialect, quoting: str, ending: str) -> bytes:
    """Writes as a library does, or "raw", as somebody does who minds no quotes."""
    delimiter, quote, escape = dialect
    filled = [[value.format(q=quote or "", d=delimiter, e=escape or "") for value in row] for row in table]
    if quoting == "raw" or quote is None:
        return ending.join(delimiter.join(row) for row in [NAMES, *filled]).encode() + ending.encode()
    file = io.StringIO(newline="")
    writer = csv.writer(
        file,
        delimiter=delimiter,
        quotechar=quote,
        escapechar=escape,
        doublequote=escape is None,
        quoting=getattr(csv, quoting),
        lineterminator=ending,
    )
    writer.writerows([NAMES, *filled])
    return file.getvalue().encode()


@pytest.mark.parametrize("dialect", DIALECTS)
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    table=TABLES,
    quoting=st.sampled_from(["QUOTE_MINIMAL", "QUOTE_ALL", "raw"]),
    ending=st.sampled_from(["\n", "\r\n"]),
    is_compiled=st.booleans(),
)
def test_what_three_readers_agree_about_is_what_we_read(tmp_path, dialect, table, quoting, ending, is_compiled):
    delimiter, quote, escape = dialect
    path = tmp_path / "a.csv"
    content = write(table, dialect, quoting, ending)
    file = input_file(path, content)
    try:
        expected = [read(path, *dialect) for read in (by_csv, by_arrow, by_duckdb)]
    except (csv.Error, pa.ArrowInvalid, duckdb.Error):
        expected = []
    agree = bool(expected) and expected[0] == expected[1] == expected[2]
    event(f"they agree: {agree}")
    assume(agree)
    with compiled(is_compiled):
        blocks = read_all(file, NAMES, delimiter=delimiter, quote=quote, escape=escape)
    assert [reject for block in blocks for reject in block.rejects] == []
    rows = [list(row.values()) for block in blocks for row in block.rows.to_pylist()]
    assert rows == expected[0]
