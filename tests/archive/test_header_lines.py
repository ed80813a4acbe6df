"""The header is found where it stands, and known where it stands once more."""

import pytest

from tests.helpers.archives import MEGABYTE, compiled, input_file, read_all, read_one, rejects_of

BOM = b"\xef\xbb\xbf"
LONG = b"".join(b"%d;1;fine film\n" % row for row in range(40_000))


@pytest.mark.parametrize("is_compiled", [True, False])
@pytest.mark.parametrize(
    "first",
    [b"sep=;\n", b'"sep=;"\r\n', b"\n\n", BOM + BOM, BOM + b"sep=;\r\n\r\n"],
)
def test_what_stands_above_the_header_is_no_row(tmp_path, first, is_compiled):
    delimiter = None if b"sep" in first else ";"
    file = input_file(
        tmp_path / "a.csv", first + b"id;stars;text\n7;1;good, fine\n\n8;2;bad\n", csv_delimiter=delimiter
    )
    with compiled(is_compiled):
        block = read_one(file, ("text", "id"), delimiter=delimiter)
    assert block.rows.to_pydict() == {"text": ["good, fine", "bad"], "id": ["7", "8"]}
    lines = first.count(b"\n")
    assert (block.row_numbers.tolist(), block.rejects) == ([lines + 2, lines + 4], [])


def test_a_given_delimiter_goes_before_the_one_that_the_file_names(tmp_path):
    file = input_file(tmp_path / "a.csv", b"sep=;\ntext|n;m\na|1;2\n", csv_delimiter="|")
    assert read_one(file, ("text", "n;m"), delimiter="|").rows.to_pylist() == [{"text": "a", "n;m": "1;2"}]


def test_each_block_of_a_file_knows_its_delimiter_and_its_header(tmp_path):
    file = input_file(tmp_path / "a.csv", b"sep=;\nid;stars;text\n" + LONG)
    blocks = read_all(file, ("text", "id"), size=MEGABYTE // 8)
    assert len(blocks) > 4
    assert [name for block in blocks for name in block.rows["id"].to_pylist()] == [str(row) for row in range(40_000)]


@pytest.mark.parametrize("is_compiled", [True, False])
@pytest.mark.parametrize("mark", [b"", BOM])
def test_the_header_of_a_file_that_was_appended_is_rejected_as_such(tmp_path, mark, is_compiled):
    part = mark + b'id,"text"\n1,good\n'
    with compiled(is_compiled):
        block = read_one(input_file(tmp_path / "a.csv", part * 3), ("text",))
    assert block.rows["text"].to_pylist() == ["good"] * 3
    header = part.decode().splitlines(keepends=True)[0]
    assert rejects_of(block) == [(3, "repeated_header", header), (5, "repeated_header", header)]


@pytest.mark.parametrize("is_compiled", [True, False])
def test_a_review_may_be_the_name_of_a_column(tmp_path, is_compiled):
    with compiled(is_compiled):
        block = read_one(input_file(tmp_path / "a.csv", b"id,text\n1,text\nid,good\n2,text\n"), ("text",))
    assert block.rows["text"].to_pylist() == ["text", "good", "text"]


@pytest.mark.parametrize("is_compiled", [True, False])
def test_a_line_of_dashes_below_the_header_is_no_row(tmp_path, is_compiled):
    """As sqlcmd writes it."""
    with compiled(is_compiled):
        block = read_one(input_file(tmp_path / "a.csv", b"id,text\n--,----\n1,--\n--,--\n"), ("text",))
    assert rejects_of(block) == [(2, "line_below_header", "--,----\n")]
    assert block.rows["text"].to_pylist() == ["--", "--"]


def test_json_text_sequences_are_json_lines(tmp_path):
    block = read_one(input_file(tmp_path / "a.jsonl", b'\x1e{"text": "good"}\n' * 2), ("text",))
    assert (block.rows["text"].to_pylist(), block.rejects) == (["good"] * 2, [])


def test_json_lines_that_were_joined_keep_their_first_rows(tmp_path):
    part = BOM + b'{"text": "good"}\n'
    block = read_one(input_file(tmp_path / "a.jsonl", BOM + part * 2), ("text",))
    assert (block.rows["text"].to_pylist(), block.rejects) == (["good"] * 2, [])
