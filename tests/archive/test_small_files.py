"""Several small files share a block, and each of their rows and rejects is still that of its own file."""

import bz2
import gzip
import lzma
import pathlib

import pytest
import zstandard

from beam_pipelines.archive.blocks import Block
from beam_pipelines.archive.finding import found_files
from beam_pipelines.archive.positions import Position
from beam_pipelines.archive.read_options import ReadOptions
from tests.helpers.archives import compiled, find_files, parquet, read_all, read_found, tarred, texts_of, zipped

BOM = b"\xef\xbb\xbf"


def write(folder: pathlib.Path, files: dict[str, bytes]) -> list:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return find_files(f"{folder}/**")


def seen(blocks: list[Block]) -> list[tuple[list[str], list[str | None], list[tuple]]]:
    """Of each block the names of its rows, their texts, and its rejects."""
    return [
        (
            block.row_names,
            block.rows["text"].to_pylist(),
            [(reject.file.split("/")[-1], reject.row_number, reject.reason, reject.raw) for reject in block.rejects],
        )
        for block in blocks
    ]


@pytest.fixture(params=[True, False], ids=["compiled", "plain"], autouse=True)
def is_compiled(request):
    with compiled(request.param):
        yield request.param


def test_rows_and_rejects_have_the_file_and_the_line_of_their_own(tmp_path):
    files = {
        "a.csv": b"id,text\n1,a\n2,b,\n3,c\n",
        "b.csv": b"id,text\n\n4,d\n5,\xff\n",
        "c.csv": b'id,text\n6,"e\nf"\n7,g',
        "d.csv": b"id,text\r\n8,h\r\n",
    }
    blocks = read_all(write(tmp_path, files), ("text", "id"))
    assert seen(blocks) == [
        (
            ["a.csv:2", "a.csv:4", "b.csv:3", "c.csv:2", "c.csv:4", "d.csv:2"],
            ["a", "c", "d", "e\nf", "g", "h"],
            [("a.csv", 3, "too_many_fields", "2,b,\n"), ("b.csv", 4, "invalid_utf8", "5,\\xff\n")],
        )
    ]
    [block] = blocks
    assert block.rows["id"].to_pylist() == ["1", "3", "4", "6", "7", "8"]
    assert [reject.position for reject in block.rejects] == [(0, 0), (1, 0)]
    assert [block.raw[row] for row in (0, 3, 4)] == [b"1,a\n", b'6,"e\nf"\n', b"7,g"]
    assert block.file_of(2).name == "b.csv"
    late = block.reject({4: "empty_text"}).rejects[-1]
    assert (late.file, late.row_number, late.raw) == (f"{tmp_path}/c.csv", 4, "7,g")


@pytest.mark.parametrize("mark", [b"", BOM])
@pytest.mark.parametrize("end", [b"\n", b"\r\n", b""])
def test_headers_marks_and_ends_of_files_are_no_rows_of_the_next(tmp_path, mark, end):
    """A row that no newline ends does not run into the header behind it."""
    files = {f"{name}.csv": mark + b"id,text" + (end or b"\n") + b"1," + name.encode() + end for name in "abc"}
    assert seen(read_all(write(tmp_path, files), ("text",))) == [
        (["a.csv:2", "b.csv:2", "c.csv:2"], ["a", "b", "c"], [])
    ]


def test_a_row_that_holds_a_header_is_found_in_each_file(tmp_path):
    files = {"a.csv": b"id,text\n1,a\n", "b.csv": b"id,text\n2,b\nid,text\n3,c\n"}
    assert seen(read_all(write(tmp_path, files), ("text",))) == [
        (["a.csv:2", "b.csv:2", "b.csv:4"], ["a", "b", "c"], [("b.csv", 3, "repeated_header", "id,text\n")])
    ]


def test_a_letter_that_is_cut_at_the_end_of_a_file_is_not_completed_by_the_next(tmp_path):
    """The bytes of é: the one file ends with the first, and the next begins with the second."""
    whole = "é".encode()
    (tmp_path / "a.jsonl").write_bytes(b'{"text": "a"}\n{"text": "' + whole[:1])
    (tmp_path / "b.jsonl").write_bytes(whole[1:] + b'"}\n{"text": "b"}\n')
    (tmp_path / "c.csv").write_bytes(b"text\nc\n" + whole[:1])
    (tmp_path / "d.csv").write_bytes(b"text\n" + whole[1:] + b"d\nd\n")
    [lines, rows] = read_all(find_files(tmp_path / "*"), ("text",))
    assert [(reject.row_number, reject.reason) for reject in lines.rejects] == [
        (2, "invalid_utf8"),
        (1, "invalid_utf8"),
    ]
    assert lines.row_names == ["a.jsonl:1", "b.jsonl:2"]
    assert [(reject.file[-5:], reject.row_number, reject.reason) for reject in rows.rejects] == [
        ("c.csv", 3, "invalid_utf8"),
        ("d.csv", 2, "invalid_utf8"),
    ]
    assert rows.row_names == ["c.csv:2", "d.csv:3"]


def test_a_quote_that_stays_open_at_the_end_of_a_file_does_not_swallow_the_next(tmp_path):
    files = {"a.csv": b'id,text\n1,a\n2,"open\n', "b.csv": b'id,text\n3,b\n4,"c"\n'}
    assert seen(read_all(write(tmp_path, files), ("text",))) == [
        (["a.csv:2", "b.csv:2", "b.csv:3"], ["a", "b", "c"], [("a.csv", 3, "open_quote", '2,"open\n')])
    ]


