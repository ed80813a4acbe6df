"""The bulk job: every row in comes out once, in order, with its score or the reason why not."""

import collections
import json
import os
import pathlib
import re
import shutil

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from beam_pipelines import score
from beam_pipelines.artifacts import distributions
from beam_pipelines.commands.entry import has_nvidia_device
from beam_pipelines.errors import UserError
from tests.helpers.archives import parquet
from tests.helpers.commands import run_command
from tests.helpers.exports import change_weights, serve, version
from tests.helpers.reviews import write_csv
from tests.helpers.tokens import plain_tokens


def run(archive, model: pathlib.Path, output: pathlib.Path, *flags: str) -> dict:
    """Runs the job and returns its summary."""
    arguments = ["--input", str(archive), "--model", str(model), "--output", str(output), "--text_column", "text"]
    assert score.main([*arguments, *flags]) == 0
    return json.loads((output / "summary.json").read_text())


def test_rows_come_out_in_order_with_the_scores_of_the_saved_model(rows, archive, trained, tmp_path):
    summary = run(archive, trained, tmp_path, "--id_column=id", "--keep_columns=title")
    found = pd.read_parquet(tmp_path / "scores")
    assert found["id"].tolist() == [row["id"] for row in rows]
    assert found["title"].tolist() == [row["title"] for row in rows]
    expected = serve(version(trained), [row["text"] for row in rows])
    assert found["score"].to_numpy() == pytest.approx(expected["score"], abs=1e-3)
    for name in ("tokens", "truncated", "known_share"):
        assert found[name].to_numpy() == pytest.approx(expected[name])
    assert set(found["model_version"]) == {int(version(trained).name)}
    assert (summary["rows_read"], summary["rows_scored"], summary["rows_rejected"]) == (400, 400, 0)
    assert not (tmp_path / ".tmp").exists()


@pytest.mark.parametrize("output_format", ["parquet", "jsonl", "csv"])
def test_every_output_format_holds_the_same(archive, cnn, tmp_path, output_format):
    run(archive, cnn, tmp_path / "out", "--id_column=id", f"--output_format={output_format}")
    paths = sorted((tmp_path / "out/scores").iterdir())
    assert {path.suffix for path in paths} == {f".{output_format}"}
    read = {"parquet": pd.read_parquet, "csv": pd.read_csv, "jsonl": lambda p: pd.read_json(p, lines=True)}
    found = pd.concat([read[output_format](path) for path in paths])
    run(archive, cnn, tmp_path / "parquet", "--id_column=id")
    expected = pd.read_parquet(tmp_path / "parquet/scores")
    assert list(found.columns) == list(expected.columns)
    assert (found["score"].astype(np.float32) == expected["score"].to_numpy()).all()
    assert (found["id"] == expected["id"].to_numpy()).all()


def test_many_blocks_and_files_give_the_input_order(rows, cnn, tmp_path, monkeypatch):
    """A block is one shard; its name gives its place."""
    from beam_pipelines.archive import blocks

    monkeypatch.setattr(blocks, "MIN_BYTES", 3000)
    folder = tmp_path / "archive"
    folder.mkdir()
    write_csv(folder / "b.csv", rows[150:300])
    pd.DataFrame(rows[:150]).to_json(folder / "a.jsonl.gz", orient="records", lines=True)
    pd.DataFrame(rows[300:]).to_parquet(folder / "c.parquet", row_group_size=40)
    summary = run(f"{folder}/*", cnn, tmp_path / "out", "--id_column=id")
    shards = sorted((tmp_path / "out/scores").iterdir())
    assert len(shards) > 15
    assert pd.concat([pd.read_parquet(path) for path in shards])["id"].tolist() == [row["id"] for row in rows]
    assert {pathlib.Path(path).name: counts["rows_scored"] for path, counts in summary["by_file"].items()} == {
        "a.jsonl.gz": 150,
        "b.csv": 150,
        "c.parquet": 100,
    }


