"""The trainer as a user runs it: what it learns, writes, refuses, and takes up again."""

import html
import pathlib
import re
import subprocess

import numpy as np
import pytest

from beam_pipelines import preprocess, score
from beam_pipelines.errors import UserError
from tests.helpers.commands import kill_after_epoch, metrics, run_command, start, train, weights
from tests.helpers.reviews import write_csv
from trainer import task


def test_the_model_learns_and_says_so(trained):
    """Good and bad words tell the score: a model that reads must beat both guesses by far."""
    found = metrics(trained)
    splits = ("train", "test") if found["folds"] else ("train", "validation", "test")
    assert sum(found[split]["rows"] for split in splits) == 400
    assert not found["folds"] or found["validation"]["rows"] == found["train"]["rows"]
    for split in ("validation", "test"):
        assert found[split]["mae"] < 0.75 * found[split]["median"]["mae"]
        assert found[split]["mae"] < 0.6 * found[split]["random_guess"]["mae"]
    errors = [epoch["validation_mae_share"] for epoch in found["history"]]
    best = found["history"][found["best_epoch"] - 1]
    tolerance = best["validation_standard_error"] if found["settings"]["schedule"] == "cosine" else 0
    assert best["validation_mae_share"] <= min(errors) + tolerance


def test_everything_lies_where_it_should(trained):
    assert list((trained / "logs").glob("events.*"))
    assert "Total params" in (trained / "model.txt").read_text()
    version = trained / metrics(trained)["export"]
    assert version.parent == trained / "export" / "reviews"
    assert re.fullmatch(r"\d{14}", version.name)
    assert not (trained / ".tmp").exists()
    assert not (trained / "export" / ".tmp").exists()


@pytest.mark.slow
def test_a_finished_run_is_refused_and_overwriting_keeps_the_old_export(prepared, tmp_path, caplog):
    caplog.set_level("INFO")
    output = train(prepared, tmp_path / "out", "--epochs=1")
    with pytest.raises(UserError, match="holds a finished run; choose another folder or add --overwrite"):
        train(prepared, output, "--epochs=1")
    old = metrics(output)["export"]
    train(prepared, output, "--epochs=1", "--overwrite", "--seed=4")
    assert f"versions {pathlib.Path(old).name} stay in {output}/export/reviews" in caplog.text
    assert sorted(p.name for p in (output / "export/reviews").iterdir()) == sorted(
        pathlib.Path(export).name for export in (old, metrics(output)["export"])
    )


@pytest.mark.slow
@pytest.mark.parametrize("model", ["cnn", "lstm"])
def test_a_killed_run_ends_with_the_weights_of_an_undisturbed_one(prepared, tmp_path, model):
    flags = [f"--model={model}", "--epochs=7", "--patience=3", "--seed=5", "--learn_vectors=missing"]
    for epoch in (1, 3):
        kill_after_epoch(start(prepared, tmp_path / "killed", *flags), tmp_path / "killed/checkpoints", epoch)
    other = [flag.replace("=5", "=6") for flag in flags]
    with pytest.raises(UserError, match="holds an interrupted run with --seed 5, not 6; give the same settings"):
        train(prepared, tmp_path / "killed", *other)
    assert start(prepared, tmp_path / "killed", *flags).wait() == 0
    assert start(prepared, tmp_path / "whole", *flags).wait() == 0
    one, other = (weights(tmp_path / name) for name in ("killed", "whole"))
    assert len(one) > 10
    assert one == other
    for split in ("train", "validation", "test"):
        assert metrics(tmp_path / "killed")[split] == metrics(tmp_path / "whole")[split]


def kill_at_line(process, text: str) -> None:
    """Kills a run, started with its standard error piped, once it says something."""
    for line in process.stderr:
        if text in line.decode():
            process.kill()
            process.wait()
            return
    pytest.fail("the run ended before it could be killed")


def results(output: pathlib.Path) -> dict:
    """What a run has found, but for the time it took."""
    names = ("train", "validation", "test", "interval", "head", "verdict", "folds", "ngram_strength", "best_epoch")
    found = metrics(output)
    history = [{**figures, "seconds": None} for figures in found["history"]]
    return {"history": history, **{name: found[name] for name in names}}


@pytest.mark.slow
def test_a_run_that_is_killed_in_each_phase_ends_like_an_undisturbed_one(prepared, tmp_path):
    """In its second fold, in the fit to all reviews, and while n-grams are fitted."""
    flags, killed, whole = ["--folds=2", "--epochs=3", "--seed=5"], tmp_path / "killed", tmp_path / "whole"
    for folder in ("checkpoints/folds/fold-1/checkpoints", "checkpoints"):
        kill_after_epoch(start(prepared, killed, *flags), killed / folder, 1)
    assert sorted(path.name for path in (killed / "checkpoints/folds").iterdir()) == ["fold-0.npz", "fold-1.npz"]
    kill_at_line(start(prepared, killed, *flags, stderr=subprocess.PIPE), "fitting n-grams")
    assert not (killed / "metrics.json").exists()
    assert start(prepared, killed, *flags).wait() == 0
    assert start(prepared, whole, *flags).wait() == 0
    assert results(killed) == results(whole)
    assert len(weights(killed)) > 10
    assert weights(killed) == weights(whole)


@pytest.mark.slow
def test_folds_leave_no_weights_and_tell_what_was_learned(in_folds):
    found = metrics(in_folds)
    folder = in_folds / "checkpoints/folds"
    assert sorted(path.name for path in folder.iterdir()) == ["fold-0.npz", "fold-1.npz"]
    assert found["trainer_settings"]["folds"] == 2
    assert found["test"]["mae"] < 0.75 * found["test"]["median"]["mae"]


