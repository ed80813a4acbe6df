"""Every format gives the same rows, and a row that cannot be read is rejected where it stands."""

import csv
import io
import itertools
import json

import pyarrow as pa
import pytest

from tests.helpers.archives import COMPRESS, MEGABYTE, input_file, parquet, read_all, read_one, rejects_of

BOM = b"\xef\xbb\xbf"
COLUMNS = ("text", "band")
ROWS = [
    {"id": "1", "band": "Été", "text": "Great."},
    {"id": "2", "band": "", "text": 'He said "no",\nthen\tleft 😀'},
    {"id": "3", "band": "null", "text": ' 6" of rain, "quoted" '},
]
EXPECTED = pa.record_batch({name: [row[name] for row in ROWS] for name in COLUMNS})


def separated(delimiter: str, end: str = "\n", rows=ROWS) -> bytes:
    file = io.StringIO(newline="")
    writer = csv.DictWriter(file, rows[0], delimiter=delimiter, lineterminator=end)
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue().encode()


def json_lines(end: str = "\n", rows=ROWS) -> bytes:
    return "".join(json.dumps(row) + end for row in rows).encode()


CONTENTS = {
    ".csv": separated(","),
    ".tsv": separated("\t"),
    ".jsonl": json_lines(),
    ".parquet": parquet({name: [row[name] for row in ROWS] for name in ROWS[0]}),
}


@pytest.mark.parametrize(
    ("extension", "compression"),
    [(".parquet", ""), *itertools.product([".csv", ".tsv", ".jsonl"], COMPRESS)],
)
def test_every_format_gives_the_same_rows(tmp_path, extension, compression):
    block = read_one(input_file(tmp_path / f"a{extension}{compression}", COMPRESS[compression](CONTENTS[extension])))
    assert block.rows.equals(EXPECTED)
    assert block.rejects == []
    places = {".csv": [2, 3, 5], ".tsv": [2, 3, 5], ".jsonl": [1, 2, 3], ".parquet": [1, 2, 3]}
    assert block.row_numbers.tolist() == places[extension]


@pytest.mark.parametrize("compression", list(COMPRESS)[1:])
def test_a_file_of_several_compressed_parts_is_read_whole(tmp_path, compression):
    """`cat a.gz b.gz`, pigz and bgzip make such files."""
    compress = COMPRESS[compression]
    parts = [b"text,band\na,b\n", b"c,d\n", b"", b"e,f\n"]
    block = read_one(input_file(tmp_path / f"a.csv{compression}", b"".join(compress(part) for part in parts)))
    assert block.rows["text"].to_pylist() == ["a", "c", "e"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", BOM + separated(",")),
        ("a.csv", BOM + separated(",", "\r\n")),
        ("a.csv", separated(",", "\r\n")),
        ("a.csv", separated(",").replace(b"\n", b"\n\n").replace(b",\n\nthen", b",\nthen")),
        ("a.csv", separated(",").rstrip(b"\n")),
        ("a.tsv", BOM + separated("\t")),
        ("a.tsv", separated("\t", "\r\n")),
        ("a.jsonl", BOM + json_lines()),
        ("a.jsonl", json_lines("\r\n")),
        ("a.jsonl", b"\n \n" + json_lines("\n\n\t\r\n")),
        ("a.jsonl", json_lines().rstrip(b"\n")),
    ],
)
def test_marks_line_ends_and_blank_lines_change_nothing(tmp_path, name, content):
    block = read_one(input_file(tmp_path / name, content))
    assert block.rows.equals(EXPECTED)
    assert block.rejects == []


@pytest.mark.parametrize("mark", [b"", BOM])
@pytest.mark.parametrize("name", ["review, text", 'the "text"', "review\ntext"])
def test_a_quoted_name_of_a_column(tmp_path, mark, name):
    """Excel saves "CSV UTF-8" with a byte order mark before the first quote."""
    file = input_file(tmp_path / "a.csv", mark + separated(",", rows=[{name: "good", "band": "a"}]))
    assert read_one(file, (name, "band")).rows.to_pydict() == {name: ["good"], "band": ["a"]}


