import json
import pathlib
import shutil
import types

import numpy as np
import pytest
import tensorflow as tf

from beam_pipelines import preprocess
from beam_pipelines.artifacts.prepared import VOCABULARY as VOCABULARY_FILE
from beam_pipelines.errors import UserError
from tests.helpers.commands import metrics, train
from tests.helpers.exports import change_weights, serve, version
from tests.helpers.models import SCORES, TABLE, VOCABULARY, fitted
from tests.helpers.reviews import write_csv
from trainer import task, training_run
from trainer.architectures.architecture import WordVectors
from trainer.architectures.cnn import Cnn
from trainer.architectures.distribution_head import DistributionHead
from trainer.fitting import cross_fitting, warm_start
from trainer.prepared_reviews import PreparedReviews
from trainer.settings import TrainerSettings

FREEZE = ("--epochs=1", "--learning_rate=1e-12")


@pytest.fixture
def other_data(rows, glove, tmp_path) -> pathlib.Path:
    """Half of the reviews: another vocabulary, in another order."""
    archive, output = write_csv(tmp_path / "half.csv", rows[::2]), tmp_path / "half"
    flags = f"--input {archive} --output {output} --text_column text --score_column score --embeddings {glove}"
    assert preprocess.main([*flags.split(), "--trained_tokens=40"]) == 0
    return output


def weights(trained: pathlib.Path) -> tuple[dict, list[str]]:
    folder = version(trained)
    vocabulary = (folder / "assets/vocabulary.txt").read_text().splitlines()
    return {name: value.numpy() for name, value in tf.saved_model.load(str(folder)).weights.items()}, vocabulary


@pytest.mark.slow
def test_a_model_of_the_same_data_scores_as_before(prepared, trained, tmp_path):
    """Of every architecture."""
    used = metrics(trained)["trainer_settings"]
    flags = [f"--model={used['model']}", f"--preset={used['preset']}"]
    started = train(prepared, tmp_path / "out", f"--warm_start={trained}", *flags, *FREEZE)
    (old, _), (new, _) = weights(trained), weights(started)
    assert old.keys() == new.keys()
    for name in old:
        if "moving_" not in name:  # An epoch moves the statistics of the notebook's normalisation, though no weight.
            assert new[name] == pytest.approx(old[name], abs=1e-6)
    # The n-grams, and how much each branch counts, are fitted anew: to the same reviews where none are in folds.
    if used["preset"] == "default" and used["folds"] == 0:
        texts = ["excellent brilliant record", "boring terrible song of the band", "a masterpiece"]
        before, after = (serve(version(folder), texts)["score"] for folder in (trained, started))
        assert after == pytest.approx(before, abs=0.01)


def test_weights_that_are_not_finite_are_refused(prepared, cnn, tmp_path):
    damaged = shutil.copytree(version(cnn), tmp_path / "20200101000000")
    change_weights(damaged, lambda name, weights: weights.fill(np.nan) if "logits" in name else None)
    with pytest.raises(UserError, match="--warm_start .* holds weights that are no finite numbers; take another model"):
        train(prepared, tmp_path / "out", f"--warm_start={damaged}", *FREEZE)


def test_another_architecture_is_told_before_any_fold_and_leaves_the_folder_free(prepared, cnn, tmp_path, monkeypatch):
    class FirstFold(Exception):
        pass

    def cross_fit(*given, **named):
        raise FirstFold

    monkeypatch.setattr(cross_fitting, "cross_fit", cross_fit)
    flags = [f"--data={prepared}", f"--output={tmp_path}/out", "--folds=2", "--epochs=1", "--model=lstm"]
    with pytest.raises(UserError, match="--warm_start .* has another architecture"):
        task.main([*flags, f"--warm_start={cnn}"])
    with pytest.raises(FirstFold):
        task.main(flags)


@pytest.mark.slow
def test_folds_start_cold_and_what_is_exported_warm(prepared, cnn, tmp_path):
    output = train(prepared, tmp_path / "out", f"--warm_start={cnn}", "--folds=2", "--ngrams=off", *FREEZE)
    (old, _), (new, _) = weights(cnn), weights(output)
    for name in ("words_logits/kernel", "frozen_logits/kernel", "frozen_convolution_2/kernel"):
        assert new[name] == pytest.approx(old[name], abs=1e-6)
    settings = TrainerSettings(data=str(prepared), output="o", epochs=1, learning_rate=1e-12)
    spec = training_run.model_spec(settings, PreparedReviews.load(str(prepared)), folds=2)
    cross_fitting.cross_fit(spec, settings.fit_options, tmp_path / "cold", 2, after_epoch=lambda: None)
    for fold in ("fold-0.npz", "fold-1.npz"):
        of_both = [np.load(folder / "checkpoints/folds" / fold)["outputs"] for folder in (output, tmp_path / "cold")]
        assert np.array_equal(*of_both)