@pytest.mark.slow
def test_a_model_that_learned_nothing_in_folds_says_so_in_the_last_line(prepared, tmp_path, capsys):
    """It stands as it started: with no step to speak of, and no n-grams."""
    output = train(prepared, tmp_path / "out", "--epochs=1", "--folds=2", "--learning_rate=1e-12", "--ngrams=off")
    lines = capsys.readouterr().out.splitlines()
    rows = metrics(output)["train"]["rows"]
    assert [line.split(",")[0] for line in lines[:3]] == [
        f"train: {rows} reviews",
        f"validation out of fold: {rows} reviews",
        f"test: {400 - rows} reviews",
    ]
    assert lines[3].startswith("kept epoch 1 of 1; exported ")
    assert lines[-1].startswith(
        "The model is no better than the median of the training scores, nor than TF-IDF + ridge"
    )
    assert metrics(output)["verdict"]["split"] == "test"


@pytest.mark.slow
def test_seeds_make_other_weights(prepared, tmp_path, cnn):
    assert weights(train(prepared, tmp_path / "same", "--epochs=1")) == weights(cnn)
    assert weights(train(prepared, tmp_path / "other", "--epochs=1", "--seed=1")) != weights(cnn)


@pytest.mark.slow
def test_without_a_validation_split_all_epochs_run(tmp_path, archive):
    data = tmp_path / "data"
    flags = f"--input {archive} --output {data} --text_column text --score_column score --validation_share 0"
    assert preprocess.main(flags.split()) == 0  # And without embeddings: all vectors are learned.
    output = train(data, tmp_path / "out", "--epochs=9", "--patience=1", "--learning_rate=0.01")
    found = metrics(output)
    assert (found["best_epoch"], len(found["history"]), found["validation"]) == (9, 9, {"rows": 0})
    assert found["test"]["mae"] < found["test"]["median"]["mae"]


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (
            ["--data=nowhere"],
            "error: --data nowhere has no statistics.json: run beam_pipelines.preprocess to its end first",
        ),
        (["--data=d", "--model=gru"], "invalid choice: 'gru'"),
        (["--data=d", "--epoch=3"], "unknown argument --epoch=3; did you mean --epochs?"),
        (["--data=d", "--batch_size=0"], "--batch_size 0 must be at least 1"),
    ],
)
def test_mistakes_get_one_sentence(tmp_path, flags, message):
    ended = run_command("trainer.task", f"--output={tmp_path}/out", *flags)
    assert ended.returncode == 2
    assert message in ended.stderr
    assert "Traceback" not in ended.stderr
    assert not (tmp_path / "out").exists()


def test_a_folder_with_other_files_is_refused(prepared, tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(UserError, match="is not empty"):
        task.main([f"--data={prepared}", f"--output={tmp_path}"])


@pytest.mark.slow
def test_a_refused_run_is_no_obstacle_to_the_right_one(prepared, cnn, tmp_path):
    for given in (["--warm_start=nowhere"], [f"--warm_start={cnn}", "--model=lstm"]):
        with pytest.raises(UserError, match="--warm_start"):
            train(prepared, tmp_path / "out", "--epochs=1", *given)
    train(prepared, tmp_path / "out", "--epochs=1", f"--warm_start={cnn}")


@pytest.mark.slow
def test_a_run_that_fails_in_its_first_fold_is_no_obstacle_either(prepared, tmp_path):
    flags = ["--preset=notebook", "--epochs=1", "--folds=2"]
    with pytest.raises(UserError, match="the loss of epoch 1 is no finite number; try a lower --learning_rate"):
        train(prepared, tmp_path / "out", *flags, "--learning_rate=1e30")
    assert metrics(train(prepared, tmp_path / "out", *flags))["folds"] == 2


@pytest.mark.slow
def test_a_model_that_learned_nothing_says_so_everywhere(tmp_path, rows, capsys):
    """Scores that the texts do not tell."""
    scores = np.random.default_rng(5).permutation([row["score"] for row in rows]).tolist()
    archive = write_csv(tmp_path / "a.csv", [{**row, "score": s} for row, s in zip(rows, scores, strict=True)])
    flags = f"--input {archive} --output {tmp_path}/data --text_column text --score_column score"
    assert preprocess.main(flags.split()) == 0
    output = train(tmp_path / "data", tmp_path / "out", "--epochs=1")
    sentence = capsys.readouterr().out.splitlines()[-1]
    assert sentence.startswith("The model is no better than the median of the training scores")
    assert metrics(output)["verdict"]["sentence"] == sentence
    assert html.escape(sentence) in (output / "report.html").read_text()
    score.main(f"--input {archive} --model {output} --output {tmp_path}/scored --text_column text".split())
    assert sentence in capsys.readouterr().out.splitlines()
    assert html.escape(sentence) in (tmp_path / "scored/report.html").read_text()


@pytest.mark.slow
def test_reviews_that_all_have_one_score_are_learned_in_silence(tmp_path, rows):
    """Keras warns of a distribution over one score."""
    archive = write_csv(tmp_path / "a.csv", [{**row, "score": 50} for row in rows[:20]])
    flags = f"--input {archive} --output {tmp_path}/data --text_column text --score_column score"
    assert preprocess.main(flags.split()) == 0
    ended = run_command("trainer.task", f"--data={tmp_path}/data", f"--output={tmp_path}/out", "--epochs=1")
    assert ended.returncode == 0
    assert [line for line in ended.stderr.splitlines() if not re.match(r"\d\d:\d\d:\d\d ", line)] == []
