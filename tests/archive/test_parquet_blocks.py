"""Parquet columns keep their types, its text is checked, and its row groups flow in blocks."""

import pyarrow as pa
import pytest

from beam_pipelines.archive import input_columns, parquet_blocks
from beam_pipelines.archive.finding import found_files
from beam_pipelines.archive.read_options import ReadOptions
from tests.helpers.archives import input_file, look_at, parquet, read_all, read_found, read_one, rejects_of, texts_of

COLUMNS = ("text", "band")


@pytest.mark.parametrize("kind", [pa.binary(), pa.large_binary()])
def test_rejected_rows_of_parquet(tmp_path, kind):
    values = [b"good", b"b\xe4d", None, b"fine"]
    content = parquet({"band": pa.array([b"a", b"b", b"\xff", b"d"], kind), "text": pa.array(values, kind)})
    block = read_one(input_file(tmp_path / "a.parquet", content))
    assert rejects_of(block) == [
        (2, "invalid_utf8", '{"text": "b\\\\xe4d", "band": "b"}'),
        (3, "invalid_utf8", '{"text": null, "band": "\\\\xff"}'),
    ]
    assert block.rows.to_pydict() == {"text": ["good", "fine"], "band": ["a", "d"]}
    assert block.row_numbers.tolist() == [1, 4]


def test_a_parquet_string_that_lies(tmp_path):
    """Some writers put any bytes into a column that claims to be UTF-8."""
    lying = pa.Array.from_buffers(pa.string(), 2, pa.array([b"good", b"b\xe4d"]).buffers())
    block = read_one(input_file(tmp_path / "a.parquet", parquet({"text": lying})), ("text",))
    assert block.rows.to_pydict() == {"text": ["good"]}
    assert rejects_of(block) == [(2, "invalid_utf8", '{"text": "b\\\\xe4d"}')]


def test_a_parquet_text_of_another_type_is_rejected(tmp_path):
    content = parquet({"text": [7, 8, None], "band": ["a", "b", "c"]}, rows_per_group=2)
    block = read_one(input_file(tmp_path / "a.parquet", content), COLUMNS)
    assert (block.rows.num_rows, block.rows.schema.field("text").type) == (0, pa.string())
    assert rejects_of(block) == [
        (1, "text_not_a_string", '{"text": 7, "band": "a"}'),
        (2, "text_not_a_string", '{"text": 8, "band": "b"}'),
        (3, "text_not_a_string", '{"text": null, "band": "c"}'),
    ]


@pytest.mark.parametrize(
    "kind",
    [
        pa.string(),
        pa.large_string(),
        pa.string_view(),
        pa.binary(),
        pa.large_binary(),
        pa.dictionary(pa.int32(), pa.string()),
        pa.dictionary(pa.int8(), pa.large_string()),
    ],
    ids=str,
)
def test_every_parquet_type_of_text_becomes_a_string(tmp_path, kind):
    texts = ["Été", None, "Été", ""]
    values = pa.array(texts).dictionary_encode().cast(kind) if isinstance(kind, pa.DictionaryType) else pa.array(texts)
    content = parquet({"text": values.cast(kind)})
    block = read_one(input_file(tmp_path / "a.parquet", content), ("text",))
    assert block.rows.schema.field("text").type == pa.string()
    assert block.rows["text"].to_pylist() == texts
    assert block.rejects == []


def test_other_parquet_columns_keep_their_type(tmp_path):
    kept = {"n": pa.array([1, None], pa.int16()), "day": pa.array([0, 1], pa.date32()), "tags": pa.array([["a"], []])}
    block = read_one(input_file(tmp_path / "a.parquet", parquet({**kept, "text": ["a", "b"]})), ("text", *kept))
    assert block.rows.schema.names == ["text", "n", "day", "tags"]
    assert {name: block.rows[name] for name in kept} == kept


def test_of_parquet_only_the_wanted_columns_are_read(tmp_path):
    """A column of images beside the text must not pass through memory."""
    wanted = parquet({"text": ["good"] * 100})
    content = bytearray(parquet({"huge": [bytes(1000)] * 100, "text": ["good"] * 100}))
    content[4:40] = b"\xff" * 36  # The first column's page is no longer readable.
    block = read_one(input_file(tmp_path / "a.parquet", bytes(content)), ("text",))
    assert block.rows.equals(read_one(input_file(tmp_path / "b.parquet", wanted), ("text",)).rows)


def test_a_parquet_text_that_is_too_long_is_rejected(tmp_path):
    block = read_one(
        input_file(tmp_path / "a.parquet", parquet({"text": ["good", "x" * 101]})), ("text",), max_row_bytes=100
    )
    assert [(reject.row_number, reject.reason) for reject in block.rejects] == [(2, "field_too_long")]