@pytest.mark.slow
def test_tokens_keep_their_vectors_in_another_vocabulary(cnn, other_data, tmp_path):
    old, old_vocabulary = weights(cnn)
    new, new_vocabulary = weights(train(other_data, tmp_path / "out", f"--warm_start={cnn}", *FREEZE))
    assert old_vocabulary != new_vocabulary
    for name in ("words/vectors", "words/log_weights"):
        for token in ("excellent", "boring", "the"):
            one, other = old[name][old_vocabulary.index(token) + 2], new[name][new_vocabulary.index(token) + 2]
            assert other == pytest.approx(one, abs=1e-6)
    assert new["frozen_convolution_2/kernel"] == pytest.approx(old["frozen_convolution_2/kernel"], abs=1e-6)
    assert new["words_logits/kernel"].shape == old["words_logits/kernel"].shape


@pytest.mark.slow
def test_a_bin_takes_over_the_nearest_one(rows, prepared, cnn, tmp_path):
    """Data without two of the scores have fewer bins."""
    archive = write_csv(tmp_path / "some.csv", [row for row in rows if row["score"] not in (20, 70)])
    flags = f"--input {archive} --output {tmp_path}/some --text_column text --score_column score"
    assert preprocess.main([*flags.split(), f"--embeddings={conftest_glove(prepared)}"]) == 0
    old, _ = weights(cnn)
    new, _ = weights(train(tmp_path / "some", tmp_path / "out", f"--warm_start={cnn}", *FREEZE))
    assert new["frozen_logits/kernel"].shape[1] == old["frozen_logits/kernel"].shape[1] - 2
    kept = [column for column in range(old["frozen_logits/kernel"].shape[1]) if column not in (1, 4)]
    assert new["frozen_logits/kernel"] == pytest.approx(old["frozen_logits/kernel"][:, kept], abs=1e-6)


def conftest_glove(prepared: pathlib.Path) -> str:
    return json.loads((prepared / "manifest.json").read_text())["settings"]["embeddings"]


@pytest.mark.slow
def test_a_checkpoint_of_the_same_data(prepared, cnn, tmp_path):
    checkpoint = max((cnn / "checkpoints").glob("*.weights.h5"))
    started = train(prepared, tmp_path / "out", f"--warm_start={checkpoint}", *FREEZE)
    assert metrics(started)["test"]["mae"] == pytest.approx(metrics(cnn)["test"]["mae"], abs=1e-3)


def test_rows_of_tokens_that_both_vocabularies_have_are_carried():
    """Tables of all ids and of the last ones; id 0 and 1 are no tokens and stay the same."""
    old_ids = warm_start._old_ids(["a", "b", "c"], ["c", "new", "a"])
    assert old_ids.tolist() == [0, 1, 4, -1, 2]
    new, old = np.full((5, 1), -1.0), np.arange(5.0)[:, None] * 10
    assert warm_start._carry_rows(new, old, old_ids, 5)[:, 0].tolist() == [0, 10, 40, -1, 20]
    # The last two of the new ids, "new" and "a", and the last three of the old ones.
    last = warm_start._carry_rows(np.full((2, 1), -1.0), old[2:], old_ids, 5)
    assert last[:, 0].tolist() == [-1, 20]
    # Of which "a" is not one where only "b" and "c" have rows.
    assert warm_start._carry_rows(np.full((2, 1), -1.0), old[3:], old_ids, 5)[:, 0].tolist() == [-1, -1]
    # Vectors of another length are not carried; what is wrong is said when they are compared.
    assert (warm_start._carry_rows(np.full((5, 2), -1.0), old, old_ids, 5) == -1).all()


def test_every_weight_is_carried_by_token_by_output_or_as_it_is(tmp_path, monkeypatch):
    """To a vocabulary in reverse and to bins of which one is gone."""
    old, head = fitted("default", "cnn"), DistributionHead.of(SCORES)
    tokens = [f"w{row}" for row in range(VOCABULARY - 2)]
    (tmp_path / "assets").mkdir()
    (tmp_path / VOCABULARY_FILE).write_text("\n".join(tokens))
    info = types.SimpleNamespace(head=head.about())
    export = types.SimpleNamespace(path=str(tmp_path), info=info)
    monkeypatch.setattr(warm_start.exports, "find", lambda source, named: export)
    saved = types.SimpleNamespace(weights={weight.path: tf.constant(weight) for weight in old.model.weights})
    monkeypatch.setattr(tf.saved_model, "load", lambda folder: saved)
    fewer = DistributionHead.of(SCORES[SCORES != 0.4])
    new = Cnn.build(WordVectors(TABLE, None), fewer)
    warm_start.load("source", new, types.SimpleNamespace(vocabulary=lambda: tokens[::-1]), fewer)
    one, other = ({weight.path: weight.numpy() for weight in model.model.weights} for model in (old, new))
    assert (other["words/vectors"][2:] == one["words/vectors"][:1:-1]).all()
    kept = [0, 2, 3]  # Of 0.1, 0.4, 0.8 and 1.
    for path in ("words_logits/kernel", "words_logits/bias", "frozen_logits/kernel"):
        assert (other[path] == one[path][..., kept]).all()
    assert (other["frozen_convolution_2/kernel"] == one["frozen_convolution_2/kernel"]).all()
    assert (other["vectors/frozen"] == TABLE).all()


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--model=lstm"], "has another architecture: frozen_lstm/forward/lstm_cell/kernel is missing"),
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
