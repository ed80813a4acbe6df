"""`--add` scores what is new in an archive that grows, and leaves the rest as it is."""

import json
import os
import pathlib
import re
import zipfile

import pandas as pd
import pytest

from beam_pipelines import score, verify
from beam_pipelines.archive import sample
from beam_pipelines.commands import job_folder
from beam_pipelines.errors import UserError
from beam_pipelines.scoring import job as scoring_job
from beam_pipelines.scoring import pipeline
from beam_pipelines.scoring.summary import job_totals
from tests.helpers.commands import run_score
from tests.helpers.folders import contents, modified, shards
from tests.helpers.reviews import write_csv

FLAGS = ["--id_column=id", "--max_rejected_share=1"]


@pytest.fixture
def dump(rows, tmp_path) -> pathlib.Path:
    """Two files, of 40 rows and of 30, with a row each that cannot be scored."""
    folder = tmp_path / "dump"
    folder.mkdir()
    write_csv(folder / "b.csv", [*rows[:39], {**rows[39], "text": ""}])
    write_csv(folder / "c.csv", [*rows[40:69], {**rows[69], "text": " "}])
    return folder


@pytest.fixture
def scored(dump, cnn, tmp_path) -> pathlib.Path:
    run_score(dump, cnn, tmp_path / "out", *FLAGS)
    return tmp_path / "out"


def grow(dump: pathlib.Path, rows: list[dict], *names: str) -> None:
    """Adds files of 10 rows each; what is in them follows from their place."""
    for place, name in enumerate(names):
        write_csv(dump / name, rows[100 + 10 * place : 110 + 10 * place])


def ids(output: pathlib.Path) -> list[str]:
    """The ids of all rows, in the order of the shards' names."""
    return pd.read_parquet(output / "scores")["id"].tolist()


def numbers(start: int, stop: int) -> list[str]:
    return [f"r{number}" for number in range(start, stop)]


def test_new_files_alone_are_scored(dump, rows, cnn, scored, capsys):
    before = shards(scored)
    times = modified(scored, *before)
    # In the order of their names, one of them stands before all others.
    grow(dump, rows, "a.csv", "d.csv")
    summary = run_score(dump, cnn, scored, *FLAGS, "--add")
    assert modified(scored, *before) == times
    after = shards(scored)
    assert {name: after[name] for name in before} == before
    assert ids(scored) == [*numbers(0, 39), *numbers(40, 69), *numbers(100, 120)]
    counts = [summary[name] for name in ("rows_read", "rows_scored", "rows_rejected")]
    assert counts == [90, 88, 2]
    assert summary["this_run"]["rows_scored"] == 20
    by_file = {pathlib.Path(name).name: count["rows_read"] for name, count in summary["by_file"].items()}
    assert by_file == {"b.csv": 40, "c.csv": 30, "a.csv": 10, "d.csv": 10}
    capsys.readouterr()
    assert verify.main([str(scored)]) == 0
    assert "is whole: 2 extents, 90 rows read, 88 scored, 2 rejected" in capsys.readouterr().out


def test_what_was_added_sums_up_to_what_one_job_gives(dump, rows, cnn, scored, tmp_path):
    grow(dump, rows, "d.csv")
    added = run_score(dump, cnn, scored, *FLAGS, "--add")
    at_once = run_score(dump, cnn, tmp_path / "at-once", *FLAGS)
    exact = ("rows_read", "rows_scored", "rows_rejected", "rejected_by_reason", "score_histogram", "tokens")
    assert {name: added[name] for name in exact} == {name: at_once[name] for name in exact}
    # Of the scores of a batch, the last bits follow from what else is in it.
    assert added["score_mean"] == pytest.approx(at_once["score_mean"], rel=1e-6)
    assert [row["id"] for row in added["best"]] == [row["id"] for row in at_once["best"]]


def test_an_archive_grows_more_than_once_and_resumes_in_its_order(dump, rows, cnn, scored):
    for name in ("a.csv", "0.csv"):
        grow(dump, rows, name)
        run_score(dump, cnn, scored, *FLAGS, "--add")
    in_order = [*numbers(0, 39), *numbers(40, 69), *numbers(100, 110), *numbers(100, 110)]
    assert ids(scored) == in_order
    assert json.loads((scored / "manifest.json").read_text())["rounds"] == [0, 2, 3]
    before = shards(scored)
    # A shard of the second round, which nothing but that round makes again.
    name = sorted(path.name for path in (scored / "scores").iterdir())[1]
    (scored / "scores" / name).unlink()
    summary = run_score(dump, cnn, scored, *FLAGS, "--resume")
    assert summary["this_run"]["rows_scored"] == 10
    assert summary["rows_read"] == 90
    assert shards(scored) == before
    assert verify.main([str(scored)]) == 0


def test_the_new_files_may_be_given_alone(dump, rows, cnn, scored, tmp_path):
    """A file that was there before counts as it did, and need not be named again."""
    (tmp_path / "new").mkdir()
    grow(tmp_path / "new", rows, "d.csv")
    summary = run_score(tmp_path / "new", cnn, scored, *FLAGS, "--add")
    assert summary["rows_read"] == 80
    assert ids(scored) == [*numbers(0, 39), *numbers(40, 69), *numbers(100, 110)]


