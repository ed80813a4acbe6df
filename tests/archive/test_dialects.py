"""Other delimiters, quotes and encodings, nested fields, and what stands in a reject."""

import json

import pyarrow as pa
import pytest

from tests.helpers.archives import input_file, parquet, read_all

COLUMNS = ("text", "band")


def read_one(path, content: bytes, columns=COLUMNS, **how):
    [block] = read_all(input_file(path, content), columns, **how)
    return block


@pytest.mark.parametrize(
    ("name", "content", "how"),
    [
        ("a.csv", 'band;text\nÉté;"a ""b"";\nc"\n', {"delimiter": ";"}),
        ("a.csv", "band|text\nÉté|'a \"b\";\nc'\n", {"delimiter": "|", "quote": "'"}),
        ("a.tsv", 'band;text\nÉté;"a ""b"";\nc"\n', {"delimiter": ";"}),
        ("a.csv", 'band\x01text\nÉté\x01"a ""b"";\nc"\n', {"delimiter": "\x01"}),
        ("a.csv", 'band;text\r\nÉté;"a ""b"";\nc"\r\n', {"delimiter": ";", "encoding": "latin-1"}),
        ("a.csv", 'band,text\nÉté,"a ""b"";\nc"\n', {"encoding": "cp1252"}),
        ("a.tsv", 'band\ttext\nÉté\t"a ""b"";\nc"\n', {"encoding": "utf-8-sig"}),
        ("a.jsonl", json.dumps({"band": "Été", "text": 'a "b";\nc'}, ensure_ascii=False), {"encoding": "latin-1"}),
    ],
)
def test_the_same_rows_in_other_dress(tmp_path, name, content, how):
    block = read_one(tmp_path / name, content.encode(how.get("encoding", "utf-8")), **how)
    assert block.rows.to_pydict() == {"text": ['a "b";\nc'], "band": ["Été"]}
    assert block.rejects == []


def test_without_quotes_a_quote_is_a_letter(tmp_path):
    content = b'text\tband\n"good\ta\nsaid "no"\tb\n'
    block = read_one(tmp_path / "a.tsv", content, quote=None)
    assert block.rows["text"].to_pylist() == ['"good', 'said "no"']


def test_a_double_byte_encoding(tmp_path):
    """The second byte of a character can be that of an ASCII letter, never that of a comma, quote or newline."""
    texts = ["表示能力", "ソ連", "良い"]
    content = "text,band\n" + "".join(f'"{text}",x\n' for text in texts)
    for encoding in ("shift_jis", "gb18030", "euc_jp"):
        block = read_one(tmp_path / "a.csv", content.encode(encoding), encoding=encoding)
        assert block.rows["text"].to_pylist() == texts


def test_a_row_that_is_not_valid_in_its_encoding_is_rejected_with_its_letters(tmp_path):
    content = "text,band\ngood,é\nbad,é\x81\n,é\n".encode("latin-1")
    block = read_one(tmp_path / "a.csv", content, encoding="cp1252").reject({1: "empty_text"})
    assert [(reject.reason, reject.raw) for reject in block.rejects] == [
        ("invalid_cp1252", "bad,é\\x81\n"),
        ("empty_text", ",é\n"),
    ]


@pytest.mark.parametrize("name", ["a.jsonl", "a.parquet"])
def test_nested_fields_are_columns(tmp_path, name):
    reviews = [{"body": "good", "by": {"name": "Ann"}}, {"body": "fine", "by": None}, None]
    if name == "a.jsonl":
        content = "".join(json.dumps({"review": review}) + "\n" for review in reviews).encode()
    else:
        content = parquet({"n": [1, 2, 3], "review": pa.array(reviews)})
    block = read_one(tmp_path / name, content, ("review.body", "review.by.name"))
    assert block.rows.to_pydict() == {"review.body": ["good", "fine", None], "review.by.name": ["Ann", None, None]}


def test_a_name_with_a_dot_wins_over_a_nested_field(tmp_path):
    block = read_one(tmp_path / "a.jsonl", b'{"a.b": "flat", "a": {"b": "nested"}}\n', ("a.b",))
    assert block.rows["a.b"].to_pylist() == ["flat"]


def test_a_reject_holds_the_row_as_it_stood_in_the_file(tmp_path):
    content = b'{"text": " ", "unwanted": [1, 2]}\n'
    [reject] = read_one(tmp_path / "a.jsonl", content, ("text",)).reject({0: "empty_text"}).rejects
    assert reject.raw == content.decode()


def test_keys_beside_all_that_are_wanted_are_counted(tmp_path):
    content = b'{"text": "a"}\n{"text": "b", "stars": 1}\n{"text": "c", "stars": 2, "by": 1}\n'
    assert read_one(tmp_path / "a.jsonl", content, ("text",), all_columns=True).notes.unlisted_keys == {
        "stars": 2,
        "by": 1,
    }
    assert read_one(tmp_path / "a.jsonl", content, ("text",)).notes.unlisted_keys == {}
