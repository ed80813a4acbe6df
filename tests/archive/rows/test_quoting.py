"""Rows that look as if quotes or backslashes meant something else are counted."""

import pytest

from beam_pipelines.archive.rows import remarks
from tests.helpers.archives import compiled, input_file, read_one

HEADER = b"id\tstars\ttext\n"
ROWS = b"".join(b"R%d\t%d\tfine\n" % (row, row % 5) for row in range(30))


def remarks_of(path, content: bytes, **how) -> dict[str, int]:
    return dict(read_one(input_file(path, content), ("text",), **how).notes.remarks)


@pytest.mark.parametrize("is_compiled", [True, False])
def test_lines_that_would_be_rows_are_counted_where_a_quote_swallows_them(tmp_path, is_compiled):
    swallowed = b'A\t1\t"Great\nB\t5\tfine\nC\t4\t12 inch"\n'
    with compiled(is_compiled):
        found = remarks_of(tmp_path / "a.tsv", HEADER + ROWS + swallowed + ROWS)
    assert found == {remarks.ROW_IN_QUOTES: 2}


@pytest.mark.parametrize("is_compiled", [True, False])
def test_text_behind_a_closing_quote_is_counted(tmp_path, is_compiled):
    content = HEADER + ROWS + b'A\t1\t"Great" I said\nB\t5\t"fine\nC\t4\tsix" wide\n'
    with compiled(is_compiled):
        found = remarks_of(tmp_path / "a.tsv", content)
    assert found == {remarks.TEXT_AFTER_QUOTE: 2, remarks.ROW_IN_QUOTES: 1}


@pytest.mark.parametrize(
    "text",
    [
        b'"Great,\nbut long, I say"',  # as many fields, but no number where others have one
        b'"Great\nand long\n"',
        b'"Great, long\n3, 4, 5"',
    ],
)
def test_a_text_of_several_lines_is_no_sign(tmp_path, text):
    content = b"stars,text\n" + b"3,fine\n" * 30 + b"4," + text + b"\n"
    assert remarks_of(tmp_path / "a.csv", content) == {}


def test_a_file_of_one_column_has_no_lines_like_rows(tmp_path):
    assert remarks_of(tmp_path / "a.csv", b'text\n"one\ntwo"\nthree\n') == {}


def test_where_quotes_are_letters_nothing_is_swallowed(tmp_path):
    assert remarks_of(tmp_path / "a.tsv", HEADER + b'A\t1\t"Great\nB\t5\tfine"\n', quote=None) == {}


@pytest.mark.parametrize("is_compiled", [True, False])
def test_rows_with_escapes_are_counted_once_each_unless_escapes_are_read(tmp_path, is_compiled):
    rows = [
        rb"A	1	good\nand\nbad",
        rb"B	1	a\tb",
        rb"C	1	a\rb",
        rb"\N	2	C:\dir and \t",
        rb"\\n	2	a",
    ]
    content = HEADER + b"".join(row + b"\n" for row in rows)
    with compiled(is_compiled):
        assert remarks_of(tmp_path / "a.tsv", content) == {remarks.BACKSLASHES: 3}
    assert remarks_of(tmp_path / "a.tsv", content, escape="\\") == {}


@pytest.mark.parametrize("text", [rb"C:\new\temp\"", rb"$\nabla f$ and \alpha", rb"\textit{fine} \LaTeX"])
def test_paths_and_letters_of_tex_are_no_escapes(tmp_path, text):
    """To read them as escapes would take the meaning of quotes and delimiters behind them."""
    content = b"stars,text\n" + (b'3,"' + text.rstrip(b'"') + b'"\n') * 20
    assert remarks_of(tmp_path / "a.csv", content) == {}


SWALLOWED = {
    "an empty number": b'A\t1\t3\t"Great\nB\t5\t\tfine\nC\t4\t2\t12 inch"\n',
    "no score": b'A\t1\t3\t"Great\nB\tNA\t2\tfine\nC\t4\t2\t12 inch"\n',
    "a line of other fields": b'A\t1\t3\t"Great\nB\t5\nC\t4\t2\tfine\nD\t4\t2\t12 inch"\n',
    "a blank line": b'A\t1\t3\t"Great\n\nC\t4\t2\tfine\nD\t4\t2\t12 inch"\n',
}


@pytest.mark.parametrize("swallowed", SWALLOWED.values(), ids=SWALLOWED)
def test_each_line_within_quotes_is_looked_at_by_itself(tmp_path, swallowed):
    rows = b"".join(b"R%d\t%d\t%d\tfine\n" % (row, row % 5, row) for row in range(30))
    found = remarks_of(tmp_path / "a.tsv", b"id\tstars\tvotes\ttext\n" + rows + swallowed)
    assert found == {remarks.ROW_IN_QUOTES: 2}


def test_prose_with_commas_is_no_row_where_no_field_is_told_apart(tmp_path):
    rows = b"".join(b'Ann Lee,"I liked it\nmuch, and %d times"\n' % row for row in range(30))
    assert remarks_of(tmp_path / "a.csv", b"name,text\nBob Roe,fine film\n" + rows) == {}


def test_a_backslash_before_a_doubled_quote_is_a_letter(tmp_path):
    assert remarks_of(tmp_path / "a.csv", b'stars,text\n1,"a path, C:\\"", and more"\n') == {}


def test_a_backslash_before_a_closing_quote_is_told_apart(tmp_path):
    content = b'stars,text\n1,"A \\"fine\\" one"\n'
    found = remarks_of(tmp_path / "a.csv", content)
    assert found[remarks.BACKSLASH_BEFORE_QUOTE] == 1
    assert remarks.TEXT_AFTER_QUOTE not in found


def test_rows_of_another_encoding_are_counted(tmp_path):
    content = "text\nété\n".encode() + "hélas\n".encode("cp1252") + b"plain\n"
    file = input_file(tmp_path / "a.csv", content)
    for is_compiled in (True, False):
        with compiled(is_compiled):
            block = read_one(file, ("text",), encoding="utf-8,cp1252")
        assert block.rows["text"].to_pylist() == ["été", "hélas", "plain"]
        assert block.notes.remarks == {remarks.read_as("cp1252"): 1}
        assert block.reject({1: "why"}).rejects[0].raw == "hélas\n"
