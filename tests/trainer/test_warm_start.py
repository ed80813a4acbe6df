import pathlib

import numpy as np
import pytest

from beam_pipelines import preprocess
from beam_pipelines.flags import UserError
from tests import conftest
from tests.conftest import train
from tests.trainer.test_export import serve, version
from tests.trainer.test_task import metrics

FREEZE = ("--epochs=1", "--learning_rate=1e-12")


@pytest.fixture
def other_data(rows, glove, tmp_path) -> pathlib.Path:
    """Half of the reviews: another vocabulary, in another order."""
    archive, output = conftest.write_csv(tmp_path / "half.csv", rows[::2]), tmp_path / "half"
    flags = f"--input {archive} --output {output} --text_column text --score_column score --embeddings {glove}"
    assert preprocess.main([*flags.split(), "--trained_tokens=40"]) == 0
    return output


def test_a_model_of_other_data_knows_what_it_knew(rows, cnn, other_data, tmp_path):
    """Not trained any further, it scores what both vocabularies hold as the old model does."""
    started = train(other_data, tmp_path / "out", f"--warm_start={cnn}", *FREEZE)
    texts = ["excellent brilliant record", "boring terrible song of the band", "a masterpiece"]
    old, new = (serve(version(folder), texts)["score"] for folder in (cnn, started))
    cold = serve(version(train(other_data, tmp_path / "cold", *FREEZE)), texts)["score"]
    assert new == pytest.approx(old, abs=5)  # The points of the bins are those of the new data.
    assert np.abs(cold - old).max() > 10


def test_a_checkpoint_of_the_same_data(prepared, cnn, tmp_path):
    checkpoint = max((cnn / "checkpoints").glob("*.weights.h5"))
    started = train(prepared, tmp_path / "out", f"--warm_start={checkpoint}", *FREEZE)
    assert metrics(started)["test"]["mae"] == pytest.approx(metrics(cnn)["test"]["mae"], abs=1e-3)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--model=lstm"], "has another architecture: frozen_lstm/forward_lstm/lstm_cell/kernel is missing"),
        (["--preset=notebook"], "has another architecture: convolution/kernel is missing"),
    ],
)
def test_another_architecture_is_refused(prepared, cnn, tmp_path, flags, message):
    with pytest.raises(UserError, match=message):
        train(prepared, tmp_path / "out", f"--warm_start={cnn}", *flags)


def test_a_folder_without_a_model_or_a_checkpoint_of_another_is_refused(prepared, cnn, other_data, tmp_path):
    with pytest.raises(UserError, match=r"--warm_start .* holds no exported model"):
        train(prepared, tmp_path / "out", f"--warm_start={prepared}")
    checkpoint = max((cnn / "checkpoints").glob("*.weights.h5"))
    with pytest.raises(UserError, match=r"--warm_start .* does not fit this model and these data"):
        train(other_data, tmp_path / "other", f"--warm_start={checkpoint}")
