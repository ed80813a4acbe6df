"""`--finish` writes what is written last, of a job that ended without its launcher; `--no_wait` leaves one alone."""

import json
import pathlib
import shutil

import pytest

from beam_pipelines import preprocess, score
from beam_pipelines.errors import UserError
from tests.helpers.commands import run_score
from tests.helpers.folders import contents


@pytest.fixture(scope="module")
def ended(archive, cnn, tmp_path_factory) -> pathlib.Path:
    output = tmp_path_factory.mktemp("ended") / "out"
    run_score(archive, cnn, output)
    return output


@pytest.fixture
def left(ended, tmp_path) -> pathlib.Path:
    """What a job leaves whose launcher did not wait."""
    shutil.copytree(ended, tmp_path / "left")
    for name in ("summary.json", "report.html"):
        (tmp_path / "left" / name).unlink()
    return tmp_path / "left"


def test_the_summary_and_the_report_are_written_from_the_totals(archive, cnn, ended, left, capsys):
    before = contents(left)
    summary = run_score(archive, cnn, left, "--finish")
    expected = json.loads((ended / "summary.json").read_text())
    del expected["this_run"]
    assert summary == expected
    after = contents(left)
    assert after.keys() - before.keys() == {"summary.json", "report.html"}
    assert {name: after[name] for name in before if name != "manifest.json"} == {
        name: data for name, data in before.items() if name != "manifest.json"
    }
    told = capsys.readouterr().out
    assert "400 rows read: 400 scored, 0 rejected" in told
    assert "this run:" not in told


def test_the_archive_is_not_read(archive, cnn, left, tmp_path):
    assert run_score(tmp_path / "gone.csv", cnn, left, "--finish")["rows_read"] == 400


def test_a_job_that_has_not_ended_is_not_finished(archive, cnn, left):
    shutil.rmtree(left / "totals")
    before = contents(left)
    with pytest.raises(UserError, match=f"the job in {left} has not written its totals: wait for its end, or go on"):
        run_score(archive, cnn, left, "--finish")
    assert contents(left) == before


def test_another_model_is_refused(archive, cnn, left, tmp_path):
    other = tmp_path / "model"
    shutil.copytree(cnn, other)
    extra = next(other.glob("export/reviews/*/assets.extra/reviews.json"))
    about = json.loads(extra.read_text())
    about["digests"]["saved_model.pb"] = "another"
    extra.write_text(json.dumps(about))
    with pytest.raises(UserError, match=rf"--finish: the job in {left} has scored with version \d+; name that with"):
        run_score(archive, other, left, "--finish")


def test_no_job_cannot_be_finished(archive, cnn, prepared, tmp_path):
    for output in (tmp_path / "none", prepared):
        with pytest.raises(UserError, match=f"--finish: no job has written to --output {output}"):
            run_score(archive, cnn, output, "--finish")
    assert not (tmp_path / "none").exists()


def test_a_job_in_this_process_is_waited_for(archive, cnn, tmp_path):
    told = "--no_wait.* --runner FnApiRunner runs the job in this process|runs the job in this process"
    with pytest.raises(UserError, match=told):
        run_score(archive, cnn, tmp_path / "out", "--no_wait")
    flags = [f"--input={archive}", f"--output={tmp_path}/out", "--text_column=text", "--score_column=score"]
    with pytest.raises(UserError, match=told):
        preprocess.main([*flags, "--phase=count", "--no_wait"])
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (["--finish", "--resume"], "--resume and --finish exclude each other; give one of them"),
        (["--add", "--overwrite"], "--overwrite and --add exclude each other; give one of them"),
        (["--add", "--resume"], "--resume and --add exclude each other; give one of them"),
        (["--no_wait", "--finish"], "--no_wait is for a job that is handed to a cluster; leave it out"),
        (["--no_wait", "--dry_run"], "--no_wait is for a job that is handed to a cluster; leave it out"),
    ],
)
def test_flags_that_exclude_each_other_are_refused(archive, cnn, tmp_path, capsys, flags, told):
    with pytest.raises(SystemExit) as ended:
        score.main([f"--input={archive}", f"--model={cnn}", f"--output={tmp_path}/out", "--text_column=text", *flags])
    assert ended.value.code == 2
    assert told in capsys.readouterr().err