def test_every_row_is_scored_or_rejected_with_its_reason(cnn, tmp_path):
    lines = [b"id,text", b"1,a good film", b"2,", b"3,\xff\xfe", b'4,"', b"5,bad,film", b"6,fine"]
    archive = tmp_path / "rows.csv"
    archive.write_bytes(b"\n".join(lines))
    summary = run(archive, cnn, tmp_path / "out", "--max_rejected_share=1")
    assert pd.read_parquet(tmp_path / "out/scores")["id"].tolist() == ["rows.csv:2", "rows.csv:7"]
    rejects = [json.loads(line) for path in (tmp_path / "out/rejected").iterdir() for line in path.open()]
    assert [(reject["place"], reject["reason"]) for reject in rejects] == [
        (3, "empty_text"),
        (4, "invalid_utf8"),
        (5, "open_quote"),
        (6, "too_many_fields"),
    ]
    assert [reject["raw"] for reject in rejects] == ["2,\n", "3,\\xff\\xfe\n", '4,"\n', "5,bad,film\n"]
    assert summary["rows_read"] == 6
    assert summary["rejected_by_reason"] == {
        "empty_text": 1,
        "invalid_utf8": 1,
        "open_quote": 1,
        "too_many_fields": 1,
    }


def test_too_many_rejects_fail_the_job_after_everything_is_written(cnn, tmp_path):
    archive = tmp_path / "rows.csv"
    archive.write_text("id,text\n1,fine\n2,\n")
    arguments = f"--input {archive} --model {cnn} --output {tmp_path}/out --text_column text".split()
    with pytest.raises(UserError, match="50.0% of the rows were rejected, most often for empty_text") as failed:
        score.main(arguments)
    assert failed.value.status == 3
    assert len(pd.read_parquet(tmp_path / "out/scores")) == 1
    assert (tmp_path / "out/summary.json").exists()


@pytest.mark.parametrize("engine", ["compiled", "saved_model"])
def test_scores_that_are_not_finite_are_rejects_and_the_summary_is_json(cnn, tmp_path, engine):
    model = shutil.copytree(version(cnn), tmp_path / "20200101000000")
    row = (model / "assets/vocabulary.txt").read_text().splitlines().index("drums") + 2
    damaged = re.compile("weights/words.Svectors|_tables/")
    change_weights(model, lambda name, weights: weights.__setitem__(row, np.nan) if damaged.match(name) else None)
    archive = write_csv(tmp_path / "a.csv", [{"text": text} for text in ("dull", "the drums", "dull zzz", "drums zzz")])
    summary = run(archive, model, tmp_path / "out", f"--engine={engine}", "--max_rejected_share=1")
    assert summary["rejected_by_reason"] == {"scoring_failed": 2}
    assert (summary["rows_read"], summary["rows_scored"], summary["engines"]) == (4, 2, [engine])
    assert summary["unknown_tokens"] == {"zzz": 1}
    assert np.isfinite(pd.read_parquet(tmp_path / "out/scores")[["score", "score_low", "score_high"]]).all(axis=None)
    numberless = []
    json.loads((tmp_path / "out/summary.json").read_text(), parse_constant=numberless.append)
    assert numberless == []
    assert "nan" not in re.sub("<[^>]*>", "", (tmp_path / "out/report.html").read_text())


def test_true_scores_give_the_error(rows, archive, cnn, tmp_path):
    summary = run(archive, cnn, tmp_path, "--score_column=score")
    scores = pd.read_parquet(tmp_path / "scores")["score"].to_numpy()
    gaps = np.abs(scores - np.array([row["score"] for row in rows]))
    assert summary["rows_with_true_score"] == len(rows)
    assert summary["mae"] == pytest.approx(gaps.mean(), rel=1e-5)
    assert summary["score_mean"] == pytest.approx(scores.mean(), rel=1e-5)
    assert sum(summary["score_histogram"]) == len(rows)
    gaps = scores - np.array([row["score"] for row in rows])
    assert summary["bias"] == pytest.approx(gaps.mean(), rel=1e-4)
    assert summary["rmse"] == pytest.approx(np.sqrt((gaps**2).mean()), rel=1e-5)


