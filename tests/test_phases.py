"""preprocess by phases: each goes on from what the one before has left, and together they are the whole job."""

import json
import os
import pathlib
import re
import shutil

import pytest

from beam_pipelines import preprocess
from beam_pipelines.commands import job_folder
from beam_pipelines.errors import UserError
from beam_pipelines.preparing import pipeline, vocabulary_choice
from tests.helpers.folders import contents
from tests.helpers.reviews import write_csv


@pytest.fixture(scope="module")
def dump(rows, tmp_path_factory) -> pathlib.Path:
    """Some reviews, of which one has no text."""
    folder = tmp_path_factory.mktemp("dump")
    write_csv(folder / "a.csv", rows[:150])
    write_csv(folder / "b.csv", [*rows[150:200], {**rows[200], "text": ""}])
    return folder


def prepare(dump, output, *flags: str) -> int:
    where = [f"--input={dump}", f"--output={output}", "--text_column=text", "--score_column=score", "--id_column=id"]
    return preprocess.main([*where, *flags])


@pytest.fixture(scope="module")
def whole(dump, tmp_path_factory) -> pathlib.Path:
    output = tmp_path_factory.mktemp("whole") / "out"
    assert prepare(dump, output) == 0
    return output


@pytest.fixture(scope="module")
def counted_once(dump, tmp_path_factory) -> pathlib.Path:
    output = tmp_path_factory.mktemp("counted") / "out"
    assert prepare(dump, output, "--phase=count") == 0
    return output


@pytest.fixture
def counted(counted_once, tmp_path) -> pathlib.Path:
    """What the first phase leaves, where it left it."""
    shutil.copytree(counted_once, tmp_path / "out")
    return tmp_path / "out"


def timeless(folder: pathlib.Path) -> dict[str, object]:
    """The bytes of each file, and JSON without what tells times and how the job was called."""
    # The functions of a graph are numbered within a process, so that two that one process wrote differ in names.
    found: dict[str, object] = {name: data for name, data in contents(folder).items() if "saved_model.pb" not in name}
    for name in ("manifest.json", "statistics.json"):
        value = json.loads(found[name])
        settings = {key: given for key, given in value.pop("settings").items() if key not in ("output", "phase")}
        found[name] = {**{key: given for key, given in value.items() if not key.startswith("seconds")}, **settings}
    return found


def test_three_phases_write_what_the_whole_job_does(dump, whole, counted, capsys):
    assert {path.name for path in counted.iterdir()} == {"counted", "inputs.parquet", "manifest.json", "rejected"}
    assert prepare(dump, counted, "--phase=choose") == 0
    assert not (counted / "statistics.json").exists()
    capsys.readouterr()
    assert prepare(dump, counted, "--phase=examples") == 0
    assert "201 rows read: 200 kept" in capsys.readouterr().out
    assert timeless(counted) == timeless(whole)
    assert not (counted / "counted").exists()
    assert {"train", "validation", "test", "transform"} <= {path.name for path in whole.iterdir()}


def test_the_last_step_may_come_later(dump, whole, counted, monkeypatch, capsys):
    assert prepare(dump, counted, "--phase=choose") == 0
    with monkeypatch.context() as patched:
        # As where a cluster does the work.
        patched.setattr(pipeline, "finish", lambda *given: None)
        assert prepare(dump, counted, "--phase=examples") == 0
    assert (counted / "counted").exists()
    assert prepare(dump, counted, "--finish") == 0
    assert "201 rows read: 200 kept" in capsys.readouterr().out
    assert timeless(counted) == timeless(whole)


def test_a_phase_out_of_turn_is_refused(dump, counted, tmp_path):
    told = "--output .* holds no end of --phase choose: run that first, or wait for it"
    with pytest.raises(UserError, match=told):
        prepare(dump, counted, "--phase=examples")
    assert (counted / "counted/rows.json").exists()
    with pytest.raises(UserError, match="holds no end of --phase examples|holds no end of --phase choose"):
        prepare(dump, counted, "--finish")
    assert (counted / "counted/rows.json").exists()
    for phase in ("--phase=choose", "--phase=examples", "--finish"):
        with pytest.raises(UserError, match=r"no job has begun in --output .*; begin one with --phase count"):
            prepare(dump, tmp_path / "none", phase)
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("phase", ["--phase=choose", "--phase=examples", "--finish"])
def test_what_is_done_stays_whatever_phase_is_asked_for_again(dump, whole, tmp_path, phase):
    shutil.copytree(whole, tmp_path / "out")
    told = rf"{re.escape(phase.replace('=', ' '))}: the job in --output .* has ended; --overwrite begins one anew"
    for _ in range(2):
        with pytest.raises(UserError, match=told):
            prepare(dump, tmp_path / "out", phase)
    assert contents(tmp_path / "out") == contents(whole)


