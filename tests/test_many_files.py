"""Archives of more files than are looked at before the work, and what workers find in the others."""

import json
import pathlib

import pandas as pd
import pytest

from beam_pipelines import score
from beam_pipelines.archive import look, sample
from beam_pipelines.archive.finding import found_files
from beam_pipelines.errors import UserError
from beam_pipelines.preparing import pipeline as preparing_pipeline
from beam_pipelines.scoring import pipeline
from beam_pipelines.scoring.summary import job_summary
from tests.helpers.commands import run_preprocess, run_score
from tests.helpers.rejects import rejected
from tests.helpers.reviews import write_csv

NAMES = [f"{place}.csv" for place in range(8)]


@pytest.fixture
def few_looks(monkeypatch) -> None:
    monkeypatch.setattr(look, "MOST_FILES", 3)


@pytest.fixture
def dump(rows, tmp_path, few_looks) -> pathlib.Path:
    """Eight files of two rows each, of which three are looked at."""
    folder = tmp_path / "dump"
    folder.mkdir()
    for place, name in enumerate(NAMES):
        kept = [{name: row[name] for name in ("id", "text")} for row in rows[2 * place : 2 * place + 2]]
        write_csv(folder / name, kept)
    return folder


def seen_and_unseen(dump: pathlib.Path) -> tuple[list[str], list[str]]:
    """The names of the files that are looked at before the work, and those of the others."""
    seen = [pathlib.Path(file.path).name for file in look.sample(found_files.find([str(dump)])[0])]
    return seen, [name for name in NAMES if name not in seen]


def run_job(job: str, archive: pathlib.Path, cnn: pathlib.Path, folder: pathlib.Path, *flags: str) -> dict:
    """Runs one of both jobs, which writes to `out` in a folder."""
    if job == "score":
        return run_score(archive, cnn, folder / "out", *flags)
    return run_preprocess(folder, archive, "--score_column=score", *flags)


def reasons(output: pathlib.Path) -> list[tuple]:
    return [(pathlib.Path(row["file"]).name, row["place"], row["reason"]) for row in rejected(output)]


def test_a_file_without_the_text_is_rejected_row_by_row(dump, cnn, tmp_path):
    seen, unseen = seen_and_unseen(dump)
    assert (len(seen), len(unseen)) == (3, 5)
    (dump / unseen[1]).write_text("id,body\nx1,fine\nx2,dull\nx3,good\n")
    summary = run_score(dump, cnn, tmp_path / "out", "--id_column=id", "--max_rejected_share=1")
    assert summary["rejected_by_reason"] == {"missing_column": 3}
    assert summary["rows_scored"] == 14
    assert reasons(tmp_path / "out") == [(unseen[1], line, "missing_column") for line in (2, 3, 4)]
    # One that is looked at ends the job before it begins.
    (dump / seen[0]).write_text("id,body\nx1,fine\n")
    with pytest.raises(UserError, match=rf"{seen[0]}.*text|text.*{seen[0]}"):
        run_score(dump, cnn, tmp_path / "other", "--id_column=id")
    assert not (tmp_path / "other").exists()


def test_columns_of_all_are_null_where_a_file_lacks_them_and_told_where_it_has_more(dump, cnn, tmp_path, capsys):
    seen, unseen = seen_and_unseen(dump)
    (dump / seen[0]).write_text("id,text,stars\ns1,fine,5\n")
    (dump / unseen[0]).write_text("id,text,stars\nu1,dull,2\n")
    (dump / unseen[1]).write_text("id,text,votes\nv1,dull,7\nv2,good,8\n")
    summary = run_score(dump, cnn, tmp_path / "out", "--id_column=id", "--keep_columns=*")
    table = pd.read_parquet(tmp_path / "out/scores").set_index("id")
    assert {name: value for name, value in table["stars"].items() if value is not None} == {"s1": "5", "u1": "2"}
    assert "votes" not in table
    assert summary["rows_scored"] == len(table) == 14
    assert summary["columns_left_out"] == {"votes": 2}
    assert "(votes 2): name them" in capsys.readouterr().out


