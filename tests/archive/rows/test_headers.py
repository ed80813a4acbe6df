"""What the first line of a file tells."""

import pytest

from beam_pipelines.archive.rows import headers


@pytest.mark.parametrize(
    ("line", "delimiter"),
    [
        (b"sep=;\r\n", ";"),
        (b'"sep=,"\n', ","),
        (b"SEP=\t\n", "\t"),
        (b"sep=;;;\n", ";"),
        (b"sep=;a\n", None),
        (b"", None),
    ],
)
def test_a_spreadsheet_names_the_delimiter(line, delimiter):
    assert headers.named_delimiter(line) == delimiter


@pytest.mark.parametrize(
    ("line", "encoding"),
    [
        ("id,text\n".encode("utf-16"), "utf-16"),
        ("id,text\n".encode("utf-16-le"), "utf-16le"),
        ("id,text\n".encode("utf-16-be"), "utf-16be"),
        ("id,text\n".encode("utf-32"), "utf-32"),
        ("id,téxt,評\n".encode(), None),
        (b"", None),
        (b"\0", None),
        (b"\0" * 50, None),
    ],
)
def test_utf_16_is_known_without_a_mark(line, encoding):
    assert headers.wide_encoding(line) == encoding


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["id", "review text", "stars"], False),
        (["id", "Would you recommend this product"], False),
        (["1", "Title 0", "good"], True),
        (["x", "4,5"], True),
        (["__label__2 Stunning"], True),
        (["a", "This was the best film of the year"], True),
        (["a", "x" * 61], True),
        (["id", "2023", "2024", "text"], False),
        (["0", "1", "2"], False),
        (["", "0"], False),
        (["id", "What did you like best about the product, and why?"], False),
        ([], False),
    ],
)
def test_a_row_in_place_of_a_header(names, expected):
    assert headers.is_like_row(names) == expected


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["a", "b c"], "a, b c"),
        ([" a", "b\u200b", "\ufeffc", "", "d\0"], r"' a', 'b\u200b', '\ufeffc', '', 'd\x00'"),
        (["x" * 50], "x" * 40 + "..."),
        (["a"] * 32, ", ".join(["a"] * 30) + ", 2 more"),
        ([], "none"),
    ],
)
def test_names_are_listed_so_that_all_of_them_can_be_seen(names, expected):
    assert headers.listed(names) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("id|stars|body", "add --csv_delimiter '|'"),
        ("id\x01stars\x01body", r"add --csv_delimiter '\x01'"),
        ('"id"~"stars"~"body"', "add --csv_delimiter '~'"),
        ("id||stars||body", r"write one character in place of '||' first, as sed 's/||/\t/g' does"),
        ("id;stars", "is --csv_delimiter right?"),
        ("stars", ""),
    ],
)
def test_the_delimiter_that_would_give_the_column(name, expected):
    assert headers.delimiter_hint(name, "body") == expected


@pytest.mark.parametrize(
    ("wanted", "names", "expected"),
    [
        ("body", ["id", "Body"], "Body"),
        ("body", ["id", "body\u200b"], "body\u200b"),
        ("review_text", ["reviewText", "id"], "reviewText"),
        ("body", ["id", "stars"], None),
    ],
)
def test_a_name_that_was_probably_meant(wanted, names, expected):
    assert headers.close_name(wanted, names) == expected