def test_files_that_are_read_otherwise_stand_in_blocks_of_their_own(tmp_path):
    files = {
        "a.csv": b"id,text\n1,a\n",
        "b.csv": b"text,id\nb,2\n",
        "c.csv": b"sep=;\ntext;id\nc,c;3\n",
        "d.csv": b"text;id\nd\n",
        "e.jsonl": b'{"text": "e", "id": "5"}\n',
        "f.jsonl.gz": gzip.compress(b'{"text": "f", "id": "6"}\n'),
        "g.parquet": parquet({"text": ["g"], "id": ["7"]}),
        "h.parquet": parquet({"text": ["h"], "id": ["8"]}),
        "i.tsv": b"text\tid\ni\t9\n",
    }
    blocks = read_all(write(tmp_path, files), ("text", "id"))
    assert seen(blocks) == [
        (["a.csv:2"], ["a"], []),
        (["b.csv:2"], ["b"], []),
        (["c.csv:3"], ["c,c"], []),
        ([], [], [("d.csv", 2, "missing_column", "d\n")]),
        (["e.jsonl:1", "f.jsonl.gz:1"], ["e", "f"], []),
        (["g.parquet:1", "h.parquet:1"], ["g", "h"], []),
        (["i.tsv:2"], ["i"], []),
    ]
    assert [row for block in blocks for row in block.rows["id"].to_pylist()] == list("1235") + list("6789")
    # All of one extent.
    assert {block.extent for block in blocks} == {Position(0)}
    assert [block.next_extent for block in blocks] == [None] * 6 + [Position(9)]


def test_empty_files_and_files_of_a_header_or_blank_lines_are_done_too(tmp_path):
    files = {
        "a.csv": b"",
        "b.csv": b"text\n",
        "c.jsonl": b"\n \n",
        "d.csv": BOM,
        "e.csv": b"\n\r\n",
        "f.csv": b"text\nf\n",
    }
    blocks = read_all(write(tmp_path, files), ("text",))
    assert texts_of(blocks) == ["f"]
    assert [reject for block in blocks for reject in block.rejects] == []
    assert (blocks[0].extent, blocks[-1].next_extent) == (Position(0), Position(6))


def test_nothing_but_empty_files_has_a_block_of_the_wanted_columns(tmp_path):
    [block] = read_all(write(tmp_path, {"a.csv": b"", "b.csv": b""}), ("text", "id"))
    assert (block.rows.num_rows, block.rows.schema.names) == (0, ["text", "id"])
    assert (block.extent, block.next_extent, block.files) == (Position(0), Position(2), ())


def test_partitions_of_other_values_share_a_block(tmp_path):
    files = {f"stars={stars}/a.csv": b"text\n" + f"{stars}\n".encode() * 2 for stars in range(1, 4)}
    [block] = read_all(write(tmp_path, files), ("text", "stars"))
    assert block.rows["stars"].to_pylist() == block.rows["text"].to_pylist() == ["1", "1", "2", "2", "3", "3"]
    assert block.row_names[::2] == ["stars=1/a.csv:2", "stars=2/a.csv:2", "stars=3/a.csv:2"]


def test_columns_that_may_be_missing_are_null_where_they_are(tmp_path):
    files = {
        "a.csv": b"text,n\na,1\n",
        "b.csv": b"text\nb\n",
        "c.csv": b"m,text\n3,c\n",
        "d.jsonl": b'{"text": "d", "m": 4}\n',
        "e.parquet": parquet({"text": ["e"]}),
    }
    write(tmp_path, files)
    options = ReadOptions(columns=("text", "n", "m"), optional=("n", "m"))
    blocks = read_found(found_files.find([f"{tmp_path}/*"])[0], options)
    assert [row for block in blocks for row in block.rows.to_pylist()] == [
        {"text": "a", "n": "1", "m": None},
        {"text": "b", "n": None, "m": None},
        {"text": "c", "n": None, "m": "3"},
        {"text": "d", "n": None, "m": "4"},
        {"text": "e", "n": None, "m": None},
    ]
    assert len({block.rows.schema for block in blocks}) == 1


def test_a_file_is_looked_at_when_it_is_read_and_told_then(tmp_path):
    """Of many files, not all are looked at before."""
    [block] = read_all(write(tmp_path, {"a.csv.gz": b"text\na\n", "b.csv": b"text\nb\n"}), ("text",))
    assert texts_of([block]) == ["a", "b"]
    [note] = block.notes.files
    assert note.startswith(f"{tmp_path}/a.csv.gz is not compressed")


@pytest.mark.parametrize(
    ("name", "compress"),
    [
        ("b.tar", bytes),
        ("b.tar.gz", gzip.compress),
        ("b.tar.bz2", bz2.compress),
        ("b.tar.xz", lzma.compress),
        ("b.tar.zst", zstandard.compress),
        ("b.zip", None),
    ],
)
def test_archives_among_many_small_files_are_read_like_them(tmp_path, name, compress):
    """Behind a CSV with a header that other files may share, whatever is packed and compressed is known by itself."""
    members = {"1.csv": b"id,text of a review\n2,b\n", "2.csv": b"id,text of a review\n3,c\n"}
    files = {f"{name}.csv": b"id,text of a review\n1,a\n" for name in "ac"}
    files[name] = compress(tarred(members)) if compress else zipped(members)
    blocks = read_all(write(tmp_path, files), ("text of a review",))
    assert [text for block in blocks for text in block.rows["text of a review"].to_pylist()] == ["a", "b", "c", "a"]
    assert [reject for block in blocks for reject in block.rejects] == []
