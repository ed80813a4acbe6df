"""The bulk job: every row in comes out once, in order, with its score or the reason why not."""

import collections
import json
import os
import pathlib
import re
import shutil

import numpy as np
import pandas as pd
import pytest

from beam_pipelines import score
from beam_pipelines.artifacts import distributions
from beam_pipelines.commands.entry import has_nvidia_device
from beam_pipelines.errors import UserError
from tests.helpers.commands import run_command, run_score
from tests.helpers.exports import change_weights, serve, version
from tests.helpers.reviews import write_csv
from tests.helpers.tokens import plain_tokens


def test_rows_come_out_in_order_with_the_scores_of_the_saved_model(rows, archive, trained, tmp_path):
    summary = run_score(archive, trained, tmp_path, "--id_column=id", "--keep_columns=title")
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
    run_score(archive, cnn, tmp_path / "out", "--id_column=id", f"--output_format={output_format}")
    paths = sorted((tmp_path / "out/scores").iterdir())
    assert {path.suffix for path in paths} == {f".{output_format}"}
    read = {"parquet": pd.read_parquet, "csv": pd.read_csv, "jsonl": lambda p: pd.read_json(p, lines=True)}
    found = pd.concat([read[output_format](path) for path in paths])
    run_score(archive, cnn, tmp_path / "parquet", "--id_column=id")
    expected = pd.read_parquet(tmp_path / "parquet/scores")
    assert list(found.columns) == list(expected.columns)
    assert (found["score"].astype(np.float32) == expected["score"].to_numpy()).all()
    assert (found["id"] == expected["id"].to_numpy()).all()


def test_many_blocks_and_files_give_the_input_order(rows, cnn, tmp_path, monkeypatch):
    """An extent is one shard; its name gives its place."""
    from beam_pipelines.archive import extents

    monkeypatch.setattr(extents, "MIN_BLOCK_BYTES", 3000)
    folder = tmp_path / "archive"
    folder.mkdir()
    write_csv(folder / "b.csv", rows[150:300])
    pd.DataFrame(rows[:150]).to_json(folder / "a.jsonl.gz", orient="records", lines=True)
    pd.DataFrame(rows[300:]).to_parquet(folder / "c.parquet", row_group_size=40)
    summary = run_score(f"{folder}/*", cnn, tmp_path / "out", "--id_column=id")
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
    summary = run_score(archive, cnn, tmp_path / "out", "--max_rejected_share=1")
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
    damaged = re.compile("weights/words.Svectors|_tables/(neural|ngrams/rows)")
    change_weights(model, lambda name, weights: weights.__setitem__(row, np.nan) if damaged.match(name) else None)
    archive = write_csv(tmp_path / "a.csv", [{"text": text} for text in ("dull", "the drums", "dull zzz", "drums zzz")])
    summary = run_score(archive, model, tmp_path / "out", f"--engine={engine}", "--max_rejected_share=1")
    assert summary["rejected_by_reason"] == {"scoring_failed": 2}
    assert (summary["rows_read"], summary["rows_scored"], summary["engines"]) == (4, 2, [engine])
    assert summary["unknown_tokens"] == {"zzz": 1}
    assert np.isfinite(pd.read_parquet(tmp_path / "out/scores")[["score", "score_low", "score_high"]]).all(axis=None)
    numberless = []
    json.loads((tmp_path / "out/summary.json").read_text(), parse_constant=numberless.append)
    assert numberless == []
    assert "nan" not in re.sub("<[^>]*>", "", (tmp_path / "out/report.html").read_text())


def test_true_scores_give_the_error(rows, archive, cnn, tmp_path):
    summary = run_score(archive, cnn, tmp_path, "--score_column=score")
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
    summary = run_score(archive, cnn, tmp_path / "out", "--score_column=score")
    assert (summary["rows_with_true_score"], summary["true_scores_off_scale"]) == (300, 100)
    assert summary["mae"] < 100
    sentence = "100 true scores do not lie from 0 to 100 and are left out of the error."
    assert sentence in capsys.readouterr().out.splitlines()
    assert sentence in (tmp_path / "out/report.html").read_text()


def test_the_summary_and_the_report_tell_what_the_scores_are(rows, archive, cnn, tmp_path):
    summary = run_score(archive, cnn, tmp_path, "--id_column=id")
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
    drift = run_score(tmp_path / "in.csv", cnn, tmp_path / "out")["drift"]
    assert "as in another language or subject; the most frequent unknown words are b (600), war (600)" in drift[1]
    assert " ".join(drift) in capsys.readouterr().out.splitlines()
    assert drift[-1] in (tmp_path / "out/report.html").read_text()


def test_a_private_archive_leaves_no_word_in_the_summary_the_report_and_the_statistics(cnn, tmp_path):
    words = ["zebra", "quokka", "superb", "secretly"]
    (tmp_path / "in.csv").write_text("text\n" + "Zebra quokka superb\n" * 40 + 'secretly,one,more\n"secretly')
    flags = ["--max_rejected_share=1", "--explain"]
    for output, more, expected in (("open", [], words), ("private", ["--no_text_in_reports"], [])):
        summary = run_score(tmp_path / "in.csv", cnn, tmp_path / output, *flags, *more)
        assert summary["rows_rejected"] == 2
        paths = [path for path in (tmp_path / output).rglob("*") if path.suffix in (".json", ".html")]
        kinds = {path.relative_to(tmp_path / output).parts[0] for path in paths}
        assert kinds == {"manifest.json", "report.html", "statistics", "summary.json", "totals"}
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


def test_a_model_is_found_from_the_trainers_output_down(cnn, archive, tmp_path):
    for place, model in enumerate([cnn, cnn / "export/reviews", version(cnn)]):
        run_score(archive, model, tmp_path / str(place))
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
    with pytest.raises(UserError, match="^--runner PortableRunner also needs --job_endpoint HOST:PORT"):
        run_score(archive, cnn, tmp_path / "out", "--runner=PortableRunner")
    assert run_score(archive, cnn, tmp_path / "out")["rows_scored"] == 400


def test_a_folder_that_is_not_empty_is_refused_and_overwrite_deletes_only_its_own(archive, cnn, tmp_path):
    run_score(archive, cnn, tmp_path)
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(UserError, match="is not empty; choose another folder, add --resume to go on with its job"):
        run_score(archive, cnn, tmp_path)
    (tmp_path / "rejected").mkdir()
    (tmp_path / "rejected/000000-00000000-000000000000000.jsonl").write_text("{}")
    mine = [tmp_path / name for name in ("notes.txt", "scores/mine.parquet", "statistics/mine.json")]
    for path in mine:
        path.write_text("mine")
    run_score(archive, cnn, tmp_path, "--overwrite", "--output_format=csv")
    assert all(path.read_text() == "mine" for path in mine)
    assert not (tmp_path / "rejected").exists()
    mine[1].unlink()
    assert {path.suffix for path in (tmp_path / "scores").iterdir()} == {".csv"}
