"""Columns of the input are carried along under the names and types that were asked for."""

import datetime

import pyarrow as pa
import pytest

from beam_pipelines.archive.columns import Columns
from beam_pipelines.archive.finding.input_files import InputFile
from beam_pipelines.errors import UserError
from beam_pipelines.scoring import carried_columns, output_columns
from beam_pipelines.scoring.carried_columns import CarriedColumn

PRESENT = ["id", "title", "score", "a=b", "at:int64"]
# What nobody has named is null in a file that lacks it.
REST = [CarriedColumn(name, name, is_optional=True) for name in ("title", "a=b", "at:int64")]


@pytest.mark.parametrize(
    ("keep_columns", "id_column", "expected"),
    [
        ("", None, []),
        ("", "id", [CarriedColumn("id", "id")]),
        ("title, score,,title ", None, [CarriedColumn("title", "title"), CarriedColumn("score", "score")]),
        ("title,id", "id", [CarriedColumn("id", "id"), CarriedColumn("title", "title")]),
        ("score:float64", None, [CarriedColumn("score", "score", "float64")]),
        (
            "stars=score:float64,title",
            None,
            [CarriedColumn("stars", "score", "float64"), CarriedColumn("title", "title")],
        ),
        ("stars:float64=score", None, [CarriedColumn("stars", "score", "float64")]),
        ("a=b,at:int64", None, [CarriedColumn("a=b", "a=b"), CarriedColumn("at:int64", "at:int64")]),
        ("by.name", None, [CarriedColumn("by.name", "by.name")]),
        ("*", None, [CarriedColumn(name, name, is_optional=True) for name in PRESENT]),
        ("*,stars=score", "id", [CarriedColumn("id", "id"), CarriedColumn("stars", "score"), *REST]),
    ],
)
def test_what_is_kept(keep_columns, id_column, expected):
    assert list(carried_columns.parse_keep_columns(keep_columns, PRESENT, id_column)) == expected


def test_a_type_that_is_none_is_refused():
    with pytest.raises(UserError, match="--keep_columns score:float: 'float' is no type; the types are string, int64"):
        carried_columns.parse_keep_columns("score:float", PRESENT)


def test_a_column_without_a_name_cannot_be_kept():
    """As pandas and R write them for the numbers of rows."""
    assert [column.name for column in carried_columns.parse_keep_columns("*", ["", "title"])] == ["title"]
    with pytest.raises(UserError, match="--keep_columns row= names no column; one without a name cannot be kept"):
        carried_columns.parse_keep_columns("row=", ["", "title"])


def test_two_columns_of_one_name_are_refused():
    with pytest.raises(UserError, match="--keep_columns would give two columns the name 'title'"):
        carried_columns.parse_keep_columns("title,title=score", PRESENT)


@pytest.mark.parametrize("name", ["score", "tokens", "model_version", "id"])
def test_the_name_of_a_result_is_refused_and_the_way_out_named(name):
    sentence = f"other columns of the scores have the names of these: '{name}'; "
    with pytest.raises(UserError, match=f"(?m){sentence}.*give another name, as in .* 'input_{name}={name}'$"):
        output_columns.check_names((CarriedColumn(name, name),), explain=False, more=("id",))
    output_columns.check_names(
        carried_columns.parse_keep_columns(f"input_{name}={name}", PRESENT), explain=False, more=("id",)
    )


@pytest.mark.parametrize(
    ("names", "clashes"), [(("Score",), "'Score'"), (("Id", "ID"), "'Id', 'ID'"), (("Band", "band"), "'band'")]
)
def test_names_that_differ_only_in_case_are_refused(names, clashes):
    """DuckDB and Spark take them for one name, and DuckDB reads whichever comes first."""
    carried = tuple(CarriedColumn(name, f"their {name}") for name in names)
    sentence = f"other columns of the scores have the names of these but for upper and lower case: {clashes}; give"
    with pytest.raises(UserError, match=f"(?m){sentence} .*input_{names[-1]}=their {names[-1]}'$"):
        output_columns.check_names(carried, explain=False, more=("id",))


def test_a_column_of_two_types_needs_one():
    files = [InputFile(place, f"{place}.parquet", "parquet", None, 1) for place in range(3)]
    kinds = [pa.int64(), pa.int64(), pa.dictionary(pa.int32(), pa.string())]
    found = {file: Columns(("n",), types={"n": kind}) for file, kind in zip(files, kinds, strict=True)}
    found[InputFile(3, "3.csv", "csv", None, 1)] = Columns(("other",))
    with pytest.raises(UserError, match="the column 'n' is int64 in 0.parquet and string in 2.parquet"):
        carried_columns.check_types(carried_columns.parse_keep_columns("n", ["n"]), found, {})
    carried_columns.check_types(carried_columns.parse_keep_columns("n:string", ["n"]), found, {})


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [
        ([pa.null(), pa.int64(), pa.null()], pa.int64()),
        ([pa.null(), pa.list_(pa.string())], pa.list_(pa.string())),
        ([pa.null(), pa.large_string()], pa.string()),
        ([pa.null(), pa.null()], pa.string()),
        ([pa.binary(), pa.null()], pa.binary()),
    ],
)
def test_a_column_that_is_all_null_in_a_file_takes_the_type_of_the_others(kinds, expected):
    files = [InputFile(place, f"{place}.parquet", "parquet", None, 1) for place in range(len(kinds))]
    found = {file: Columns(("n",), types={"n": kind}) for file, kind in zip(files, kinds, strict=True)}
    [column] = carried_columns.check_types(carried_columns.parse_keep_columns("n", ["n"]), found, {})
    rows = pa.RecordBatch.from_arrays([pa.nulls(2)], names=["n"])
    taken, reasons = carried_columns.take_carried(rows, (column,))
    assert (taken["n"].type, taken["n"].to_pylist(), reasons) == (expected, [None, None], {})