def test_true_scores_of_another_scale_do_not_count_but_are_told(rows, cnn, tmp_path, capsys):
    others = [{**row, "score": row["score"] if place % 4 else 1000 + place} for place, row in enumerate(rows)]
    archive = write_csv(tmp_path / "in.csv", others)
    summary = run(archive, cnn, tmp_path / "out", "--score_column=score")
    assert (summary["rows_with_true_score"], summary["true_scores_off_scale"]) == (300, 100)
    assert summary["mae"] < 100
    sentence = "100 true scores do not lie from 0 to 100 and are left out of the error."
    assert sentence in capsys.readouterr().out.splitlines()
    assert sentence in (tmp_path / "out/report.html").read_text()


def test_the_summary_and_the_report_tell_what_the_scores_are(rows, archive, cnn, tmp_path):
    summary = run(archive, cnn, tmp_path, "--id_column=id")
    found = pd.read_parquet(tmp_path / "scores")
    lengths, shares = summary["tokens_histogram"], summary["known_share_histogram"]
    assert lengths["counts"] == lengths["training"] == distributions.count_lengths(found["tokens"].to_numpy()).tolist()
    assert shares["counts"] == distributions.count_shares(found["known_share"].to_numpy()).tolist()
    assert lengths["psi"] == 0
    assert summary["drift"] == []
    for name, rank in (("best", -found["score"]), ("worst", found["score"])):
        expected = found["id"].iloc[np.argsort(rank.to_numpy(), kind="stable")[:10]].tolist()
        assert [row["id"] for row in summary[name]] == expected
    texts = {row["id"]: row["text"] for row in rows}
    assert all(row["text"] == texts[row["id"]][:200] for row in summary["least_certain"])
    words = collections.Counter(token for row in rows for token in plain_tokens(row["text"]))
    known = set((version(cnn) / "assets/vocabulary.txt").read_text().split("\n"))
    unknown = {token: count for token, count in words.items() if token not in known}
    assert 100 < len(unknown) <= 200
    assert summary["tokens_without_id"] == sum(unknown.values())
    assert summary["unknown_tokens"].items() <= unknown.items()
    assert len(summary["unknown_tokens"]) == 50
    assert summary["this_run"]["rows_scored"] == len(rows)
    assert {"load", "read", "tokenise", "score", "write"} == set(summary["this_run"]["seconds_by_stage"])
    page = (tmp_path / "report.html").read_text()
    assert summary["best"][0]["id"] in page
    assert "Lengths and known words are like the training data" in page


def test_another_language_is_told_in_the_end(cnn, tmp_path, capsys):
    (tmp_path / "in.csv").write_text("text\n" + "der film war <b>nicht</b> sehr gut und ich war it\n" * 300)
    drift = run(tmp_path / "in.csv", cnn, tmp_path / "out")["drift"]
    assert "as in another language or subject; the most frequent unknown words are b (600), war (600)" in drift[1]
    assert " ".join(drift) in capsys.readouterr().out.splitlines()
    assert drift[-1] in (tmp_path / "out/report.html").read_text()


def test_a_private_archive_leaves_no_word_in_the_summary_the_report_and_the_statistics(cnn, tmp_path):
    words = ["zebra", "quokka", "superb", "secretly"]
    (tmp_path / "in.csv").write_text("text\n" + "Zebra quokka superb\n" * 40 + 'secretly,one,more\n"secretly')
    flags = ["--max_rejected_share=1", "--explain"]
    for output, more, expected in (("open", [], words), ("private", ["--no_text_in_reports"], [])):
        summary = run(tmp_path / "in.csv", cnn, tmp_path / output, *flags, *more)
        assert summary["rows_rejected"] == 2
        paths = [path for path in (tmp_path / output).rglob("*") if path.suffix in (".json", ".html")]
        assert len(paths) == 4
        told = "".join(path.read_text() for path in paths).lower()
        assert [word for word in words if word in told] == expected