@pytest.mark.parametrize(
    ("line", "reason", "raw"),
    [
        (b"\xe9t\xe9,x,1\n", "invalid_utf8", "\\xe9t\\xe9,x,1\n"),
        (b"bad,\xff,1\n", "invalid_utf8", "bad,\\xff,1\n"),
        (b"bad,x\n", "too_few_fields", "bad,x\n"),
        (b'"bad\n\nbad"\r\n', "too_few_fields", '"bad\n\nbad"\r\n'),
        (b"bad,x,1,\n", "too_many_fields", "bad,x,1,\n"),
        (b"bad, x, y, 1\n", "too_many_fields", "bad, x, y, 1\n"),
        (b"ba\rd,x,1\n", "broken_csv", "ba\rd,x,1\n"),
        (b'"bad,x,1\n', "open_quote", '"bad,x,1\n'),
        (b'"bad,%s,1\n' % (b"x" * 4000), "open_quote", '"bad,' + "x" * 1995),
        (b"bad,%s,1\n" % (b"x" * 4000), "row_too_long", "bad," + "x" * 1996),
    ],
)
def test_rejected_rows_of_csv(tmp_path, line, reason, raw):
    content = b"text,band,id\ngood,a,1\n\n" + line + b"fine,b,2\n"
    file = input_file(tmp_path / "a.csv", content)
    block = read_one(file, max_row_bytes=3000)
    assert rejects_of(block) == [(4, reason, raw)]
    assert block.rejects[0].file == file.path
    assert block.rows.to_pydict() == {"text": ["good", "fine"], "band": ["a", "b"]}
    assert block.row_numbers.tolist() == [2, 4 + line.count(b"\n")]
    assert block.rows_read == 3


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"text": "bad', "broken_json"),
        (b"{'text': 'bad'}", "broken_json"),
        (b'{"text": "bad"} {}', "broken_json"),
        (b'{"text": "b\tad"}', "broken_json"),
        (b"[" * 100_000, "broken_json"),
        (b'{"text": "bad", "band": %s}' % (b"9" * 5000), "broken_json"),
        (b"null", "not_an_object"),
        (b'"bad"', "not_an_object"),
        (b'["bad"]', "not_an_object"),
        (b'{"text": 1}', "text_not_a_string"),
        (b'{"text": false}', "text_not_a_string"),
        (b'{"text": ["bad"]}', "text_not_a_string"),
        (b'{"text": {}}', "text_not_a_string"),
        (b'{"text": "b\xe4d"}', "invalid_utf8"),
        (b'{"text": "\xed\xa0\x80"}', "invalid_utf8"),
        (b'{"text": "\\ud800"}', "invalid_utf8"),
        (b'{"text": "\\uDC00\\uD83D bad"}', "invalid_utf8"),
        (b'{"text": "bad", "band": "\\ud800"}', "invalid_utf8"),
        (b'{"text": "bad", "band": [{"\\ud800": 1}]}', "invalid_utf8"),
        (b'{"text": "%s"}' % (b"bad " * 50_000), "row_too_long"),
    ],
)
def test_rejected_rows_of_json_lines(tmp_path, line, reason):
    content = b'{"text": "good", "band": "a"}\n\n' + line + b'\n{"text": "fine", "band": "b"}\n'
    block = read_one(input_file(tmp_path / "a.jsonl", content), max_row_bytes=150_000)
    raw = (line + b"\n")[:2000].decode("utf-8", "backslashreplace")
    assert rejects_of(block) == [(3, reason, raw)]
    assert block.rows.to_pydict() == {"text": ["good", "fine"], "band": ["a", "b"]}
    assert block.row_numbers.tolist() == [1, 4]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ('"as it is"', "as it is"),
        ('"\\ud83d\\ude00 \\u00e9"', "😀 é"),
        ("1", "1"),
        ("12345678901234567890123", "12345678901234567890123"),
        ("1.5", "1.5"),
        ("true", "true"),
        ('[1, "\\u00e9"]', '[1, "é"]'),
        ('{"k": null}', '{"k": null}'),
        ('""', ""),
        ("null", None),
    ],
)
def test_other_json_values_become_json_text(tmp_path, value, expected):
    """One schema for all shards, whatever a key holds on a line."""
    content = f'{{"text": "good", "v": {value}, "unwanted": "\\ud800"}}\n'.encode()
    block = read_one(input_file(tmp_path / "a.jsonl", content), ("text", "v"))
    assert block.rows.to_pydict() == {"text": ["good"], "v": [expected]}
    assert block.rows.schema.types == [pa.string(), pa.string()]


def test_null_and_missing_keys_are_null(tmp_path):
    content = b'{"band": "a"}\n{"text": null, "band": "b"}\n{"text": "c"}\n{}\n'
    block = read_one(input_file(tmp_path / "a.jsonl", content))
    assert block.rows.to_pydict() == {"text": [None, None, "c", None], "band": ["a", "b", None, None]}
    assert block.rejects == []


def test_a_csv_value_is_not_touched(tmp_path):
    block = read_one(input_file(tmp_path / "a.csv", b"band,text\n 007 ,NA\n1.50,\n"))
    assert block.rows.to_pydict() == {"text": ["NA", ""], "band": [" 007 ", "1.50"]}


@pytest.mark.parametrize("size", [1, 30, 200, MEGABYTE])
@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "a.jsonl", "a.jsonl.gz", "a.parquet"])
def test_rows_in_are_rows_and_rejects_out(tmp_path, name, size):
    """The sums of a job meet only if each row stands in exactly one place of one block."""
    good = [place % 7 != 0 for place in range(1, 101)]
    if ".csv" in name:
        content = b"text\n" + b"".join(b"good\n" if ok else b'"b",ad\n\n' for ok in good)
    elif ".jsonl" in name:
        content = b"".join(b'{"text": "good"}\n' if ok else b"bad\n\n" for ok in good)
    else:
        content = parquet({"text": [b"good" if ok else b"b\xe4d" for ok in good]}, rows_per_group=30)
    found = read_all(
        input_file(tmp_path / name, COMPRESS[".gz" if ".gz" in name else ""](content)), ("text",), size=size
    )
    assert sum(block.rows_read for block in found) == 100
    assert sum(block.rows.num_rows for block in found) == sum(good)
    assert sum(len(block.rejects) for block in found) == 100 - sum(good)
    places = [place for block in found for place in block.row_numbers.tolist()]
    places += [reject.row_number for block in found for reject in block.rejects]
    assert len(set(places)) == 100
