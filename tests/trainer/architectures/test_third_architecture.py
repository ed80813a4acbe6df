"""A third architecture is a file and a line in the table: it is fitted, exported, scored and explained with that."""

import json
import pathlib

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from beam_pipelines import score
from beam_pipelines.commands import flags
from beam_pipelines.errors import UserError
from serving import check
from tests.helpers.commands import metrics, train
from tests.helpers.exports import version
from trainer.architectures.registry import ARCHITECTURES, Entry
from trainer.settings import MODULE, TrainerSettings

NAME = "mean_of_vectors"


@pytest.fixture(scope="module", autouse=True)
def in_table():
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(ARCHITECTURES, NAME, Entry(f"tests.trainer.architectures.{NAME}"))
        yield


@pytest.fixture(scope="module")
def trained_mean(prepared, tmp_path_factory) -> pathlib.Path:
    output = tmp_path_factory.mktemp(NAME) / "out"
    return train(prepared, output, f"--model={NAME}", "--epochs=6", "--batch_size=8", "--learning_rate=0.05")


def scores(archive: pathlib.Path, model: pathlib.Path, output: pathlib.Path, *flags: str) -> pd.DataFrame:
    arguments = f"--input {archive} --model {model} --output {output} --text_column text --id_column id"
    assert score.main([*arguments.split(), *flags]) == 0
    return pd.read_parquet(output / "scores")


def test_the_flags_name_it():
    assert "{cnn,lstm,mean_of_vectors}" in flags.parser_for(TrainerSettings, MODULE).format_help()


def test_it_has_no_recipe_of_the_notebook(prepared, tmp_path, capsys):
    with pytest.raises(SystemExit) as ended:
        train(prepared, tmp_path / "out", f"--model={NAME}", "--preset=notebook")
    assert ended.value.code == 2
    assert "--preset notebook has no --model mean_of_vectors, only cnn and lstm" in capsys.readouterr().err


@pytest.mark.slow
def test_it_learns_and_is_reported(trained_mean):
    of_run = metrics(trained_mean)
    assert of_run["test"]["mae"] < 0.75 * of_run["test"]["median"]["mae"]
    assert of_run["head"]["kind"] == "distribution"
    page = (trained_mean / "report.html").read_text()
    assert "A MEAN_OF_VECTORS that scores reviews" in page
    assert "Nearest words" in page


@pytest.mark.slow
def test_its_export_holds_every_weight_and_no_folded_form(trained_mean):
    folder = version(trained_mean)
    exported = tf.saved_model.load(folder)
    assert set(exported.weights) == {"vectors/frozen", "score/kernel", "score/bias"}
    assert not hasattr(exported, "fold")
    assert not hasattr(exported, "finish")
    assert json.loads((folder / "assets.extra/reviews.json").read_text())["model"] == NAME
    assert check.main([str(trained_mean)]) == 0


@pytest.mark.slow
def test_the_bulk_job_scores_it_with_the_saved_model(archive, trained_mean, tmp_path, caplog):
    auto = scores(archive, trained_mean, tmp_path / "auto")
    assert "the compiled engine has no form of this architecture; using the SavedModel" in caplog.text
    named = scores(archive, trained_mean, tmp_path / "saved_model", "--engine=saved_model")
    assert len(auto) == 400
    assert auto["score"].nunique() > 100
    pd.testing.assert_frame_equal(auto, named)
    with pytest.raises(UserError, match="the compiled engine has no form of this architecture"):
        scores(archive, trained_mean, tmp_path / "compiled", "--engine=compiled")


@pytest.mark.slow
def test_its_scores_are_explained_by_taking_phrases_out(archive, trained_mean, tmp_path):
    explained = scores(archive, trained_mean, tmp_path / "out", "--explain")
    assert "explained_rest" not in explained
    # A mean beside a median.
    assert np.abs(explained["explained_score"].to_numpy() - explained["score"].to_numpy()).mean() < 15
    for text_reasons in explained["reasons"]:
        assert 1 <= len(text_reasons) <= 6
        assert all(reason["phrase"] and reason["points"] for reason in text_reasons)


@pytest.mark.slow
def test_another_run_starts_from_it(prepared, trained_mean, tmp_path):
    given = (f"--model={NAME}", f"--warm_start={trained_mean}", "--epochs=1", "--learning_rate=1e-12")
    warm = train(prepared, tmp_path / "out", *given)
    assert metrics(warm)["test"]["mae"] == pytest.approx(metrics(trained_mean)["test"]["mae"], abs=1e-3)