def test_a_file_that_cannot_be_read_is_one_reject(dump, cnn, tmp_path):
    _, unseen = seen_and_unseen(dump)
    (dump / unseen[0]).write_bytes(b"%PDF-1.7\n" + bytes(range(256)) * 8)
    flags = ["--id_column=id", "--max_rejected_share=1"]
    summary = run_score(dump, cnn, tmp_path / "out", *flags)
    assert summary["rejected_by_reason"] == {"unreadable_file": 1}
    assert summary["rows_scored"] == 14
    assert reasons(tmp_path / "out") == [(unseen[0], 0, "unreadable_file")]


def test_the_summary_does_not_name_very_many_files(dump, cnn, tmp_path, monkeypatch):
    monkeypatch.setattr(job_summary, "MOST_FILES", 7)
    summary = run_score(dump, cnn, tmp_path / "out")
    assert summary["by_file"] == {}
    counts = pd.read_parquet(tmp_path / "out/by_file")
    assert [pathlib.Path(name).name for name in counts["file"]] == NAMES
    for column, count in {"rows_read": 2, "rows_scored": 2, "rows_rejected": 0}.items():
        assert counts[column].tolist() == [count] * 8
    monkeypatch.setattr(job_summary, "MOST_FILES", 8)
    named = run_score(dump, cnn, tmp_path / "out", "--resume")["by_file"]
    assert [pathlib.Path(name).name for name in named] == NAMES


@pytest.mark.parametrize("job", ["score", "preprocess"])
def test_a_dirty_archive_is_stopped_before_the_work(rows, cnn, tmp_path, monkeypatch, job):
    monkeypatch.setattr(sample, "WORTH_BYTES", 0)
    monkeypatch.setattr(pipeline, "run", pytest.fail)
    monkeypatch.setattr(preparing_pipeline, "run", pytest.fail)
    dirty = [{**row, "text": "" if place % 2 else row["text"]} for place, row in enumerate(rows[:60])]
    path = write_csv(tmp_path / "dirty.csv", dirty)
    told = r"50\.0% of 60 rows of a sample would be rejected, most often for empty_text \(30\); .*--max_rejected_share"
    with pytest.raises(UserError, match=told) as ended:
        run_job(job, path, cnn, tmp_path, "--max_rejected_share=0.2")
    assert ended.value.status == 3
    assert not (tmp_path / "out").exists() or not [*(tmp_path / "out").iterdir()]


def test_a_sample_that_is_clean_enough_stops_nothing(rows, cnn, tmp_path, monkeypatch):
    monkeypatch.setattr(sample, "WORTH_BYTES", 0)
    dirty = [{**row, "text": "" if place % 3 == 0 else row["text"]} for place, row in enumerate(rows[:60])]
    path = write_csv(tmp_path / "dirty.csv", dirty)
    # A third, of which a sample may have up to twice as much as is allowed.
    arguments = [f"--input={path}", f"--model={cnn}", f"--output={tmp_path}/out", "--text_column=text"]
    with pytest.raises(UserError, match="33.3% of the rows were rejected") as ended:
        score.main([*arguments, "--max_rejected_share=0.2"])
    assert ended.value.status == 3
    assert json.loads((tmp_path / "out/summary.json").read_text())["rows_scored"] == 40


@pytest.mark.parametrize("job", ["score", "preprocess"])
def test_a_file_that_changes_while_the_job_runs_ends_it_by_name(rows, cnn, tmp_path, monkeypatch, job):
    path = write_csv(tmp_path / "reviews.csv", rows[:60])
    module, step = (pipeline, "build") if job == "score" else (preparing_pipeline, "build_count")
    build = getattr(module, step)

    def change_and_build(*given, **named):
        path.write_text(path.read_text() + "more,,1,fine\n")
        return build(*given, **named)

    monkeypatch.setattr(module, step, change_and_build)
    with pytest.raises(UserError, match=r"reviews\.csv has changed since the job began; begin anew with --overwrite"):
        run_job(job, path, cnn, tmp_path)