def test_a_job_that_has_failed_is_none_to_go_on_with(dump, tmp_path):
    with pytest.raises(UserError, match="rows were rejected"):
        prepare(dump, tmp_path / "out", "--max_rejected_share=0")
    before = contents(tmp_path / "out")
    with pytest.raises(UserError, match="--phase choose: no job has begun"):
        prepare(dump, tmp_path / "out", "--phase=choose", "--max_rejected_share=0")
    assert contents(tmp_path / "out") == before


def test_a_vocabulary_is_not_chosen_again_under_a_cluster(dump, counted):
    job_folder.update_manifest(str(counted), submitted="job-1")
    assert prepare(dump, counted, "--phase=choose") == 0
    assert not job_folder.is_submitted(str(counted))
    job_folder.update_manifest(str(counted), submitted="job-2")
    before = contents(counted)
    with pytest.raises(UserError, match="--phase choose: the vocabulary is chosen, and a cluster may be at the exampl"):
        prepare(dump, counted, "--phase=choose")
    assert contents(counted) == before


def test_the_first_phase_is_not_begun_over_what_is_there(dump, counted):
    before = contents(counted)
    with pytest.raises(UserError, match=f"--output {counted} is not empty; choose another folder"):
        prepare(dump, counted, "--phase=count")
    assert contents(counted) == before
    assert prepare(dump, counted, "--phase=count", "--overwrite") == 0
    assert contents(counted).keys() == before.keys()


@pytest.mark.parametrize("phase", ["choose", "examples"])
def test_other_settings_are_refused(dump, counted, phase):
    before = contents(counted)
    told = f"--phase {phase}: the job in {counted} was another one: settings max_tokens was 4096 and is 10"
    with pytest.raises(UserError, match=told):
        prepare(dump, counted, f"--phase={phase}", "--max_tokens=10")
    assert contents(counted) == before


def test_an_archive_that_changed_is_refused(dump, tmp_path):
    shutil.copytree(dump, tmp_path / "dump")
    for phase in ("count", "choose"):
        assert prepare(tmp_path / "dump", tmp_path / "out", f"--phase={phase}") == 0
    before = contents(tmp_path / "out")
    os.utime(tmp_path / "dump/b.csv", (1, 1))
    told = f"--phase examples: .*{re.escape(str(tmp_path))}/dump/b.csv was written again"
    with pytest.raises(UserError, match=told):
        prepare(tmp_path / "dump", tmp_path / "out", "--phase=examples")
    assert contents(tmp_path / "out") == before


@pytest.mark.parametrize("by_phases", [False, True])
def test_what_one_phase_leaves_goes_with_a_whole_job_that_fails(dump, counted, tmp_path, monkeypatch, by_phases):
    def fail(*given):
        raise OSError("no space left on device")

    monkeypatch.setattr(vocabulary_choice, "choose", fail)
    output, flags = (counted, ["--phase=choose"]) if by_phases else (tmp_path / "whole", [])
    with pytest.raises(OSError, match="no space left"):
        prepare(dump, output, *flags)
    assert (output / "counted").exists() == by_phases
    monkeypatch.undo()
    # It begins anew, or goes on.
    assert prepare(dump, output, *flags) == 0


def test_too_many_rejects_end_the_first_phase(dump, tmp_path):
    with pytest.raises(UserError, match=r"0\.5% of the rows were rejected, most often for empty_text \(1\)") as ended:
        prepare(dump, tmp_path / "out", "--phase=count", "--max_rejected_share=0.001")
    assert ended.value.status == 3


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (["--no_wait"], "--no_wait leaves one phase to a cluster: give --phase count, then choose, then examples"),
        (["--phase=choose", "--no_wait"], "--no_wait leaves one phase to a cluster"),
        (["--phase=examples", "--overwrite"], "--phase examples goes on with what --overwrite deletes; give one of"),
        (["--finish", "--phase=count"], "--finish goes with neither --phase nor --overwrite"),
    ],
)
def test_flags_that_exclude_each_other_are_refused(dump, tmp_path, capsys, flags, told):
    with pytest.raises(SystemExit):
        prepare(dump, tmp_path / "out", *flags)
    assert told in capsys.readouterr().err
