"""The columns of a scoring job: kept ones and results in every format, and of no rows at all."""

import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from beam_pipelines.archive import look
from beam_pipelines.errors import UserError
from tests.helpers.archives import parquet
from tests.helpers.commands import run_score
from tests.helpers.folders import contents

EMPTY = pa.table({"id": pa.array([], pa.string()), "text": pa.array([], pa.string()), "n": pa.array([], pa.int64())})


@pytest.mark.parametrize("output_format", ["jsonl", "parquet"])
def test_points_are_written_with_as_few_digits_as_tell_them(archive, cnn, tmp_path, output_format):
    run_score(archive, cnn, tmp_path, "--explain", f"--output_format={output_format}")
    [path] = (tmp_path / "scores").iterdir()
    if output_format == "parquet":
        rows = pd.read_parquet(path).to_dict("records")
    else:
        rows = [json.loads(line) for line in path.open()]
    points = [reason["points"] for row in rows for reason in row["reasons"]]
    assert len(points) > 400
    assert points == [float(str(np.float32(point))) for point in points]


def test_a_parquet_column_keeps_its_type_and_the_score_says_its_unit(rows, cnn, tmp_path):
    table = pd.DataFrame(rows)
    table["day"] = pd.Timestamp("2020-02-02")
    table.to_parquet(tmp_path / "in.parquet")
    run_score(tmp_path / "in.parquet", cnn, tmp_path / "out", "--id_column=id", "--keep_columns=day, title")
    schema = pq.read_schema(next((tmp_path / "out/scores").iterdir()))
    assert schema.names[:3] == ["id", "day", "title"]
    assert str(schema.field("day").type).startswith("timestamp")
    assert schema.field("score").metadata[b"unit"] == b"0 to 100"


def test_nested_columns_and_missing_numbers_are_written_in_every_format(cnn, tmp_path):
    table = pd.DataFrame({"text": ["fine", "dull"], "tags": [["a", "b"], []], "stars": [1.5, np.nan]})
    table.to_parquet(tmp_path / "in.parquet")
    flags = ["--keep_columns=tags,stars", "--output_format"]
    run_score(tmp_path / "in.parquet", cnn, tmp_path / "csv", *flags, "csv")
    assert pd.read_csv(next((tmp_path / "csv/scores").iterdir()))["tags"].tolist() == ['["a", "b"]', "[]"]
    run_score(tmp_path / "in.parquet", cnn, tmp_path / "jsonl", *flags, "jsonl")
    lines = [
        json.loads(line, parse_constant=pytest.fail) for line in next((tmp_path / "jsonl/scores").iterdir()).open()
    ]
    assert [(line["tags"], line["stars"]) for line in lines] == [(["a", "b"], 1.5), ([], None)]


def test_json_lines_are_json_whatever_is_kept(cnn, tmp_path):
    odd = {"f": [1e400, float("nan")], "list": [[1.0, float("inf")], []], "raw": [b"\xff", b"abc"]}
    pq.write_table(pa.table({"text": ["fine", "dull"], **odd}), tmp_path / "in.parquet")
    flags = ["--keep_columns=f,list,raw", "--output_format"]
    run_score(tmp_path / "in.parquet", cnn, tmp_path / "jsonl", *flags, "jsonl")
    lines = next((tmp_path / "jsonl/scores").iterdir()).read_text().splitlines()
    found = [json.loads(line, parse_constant=pytest.fail) for line in lines]
    assert [(line["f"], line["list"], line["raw"]) for line in found] == [(None, [1.0, None], "ff"), (None, [], "abc")]
    run_score(tmp_path / "in.parquet", cnn, tmp_path / "csv", *flags, "csv")
    assert pd.read_csv(next((tmp_path / "csv/scores").iterdir()))["raw"].tolist() == ["ff", "abc"]
    run_score(tmp_path / "in.parquet", cnn, tmp_path / "parquet", "--keep_columns=raw")
    assert pd.read_parquet(tmp_path / "parquet/scores")["raw"].tolist() == odd["raw"]