def test_long_texts_of_parquet_make_no_larger_blocks(tmp_path):
    """A job needs many times the memory of a block."""
    texts = [f"{place:04d}" * 10_000 for place in range(200)]
    found = read_all(input_file(tmp_path / "a.parquet", parquet({"text": texts})), ("text",), size=200_000)
    assert max(block.rows.nbytes for block in found) < 300_000
    assert [text for block in found for text in block.rows["text"].to_pylist()] == texts


def test_bytes_that_need_not_be_text_stay_bytes(tmp_path):
    content = parquet({"text": ["good"], "image": pa.array([b"\xff\xd8"], pa.large_binary())})
    block = read_one(input_file(tmp_path / "a.parquet", content), ("text", "image"), binary=("image",))
    assert block.rows.to_pydict() == {"text": ["good"], "image": [b"\xff\xd8"]}


def test_a_row_that_is_larger_than_a_block_is_a_block_of_its_own(tmp_path):
    texts = [str(index) * 10_000 for index in range(5)]
    found = read_all(input_file(tmp_path / "a.parquet", parquet({"text": texts})), ("text",), size=100)
    assert [block.rows["text"].to_pylist() for block in found] == [[text] for text in texts]
    assert [block.row_numbers.tolist() for block in found] == [[1], [2], [3], [4], [5]]


def test_a_large_row_group_flows_in_slices(tmp_path, monkeypatch):
    """One row group may hold a million reviews, more than a worker's memory."""
    monkeypatch.setattr(parquet_blocks, "ROWS_AT_ONCE", 64)
    texts = [f"{place:0100d}" for place in range(1000)]
    file = input_file(tmp_path / "a.parquet", parquet({"text": texts}, rows_per_group=600))
    found = read_all(file, ("text",), size=10_000)
    assert len(found) > 6
    assert texts_of(found) == texts
    assert [number for block in found for number in block.row_numbers.tolist()] == list(range(1, 1001))


def test_parquet_without_rows_has_a_block_of_the_right_type(tmp_path):
    block = read_one(input_file(tmp_path / "a.parquet", parquet({"text": pa.array([], pa.string())})), ("text",))
    assert block.rows.equals(pa.record_batch({"text": pa.array([], pa.string())}))
    assert block.rejects == []


def test_the_rows_of_a_file_without_a_column_are_rejected(tmp_path):
    """Of many files, not all are looked at before."""
    for columns in ({"body": ["a", "b"]}, {"text": ["a", "b"]}):
        block = read_one(input_file(tmp_path / "a.parquet", parquet(columns)), ("text", "band"))
        text = [repr(text).replace("'", '"') for text in columns.get("text", [])] or ["null"] * 2
        assert block.rows.num_rows == 0
        assert rejects_of(block) == [
            (1, "missing_column", f'{{"text": {text[0]}, "band": null}}'),
            (2, "missing_column", f'{{"text": {text[1]}, "band": null}}'),
        ]


def test_a_column_that_may_be_missing_is_null_and_of_the_type_of_others(tmp_path):
    file = input_file(tmp_path / "a.parquet", parquet({"text": ["a", "b"]}))
    options = ReadOptions(columns=("text", "n", "band"), optional=("n", "band"), types=(("n", pa.int16()),))
    [block] = read_found(found_files.find([file.path])[0], options)
    assert block.rows.schema.types == [pa.string(), pa.int16(), pa.string()]
    assert block.rows.to_pydict() == {"text": ["a", "b"], "n": [None, None], "band": [None, None]}
    assert block.rejects == []


def test_texts_that_are_all_null_are_nulls(tmp_path):
    """pandas and polars write them without a type, beside parts that have one."""
    content = parquet({"text": pa.nulls(3), "band": pa.nulls(3)})
    block = read_one(input_file(tmp_path / "a.parquet", content))
    assert block.rows.schema.types == [pa.string(), pa.null()]
    assert (block.rows.to_pydict(), block.rejects) == ({"text": [None] * 3, "band": [None] * 3}, [])


def test_fields_of_what_is_all_null_are_null(tmp_path):
    (tmp_path / "a.parquet").write_bytes(parquet({"review": pa.nulls(2), "n": [1, 2]}))
    (tmp_path / "b.parquet").write_bytes(parquet({"review": [{"body": "a", "by": {"age": 7}}], "n": [3]}))
    (tmp_path / "c.parquet").write_bytes(parquet({"review": [{"body": "b", "by": None}], "n": [4]}))
    archive = look_at(tmp_path)
    wanted = ("review.body", "review.by.age", "n")
    input_columns.require(archive.columns, wanted)
    rows = [block.rows.to_pylist() for block in read_all(archive.files, wanted)]
    nothing = {"review.body": None, "review.by.age": None}
    assert rows == [
        [nothing | {"n": 1}, nothing | {"n": 2}],
        [{"review.body": "a", "review.by.age": 7, "n": 3}],
        [{"review.body": "b", "review.by.age": None, "n": 4}],
    ]