def test_no_row_of_another_folder_has_the_id_of_one_before(dump, rows, cnn, scored, tmp_path):
    """Named by the folder that they share, both would be `b.csv`."""
    (dump / "later").mkdir()
    (tmp_path / "elsewhere").mkdir()
    output = tmp_path / "by_lines"
    run_score(dump, cnn, output, "--max_rejected_share=1")
    for folder in (dump / "later", tmp_path / "elsewhere"):
        grow(folder, rows, "b.csv")
        run_score(folder, cnn, output, "--max_rejected_share=1", "--add")
    row_ids = pd.read_parquet(output / "scores")["id"]
    assert row_ids.iloc[[0, 68, 78]].tolist() == ["b.csv:2", "later/b.csv:2", f"{tmp_path}/elsewhere/b.csv:2"]
    assert row_ids.is_unique


def test_a_file_that_changed_is_refused(dump, rows, cnn, scored):
    grow(dump, rows, "d.csv")
    os.utime(dump / "c.csv", (1, 1))
    before = contents(scored)
    told = f"--add: {re.escape(str(dump))}/c.csv has changed since it was scored; begin anew with --overwrite"
    with pytest.raises(UserError, match=told):
        run_score(dump, cnn, scored, *FLAGS, "--add")
    assert contents(scored) == before


def test_nothing_new_is_no_error(dump, cnn, scored, caplog):
    """The daily command may come too early."""
    before = contents(scored)
    caplog.set_level("INFO", logger="review_scorer")
    run_score(dump, cnn, scored, *FLAGS, "--add")
    assert f"no file is new since the job in {scored}" in caplog.text
    assert contents(scored) == before


def test_other_settings_are_refused(dump, rows, cnn, scored):
    grow(dump, rows, "d.csv")
    before = contents(scored)
    with pytest.raises(UserError, match="--add: the job in .* was another one: settings explain was False and is True"):
        run_score(dump, cnn, scored, *FLAGS, "--add", "--explain")
    assert contents(scored) == before


def test_what_has_not_ended_is_scored_with_what_is_new(dump, rows, cnn, scored):
    """After an interruption, files may have come and gone; what had ended before it is left alone."""
    grow(dump, rows, "d.csv")
    run_score(dump, cnn, scored, *FLAGS, "--add")
    names = sorted(path.name for path in (scored / "scores").iterdir())
    *ended, unfinished = names
    before = modified(scored / "scores", *ended)
    for name in ("totals/000002.json", "by_file/000002.parquet", "summary.json", f"scores/{unfinished}"):
        (scored / name).unlink()
    with pytest.raises(UserError, match="has not written its totals"):
        score.main(["--finish", f"--input={dump}", f"--model={cnn}", f"--output={scored}", "--text_column=text"])
    write_csv(dump / "a.csv", rows[110:120])
    with pytest.raises(UserError, match=r"--resume: .*/a.csv is new \(--add scores it too\)"):
        run_score(dump, cnn, scored, *FLAGS, "--resume")
    (dump / "b.csv").unlink()
    summary = run_score(dump, cnn, scored, *FLAGS, "--add")
    assert summary["rows_read"] == 90
    assert ids(scored) == [*numbers(0, 39), *numbers(40, 69), *numbers(100, 120)]
    assert modified(scored / "scores", *ended) == before
    assert verify.main([str(scored)]) == 0


@pytest.mark.parametrize("change", ["gone", "changed"])
def test_a_round_whose_files_have_changed_is_begun_anew(dump, rows, cnn, scored, change):
    """It was interrupted, so none of its files has been scored for good."""
    grow(dump, rows, "d.csv", "e.csv")
    run_score(dump, cnn, scored, *FLAGS, "--add")
    for name in ("totals/000002.json", "by_file/000002.parquet", "summary.json"):
        (scored / name).unlink()
    if change == "gone":
        (dump / "d.csv").unlink()
    else:
        write_csv(dump / "d.csv", rows[200:203])
    summary = run_score(dump, cnn, scored, *FLAGS, "--add")
    expected = numbers(110, 120) if change == "gone" else [*numbers(200, 203), *numbers(110, 120)]
    assert ids(scored) == [*numbers(0, 39), *numbers(40, 69), *expected]
    assert summary["rows_read"] == 70 + len(expected)
    assert verify.main([str(scored)]) == 0


def test_other_members_of_an_archive_are_refused(rows, cnn, tmp_path):
    """They would stand among those of the same file."""
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for name in "ab":
            archive.write(write_csv(tmp_path / f"{name}.csv", rows[:5]), f"{name}.csv")
    run_score(f"{tmp_path}/a.zip:a.csv", cnn, tmp_path / "out", *FLAGS)
    with pytest.raises(UserError, match=r"--add: other members of .*/a\.zip were scored; score these into another f"):
        run_score(f"{tmp_path}/a.zip:b.csv", cnn, tmp_path / "out", *FLAGS, "--add")