def test_a_key_that_comes_too_late_for_all_columns_is_told(cnn, tmp_path, capsys):
    lines = ['{"text": "fine"}'] * 1500 + ['{"text": "fine", "stars": 5}']
    (tmp_path / "in.jsonl").write_text("\n".join(lines))
    assert run_score(tmp_path / "in.jsonl", cnn, tmp_path / "out", "--keep_columns=*")["columns_left_out"] == {
        "stars": 1
    }
    assert "others were left out (stars 1): name them" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("contents", "kind"),
    [
        ({"a.parquet": parquet(EMPTY)}, pa.int64()),
        ({"a.csv": b"id,text,n\n"}, pa.string()),
        ({"a.csv": b"", "b.jsonl.gz": b"", "c.jsonl": b"\n"}, pa.string()),
    ],
)
def test_an_archive_without_rows_gives_scores_that_can_be_read_and_a_word(cnn, tmp_path, caplog, contents, kind):
    """A table of no rows has the columns and the types of any other."""
    (tmp_path / "in").mkdir()
    for name, content in contents.items():
        (tmp_path / "in" / name).write_bytes(content)
    flags = ["--id_column=id", "--keep_columns=n"]
    summary = run_score(tmp_path / "in", cnn, tmp_path / "out", *flags)
    assert (summary["rows_read"], summary["rows_scored"], summary["rows_rejected"]) == (0, 0, 0)
    assert f"no row at all: all {len(contents)} files are empty, or have a header alone" in caplog.messages
    (tmp_path / "one.csv").write_text("id,text,n\n1,good,2\n")
    run_score(tmp_path / "one.csv", cnn, tmp_path / "other", *flags)
    found, expected = pq.read_table(tmp_path / "out/scores"), pq.read_table(tmp_path / "other/scores")
    assert found.num_rows == 0
    assert found.schema.names == expected.schema.names
    assert {name: found.schema.field(name).type for name in found.schema.names} == {
        name: expected.schema.field(name).type for name in expected.schema.names
    } | {"n": kind}
    assert list(pd.read_parquet(tmp_path / "out/scores").columns) == expected.schema.names


def test_an_archive_without_rows_in_the_other_formats(cnn, tmp_path):
    (tmp_path / "in.jsonl").write_bytes(b"")
    for output_format in ("csv", "jsonl"):
        run_score(tmp_path / "in.jsonl", cnn, tmp_path / output_format, "--explain", f"--output_format={output_format}")
    [shard] = (tmp_path / "csv/scores").iterdir()
    assert list(pd.read_csv(shard).columns)[:4] == ["id", "score", "score_low", "score_high"]
    [shard] = (tmp_path / "jsonl/scores").iterdir()
    assert pd.read_json(shard, lines=True).empty


def test_columns_of_parquet_files_are_told_and_take_the_types_of_the_first_ones(cnn, tmp_path, monkeypatch):
    flags, output = ["--id_column=id", "--keep_columns=*", "--max_rejected_share=1"], tmp_path / "out"
    first, others = tmp_path / "first", tmp_path / "others"
    for folder in (first, others):
        folder.mkdir()
    when = pd.to_datetime(["2024-02-29"], utc=True)
    pd.DataFrame({"id": [1], "text": ["a good one"], "stars": [5], "when": when}).to_parquet(first / "a.parquet")
    run_score(first, cnn, output, *flags)
    before = contents(output)
    pd.DataFrame({"id": ["2", "x"], "text": ["a bad one"] * 2}).to_parquet(others / "b.parquet")
    with pytest.raises(UserError, match=r"'id' is int64 in the shards before and string in .*/b\.parquet; give it one"):
        run_score(others, cnn, output, *flags, "--add")
    assert contents(output) == before
    pd.DataFrame({"id": [2], "text": ["a bad one"], "more": [1]}).to_parquet(others / "b.parquet")
    # Nobody looks at this one.
    pd.DataFrame({"id": ["x"], "text": ["a bad one"], "more": [1]}).to_parquet(others / "c.parquet")
    monkeypatch.setattr(look, "sample", lambda found: found[:1])
    summary = run_score(others, cnn, output, *flags, "--add")
    table = pd.read_parquet(output / "scores")
    assert str(table["when"].dtype).endswith(", UTC]")
    assert (table["id"].tolist(), table["stars"].tolist()[0], table["stars"].isna().tolist()) == (
        [1, 2],
        5,
        [False, True],
    )
    assert summary["rejected_by_reason"] == {"not_int64": 1}
    assert summary["columns_left_out"] == {"more": 2}


def test_parquet_files_that_nobody_looked_at_may_have_other_types(cnn, tmp_path, monkeypatch):
    monkeypatch.setattr(look, "MOST_FILES", 1)
    for name, ids_of_file in {"a": [1], "b": ["2"], "c": [3.0]}.items():
        pd.DataFrame({"id": ids_of_file, "text": ["a good one"]}).to_parquet(tmp_path / f"{name}.parquet")
    summary = run_score(f"{tmp_path}/*.parquet", cnn, tmp_path / "out", "--id_column=id")
    assert summary["rows_scored"] == 3
    assert pd.read_parquet(tmp_path / "out/scores")["id"].astype(int).tolist() == [1, 2, 3]