@pytest.mark.skipif(has_nvidia_device(), reason="TensorFlow tells of the GPU")
def test_nothing_but_our_own_lines_is_told(cnn, tmp_path):
    """Without AVX-512, TensorFlow has a line of its own about explaining."""
    (tmp_path / "in.csv").write_text("text\nA superb record\n")
    flags = [f"--{name}={tmp_path}/{value}" for name, value in {"input": "in.csv", "output": "out"}.items()]
    quiet = {name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"}
    flags += [f"--model={cnn}", "--text_column=text", "--explain"]
    ended = run_command("beam_pipelines.score", *flags, env=quiet)
    assert ended.returncode == 0
    assert re.fullmatch(r"\d\d:\d\d:\d\d scoring 1 files, .*\n", ended.stderr)


@pytest.mark.parametrize("output_format", ["jsonl", "parquet"])
def test_points_are_written_with_as_few_digits_as_tell_them(archive, cnn, tmp_path, output_format):
    run(archive, cnn, tmp_path, "--explain", f"--output_format={output_format}")
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
    run(tmp_path / "in.parquet", cnn, tmp_path / "out", "--id_column=id", "--keep_columns=day, title")
    schema = pq.read_schema(next((tmp_path / "out/scores").iterdir()))
    assert schema.names[:3] == ["id", "day", "title"]
    assert str(schema.field("day").type).startswith("timestamp")
    assert schema.field("score").metadata[b"unit"] == b"0 to 100"


def test_a_model_is_found_from_the_trainers_output_down(cnn, archive, tmp_path):
    for place, model in enumerate([cnn, cnn / "export/reviews", version(cnn)]):
        run(archive, model, tmp_path / str(place))
    shards = [next((tmp_path / str(place) / "scores").iterdir()).read_bytes() for place in range(3)]
    assert shards[0] == shards[1] == shards[2]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"input": "nothing/*.csv"}, "--input nothing/.*csv matches no file"),
        ({"text_column": "body"}, "reviews.csv has no column 'body'; it has: id, title, score, text"),
        ({"keep_columns": "mood"}, "reviews.csv has no column 'mood'"),
        ({"keep_columns": "score"}, "other columns of the scores have the names of these: 'score'; give"),
        ({"model": "tests"}, "--model tests holds no exported model"),
        ({"model": "no/where"}, "--model no/where holds no exported model"),
    ],
)
def test_mistakes_get_one_sentence_before_any_work(archive, cnn, tmp_path, changed, message):
    flags = {"input": archive, "model": cnn, "output": tmp_path / "out", "text_column": "text", **changed}
    with pytest.raises(UserError, match=message):
        score.main([f"--{name}={value}" for name, value in flags.items()])
    assert not (tmp_path / "out").exists()


def test_a_runner_that_lacks_something_says_so_and_is_no_obstacle_to_another(archive, cnn, tmp_path):
    with pytest.raises(UserError, match="^--runner PortableRunner: You must specify a --job_endpoint"):
        run(archive, cnn, tmp_path / "out", "--runner=PortableRunner")
    assert run(archive, cnn, tmp_path / "out")["rows_scored"] == 400


def test_a_folder_that_is_not_empty_is_refused_and_overwrite_deletes_only_its_own(archive, cnn, tmp_path):
    run(archive, cnn, tmp_path)
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(UserError, match="is not empty; choose another folder, add --resume to go on with its job"):
        run(archive, cnn, tmp_path)
    (tmp_path / "rejected").mkdir()
    (tmp_path / "rejected/000000-000000000000000.jsonl").write_text("{}")
    mine = [tmp_path / name for name in ("notes.txt", "scores/mine.parquet", "statistics/mine.json")]
    for path in mine:
        path.write_text("mine")
    run(archive, cnn, tmp_path, "--overwrite", "--output_format=csv")
    assert all(path.read_text() == "mine" for path in mine)
    assert not (tmp_path / "rejected").exists()
    mine[1].unlink()
    assert {path.suffix for path in (tmp_path / "scores").iterdir()} == {".csv"}