@pytest.mark.parametrize("kind", ["int64", "string", "bool"])
def test_nulls_can_be_given_a_type(kind):
    found = {InputFile(0, "a.parquet", "parquet", None, 1): Columns(("n",), types={"n": pa.null()})}
    [column] = carried_columns.check_types(carried_columns.parse_keep_columns(f"n:{kind}", ["n"]), found, {})
    rows = pa.RecordBatch.from_arrays([pa.nulls(2)], names=["n"])
    taken, reasons = carried_columns.take_carried(rows, (column,))
    assert (taken["n"].type, taken["n"].null_count, reasons) == (carried_columns.TYPES[kind], 2, {})


@pytest.mark.parametrize(
    ("kind", "values", "expected", "bad"),
    [
        ("int64", ["1", " 2 ", "", None, "x", "1.5"], [1, 2, None, None, None, None], [4, 5]),
        ("float64", ["1", "1e3", "nan.", "-.5"], [1.0, 1000.0, None, -0.5], [2]),
        ("bool", ["true", "False", "1", "maybe"], [True, False, True, None], [3]),
        ("date32", ["2024-02-29", "29.2.2024"], [datetime.date(2024, 2, 29), None], [1]),
        ("timestamp", ["2024-02-29 12:00:01"], [datetime.datetime(2024, 2, 29, 12, 0, 1)], []),
        ("string", [1, None], ["1", None], []),
        ("string", [["a"], None], ['["a"]', None], []),
        ("int64", [1.0, 1.5], [1, None], [1]),
        ("string", [" ", ""], [" ", ""], []),
    ],
)
def test_a_value_without_the_type_gives_its_row_a_reason(kind, values, expected, bad):
    rows = pa.RecordBatch.from_arrays([pa.array(values)], names=["v"])
    found, reasons = carried_columns.take_carried(rows, (CarriedColumn("new", "v", kind),))
    assert found["new"].to_pylist() == expected
    assert reasons == dict.fromkeys(bad, f"not_{kind}")


@pytest.mark.parametrize(
    ("kind", "values", "expected", "bad"),
    [
        (pa.int64(), pa.array(["7", "x", None]), [7, None, None], [1]),
        (pa.string(), pa.array([7, None]), ["7", None], []),
        (pa.float64(), pa.array([1, 2], pa.int32()), [1.0, 2.0], []),
        (pa.list_(pa.string()), pa.array([["a"]], pa.list_(pa.large_string())), [["a"]], []),
        (pa.list_(pa.string()), pa.array([1]), [None], [0]),
        (pa.timestamp("us"), pa.array([b"x"]), [None], [0]),
    ],
)
def test_a_file_that_nobody_looked_at_gets_the_type_of_the_others(kind, values, expected, bad):
    rows = pa.RecordBatch.from_arrays([values], names=["v"])
    found, reasons = carried_columns.take_carried(rows, (CarriedColumn("v", "v", stored_type=kind),))
    assert (found["v"].type, found["v"].to_pylist()) == (kind, expected)
    assert reasons == dict.fromkeys(bad, f"not_{kind}")


def test_what_shards_hold_already_decides_the_type():
    file = InputFile(0, "a.parquet", "parquet", None, 1)
    found = {file: Columns(("n", "m"), types={"n": pa.null(), "m": pa.int64()})}
    columns = carried_columns.parse_keep_columns("n,m,o", ["n", "m", "o"])
    known = {"n": pa.int64(), "o": pa.list_(pa.string())}
    checked = carried_columns.check_types(columns, found, known)
    assert [column.stored_type for column in checked] == [pa.int64(), pa.int64(), pa.list_(pa.string())]
    with pytest.raises(UserError, match=r"'m' is string in the shards before and int64 in a\.parquet; give it"):
        carried_columns.check_types(columns, found, {"m": pa.string()})


def test_types_are_read_as_they_were_written():
    types = {"a": pa.decimal128(10, 2), "b": pa.timestamp("us", "UTC"), "c": pa.struct({"d": pa.list_(pa.int8())})}
    columns = tuple(CarriedColumn(f"new {name}", name, stored_type=kind) for name, kind in types.items())
    assert carried_columns.read_types(carried_columns.write_types(columns)) == types