def test_what_a_cluster_may_be_at_is_not_added_to(dump, rows, cnn, scored):
    (scored / "totals/000000.json").unlink()
    job_folder.update_manifest(str(scored), submitted="job-7")
    grow(dump, rows, "d.csv")
    with pytest.raises(UserError, match=f"--add: a cluster may still be at the job in {scored}: --finish it when it"):
        run_score(dump, cnn, scored, *FLAGS, "--add")


def test_a_summary_that_was_not_written_is(dump, cnn, scored):
    written = json.loads((scored / "summary.json").read_text())
    (scored / "summary.json").unlink()
    summary = run_score(dump, cnn, scored, *FLAGS, "--add")
    assert (summary["rows_read"], summary["by_file"]) == (70, written["by_file"])


def test_the_names_of_shards_have_room_for_those_that_are_added(dump, rows, cnn, scored, monkeypatch):
    """Else their order would no longer be that of the files."""
    grow(dump, rows, "d.csv")
    monkeypatch.setattr(scoring_job.positions, "digits", lambda files: 1 if files < 3 else 2)
    told = f"--add: the names of the shards in {scored} have room for 10 files, in their order"
    with pytest.raises(UserError, match=told):
        run_score(dump, cnn, scored, *FLAGS, "--add")


def test_without_a_job_all_is_new(dump, cnn, tmp_path):
    assert run_score(dump, cnn, tmp_path / "out", *FLAGS, "--add")["rows_read"] == 70
    assert ids(tmp_path / "out") == [*numbers(0, 39), *numbers(40, 69)]


def test_a_round_that_was_interrupted_is_resumed(dump, rows, cnn, scored, monkeypatch):
    before = shards(scored)
    grow(dump, rows, "a.csv")

    def fail(*given):
        raise RuntimeError("the machine went away")

    with monkeypatch.context() as patched:
        patched.setattr(pipeline.handing_over, "wait", fail)
        patched.setattr(job_totals, "write_totals", fail)
        with pytest.raises(RuntimeError, match="the machine went away"):
            run_score(dump, cnn, scored, *FLAGS, "--add")
    with pytest.raises(UserError, match=r"--finish|not written its totals"):
        score.main(["--finish", f"--input={dump}", f"--model={cnn}", f"--output={scored}", "--text_column=text"])
    summary = run_score(dump, cnn, scored, *FLAGS, "--resume")
    assert summary["rows_read"] == 80
    assert ids(scored) == [*numbers(0, 39), *numbers(40, 69), *numbers(100, 110)]
    assert {name: shards(scored)[name] for name in before} == before


def test_all_columns_are_those_of_the_first_job(dump, rows, cnn, tmp_path):
    output, flags = tmp_path / "out", [*FLAGS, "--keep_columns=*,given=score"]
    run_score(dump, cnn, output, *flags)
    first = pd.read_parquet(output / "scores").columns.tolist()
    write_csv(dump / "d.csv", [{"stars": 5, **rows[100]}, {"stars": 4, **rows[101]}])
    write_csv(dump / "e.csv", [{"id": "r102", "score": 50, "text": "fine"}])
    summary = run_score(dump, cnn, output, *flags, "--add")
    table = pd.read_parquet(output / "scores")
    assert table.columns.tolist() == first
    assert "stars" not in first
    assert table["title"].tolist()[-3:] == [rows[100]["title"], rows[101]["title"], None]
    assert summary["rows_scored"] == 68 + 3
    # Nor are those of the new files in the way of going on.
    assert run_score(dump, cnn, output, *flags, "--resume")["rows_scored"] == 68 + 3
    assert pd.read_parquet(output / "scores").equals(table)


def test_new_files_that_a_sample_refuses_are_still_new(dump, rows, cnn, tmp_path, monkeypatch):
    output, flags = tmp_path / "out", [f"--input={dump}", f"--model={cnn}", "--text_column=text", "--id_column=id"]
    arguments = [*flags, f"--output={output}", "--max_rejected_share=0.1"]
    assert score.main(arguments) == 0
    before = contents(output)
    write_csv(dump / "d.csv", [{**rows[100 + number], "text": ""} for number in range(30)])
    monkeypatch.setattr(sample, "WORTH_BYTES", 0)
    with pytest.raises(UserError, match="of a sample would be rejected"):
        score.main([*arguments, "--add"])
    assert contents(output) == before
    write_csv(dump / "d.csv", rows[100:130])
    assert score.main([*arguments, "--add"]) == 0
    assert len(ids(output)) == 68 + 30


def test_the_job_knows_which_files_are_new(dump, rows, cnn, scored):
    grow(dump, rows, "a.csv")
    settings = score.ScoreSettings(
        input=(str(dump),), output=str(scored), text_column="text", id_column="id", model=str(cnn), add=True
    )
    job = scoring_job.Job.of(settings)
    assert (job.first, job.rounds, [pathlib.Path(file.path).name for file in job.found]) == (
        2,
        (0, 2),
        ["b.csv", "c.csv", "a.csv"],
    )
    assert job.size_bytes == (dump / "a.csv").stat().st_size
