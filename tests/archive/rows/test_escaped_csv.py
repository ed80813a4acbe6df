r"""Rows with escapes are found and split as databases write them."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beam_pipelines.archive.rows import escaped_csv, row_scanner
from beam_pipelines.archive.rows.dialect import Dialect
from tests.helpers.archives import input_file, read_one
from tests.helpers.rows import often

SPARK = Dialect(",", '"', "\\")
REDSHIFT = Dialect("|", None, "\\")
CLOUD_SQL = Dialect(",", '"', None, ('"N',))


def rows_of(data: bytes, dialect: Dialect) -> list[bytes]:
    return [row.data for row in row_scanner.scan_rows(io.BytesIO(data), dialect, 1000)]


@pytest.mark.parametrize(
    ("row", "dialect", "expected"),
    [
        (r'1,"She said \"fine\", and left",2', SPARK, ["1", 'She said "fine", and left', "2"]),
        ("a\\,b,c\\\nd\n", SPARK, ["a,b", "c\nd"]),
        ("a\\\r\nb,c\r\n", SPARK, ["a\r\nb", "c"]),
        (r'"a\\",b', SPARK, ["a\\", "b"]),
        (r'"a""b\"c"d\,e,f', SPARK, ['a"b"cd,e', "f"]),
        (r"a\tb\nc\N,\N,\q", SPARK, ["a\tb\ncN", r"\N", "q"]),
        ('a\\|b|"c|', REDSHIFT, ["a|b", '"c', ""]),
        ("a^n^,b,c", Dialect(",", '"', "^"), ["an,b", "c"]),
        ("a\\", SPARK, ["a\\"]),
        ('1,"N,"N.B.","a ""b"", c"\n', CLOUD_SQL, ["1", '"N', "N.B.", 'a "b", c']),
        ('"N\n', CLOUD_SQL, ['"N']),
        ("", SPARK, [""]),
    ],
)
def test_a_row_is_split(row, dialect, expected):
    assert escaped_csv.split(row, dialect, (r"\N", '"N')) == expected


@pytest.mark.parametrize(
    ("data", "dialect", "expected"),
    [
        (b'1,a\\\nb\n2,"c\\"\nd"\n', SPARK, [b"1,a\\\nb\n", b'2,"c\\"\nd"\n']),
        (b'1,\\"a\n2,"b\n', SPARK, [b'1,\\"a\n', b'2,"b\n']),
        (b"1|a\\\r\nb\n2|c\\\\\n", REDSHIFT, [b"1|a\\\r\nb\n", b"2|c\\\\\n"]),
        (b'1,"N\n2,"a\nb",c\n3,"N,d\r\n4,"N\r\n', CLOUD_SQL, [b'1,"N\n', b'2,"a\nb",c\n', b'3,"N,d\r\n', b'4,"N\r\n']),
    ],
)
def test_a_row_ends_where_nothing_takes_the_newlines_meaning(data, dialect, expected):
    assert rows_of(data, dialect) == expected


def reference(text: str, delimiter: str, quote: str, escape: str) -> list[list[str]] | None:
    """Reads rows letter by letter; None where a quote stays open, or an escape is the last letter."""
    rows, fields, field, inside, position = [], [], "", False, 0
    at_start = True
    while position < len(text):
        letter, behind = text[position], text[position + 1 : position + 2]
        if letter == escape:
            if not behind:
                return None
            field, position = field + {"n": "\n", "t": "\t"}.get(behind, behind), position + 1
        elif inside:
            if letter == quote == behind:
                field, position = field + quote, position + 1
            elif letter == quote:
                inside = False
            else:
                field += letter
        elif letter == quote and at_start:
            inside, at_start = True, False
            position += 1
            continue
        elif letter == delimiter:
            fields, field = [*fields, field], ""
        elif letter == "\n":
            rows, fields, field = [*rows, [*fields, field]], [], ""
        else:
            field += letter
        at_start = not inside and letter in (delimiter, "\n")
        position += 1
    if inside:
        return None
    return rows if (at_start and not fields and text.endswith("\n")) or not text else [*rows, [*fields, field]]


@often
@given(st.text('ac,"\\n\nt', max_size=30))
def test_rows_are_those_that_a_reading_letter_by_letter_gives(text):
    expected = reference(text, ",", '"', "\\")
    if expected is not None:
        rows = rows_of(text.encode(), SPARK)
        assert [escaped_csv.split(row.decode(), SPARK, ()) for row in rows] == expected


def test_null_values_are_nulls_in_text_and_score_and_stay_as_written_elsewhere(tmp_path):
    content = b"text\tscore\tband\nNULL\t1\t\\N\ngood\\nfine\t\\N\tNULL\n\\N\t2\ta\\tb\n"
    block = read_one(
        input_file(tmp_path / "a.tsv", content),
        ("text", "score", "band"),
        escape="\\",
        null_values=(r"\N", "NULL"),
        nullable=("text", "score"),
    )
    assert block.rows.to_pydict() == {
        "text": [None, "good\nfine", None],
        "score": ["1", None, "2"],
        "band": [r"\N", "NULL", "a\tb"],
    }