def test_nested_columns_and_missing_numbers_are_written_in_every_format(cnn, tmp_path):
    table = pd.DataFrame({"text": ["fine", "dull"], "tags": [["a", "b"], []], "stars": [1.5, np.nan]})
    table.to_parquet(tmp_path / "in.parquet")
    flags = ["--keep_columns=tags,stars", "--output_format"]
    run(tmp_path / "in.parquet", cnn, tmp_path / "csv", *flags, "csv")
    assert pd.read_csv(next((tmp_path / "csv/scores").iterdir()))["tags"].tolist() == ['["a", "b"]', "[]"]
    run(tmp_path / "in.parquet", cnn, tmp_path / "jsonl", *flags, "jsonl")
    lines = [
        json.loads(line, parse_constant=pytest.fail) for line in next((tmp_path / "jsonl/scores").iterdir()).open()
    ]
    assert [(line["tags"], line["stars"]) for line in lines] == [(["a", "b"], 1.5), ([], None)]


def test_json_lines_are_json_whatever_is_kept(cnn, tmp_path):
    odd = {"f": [1e400, float("nan")], "list": [[1.0, float("inf")], []], "raw": [b"\xff", b"abc"]}
    pq.write_table(pa.table({"text": ["fine", "dull"], **odd}), tmp_path / "in.parquet")
    flags = ["--keep_columns=f,list,raw", "--output_format"]
    run(tmp_path / "in.parquet", cnn, tmp_path / "jsonl", *flags, "jsonl")
    lines = next((tmp_path / "jsonl/scores").iterdir()).read_text().splitlines()
    found = [json.loads(line, parse_constant=pytest.fail) for line in lines]
    assert [(line["f"], line["list"], line["raw"]) for line in found] == [(None, [1.0, None], "ff"), (None, [], "abc")]
    run(tmp_path / "in.parquet", cnn, tmp_path / "csv", *flags, "csv")
    assert pd.read_csv(next((tmp_path / "csv/scores").iterdir()))["raw"].tolist() == ["ff", "abc"]
    run(tmp_path / "in.parquet", cnn, tmp_path / "parquet", "--keep_columns=raw")
    assert pd.read_parquet(tmp_path / "parquet/scores")["raw"].tolist() == odd["raw"]


def test_a_key_that_comes_too_late_for_all_columns_is_told(cnn, tmp_path, capsys):
    lines = ['{"text": "fine"}'] * 1500 + ['{"text": "fine", "stars": 5}']
    (tmp_path / "in.jsonl").write_text("\n".join(lines))
    assert run(tmp_path / "in.jsonl", cnn, tmp_path / "out", "--keep_columns=*")["columns_left_out"] == {"stars": 1}
    assert "later ones were left out (stars 1): name them" in capsys.readouterr().out


EMPTY = pa.table({"id": pa.array([], pa.string()), "text": pa.array([], pa.string()), "n": pa.array([], pa.int64())})


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
    summary = run(tmp_path / "in", cnn, tmp_path / "out", *flags)
    assert (summary["rows_read"], summary["rows_scored"], summary["rows_rejected"]) == (0, 0, 0)
    assert f"no row at all: all {len(contents)} files are empty, or have a header alone" in caplog.messages
    (tmp_path / "one.csv").write_text("id,text,n\n1,good,2\n")
    run(tmp_path / "one.csv", cnn, tmp_path / "other", *flags)
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
        run(tmp_path / "in.jsonl", cnn, tmp_path / output_format, "--explain", f"--output_format={output_format}")
    [shard] = (tmp_path / "csv/scores").iterdir()
    assert list(pd.read_csv(shard).columns)[:4] == ["id", "score", "score_low", "score_high"]
    [shard] = (tmp_path / "jsonl/scores").iterdir()
    assert pd.read_json(shard, lines=True).empty
