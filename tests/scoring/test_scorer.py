"""The two engines of the bulk job give the same scores, and the job proves it before it starts."""

import json
import shutil

import numpy as np
import pyarrow as pa
import pytest

from beam_pipelines import exports
from beam_pipelines.flags import UserError
from beam_pipelines.scoring import compiled_cnn, scorer, statistics
from beam_pipelines.scoring.scorer import Scorer
from beam_pipelines.scoring.work import Work
from tests.test_same_score import TEXTS, WITHIN
from tests.trainer.test_export import version


@pytest.fixture
def copy(cnn, tmp_path):
    return shutil.copytree(version(cnn), tmp_path / "20200101000000")


def test_engines_agree(trained, rows):
    """On short and long, known and unknown, empty and endless texts."""
    export = exports.find(str(trained))
    texts = pa.array(TEXTS + [row["text"] for row in rows])
    auto, saved_model = Scorer(export), Scorer(export, "saved_model")
    assert auto.engine == ("compiled" if export.about["model"].endswith("cnn") else "saved_model")
    assert saved_model.engine == "saved_model"
    for name, values in saved_model.score(texts).items():
        assert auto.score(texts)[name] == pytest.approx(values, abs=WITHIN)


def test_it_counts_what_it_does_until_it_is_asked(cnn):
    """Two reviews of 200 tokens fill their places, the third and the empty one do not."""
    texts = pa.array(["excellent " * 200, "boring " * 300, "a zzz", "", "zzz zz"])
    scorer_of = {engine: Scorer(exports.find(str(cnn)), engine) for engine in ("saved_model", "compiled")}
    for engine, one in scorer_of.items():
        assert set(one.take_work().seconds) == {"load"}
        one.score(texts)
        work = one.take_work()
        assert (work.batches, work.tokens) == (1, 200 + 200 + 2 + 1 + 2)
        assert work.slots == (5 * 200 if engine == "saved_model" else work.tokens)
        assert set(work.seconds) == {"tokenise", "score"}
        assert statistics.count_unknown(work.unknown, True)["unknown_tokens"] == {"zzz": 2, "a": 1, "zz": 1}
        assert one.take_work() == Work()


def test_the_compiled_cnn_pools_what_plain_windows_pool():
    """Against one window at a time in plain numpy: filters of widths 1, 3 and 3, then two columns to sum."""
    random = np.random.default_rng(0)
    vocabulary, widths = 7, np.array([1, 3, 3])
    table = random.normal(size=(vocabulary, 3 + 2 + 2 + 2)).astype(np.float32)
    bias = random.normal(size=3).astype(np.float32)
    places = [(table[:, 0:3], 0), (table[:, 3:5], 1), (table[:, 5:7], 1)]
    lengths = np.array([1, 2, 3, 9, 200])
    ids = random.integers(1, vocabulary, lengths.sum())
    found = compiled_cnn.CompiledCnn(table, widths, bias).pool(ids, lengths)
    for row, review in enumerate(np.split(ids, np.cumsum(lengths)[:-1])):
        windows = []
        for start in range(len(review)):
            window = bias.copy()
            for token, (columns, first) in zip(review[start:], places, strict=False):
                window[first:] += columns[token]
            windows.append(window)
        assert found["highest"][row] == pytest.approx(np.max(windows, axis=0), abs=1e-5)
        assert found["lowest"][row] == pytest.approx(np.min(windows, axis=0), abs=1e-5)
        assert found["mean"][row] == pytest.approx(np.maximum(windows, 0).mean(axis=0), abs=1e-5)
        assert found["sums"][row] == pytest.approx(table[review, 7:].sum(axis=0), abs=1e-4)


def test_a_compiled_engine_that_is_off_is_not_used(cnn, monkeypatch):
    export = exports.find(str(cnn))
    right = compiled_cnn.CompiledCnn.pool
    monkeypatch.setattr(
        compiled_cnn.CompiledCnn,
        "pool",
        lambda self, *given: {name: values + 1 for name, values in right(self, *given).items()},
    )
    assert Scorer(export).engine == "saved_model"
    with pytest.raises(UserError, match="scores its fixed texts .* otherwise than when it was exported"):
        Scorer(export, "compiled")


def test_a_version_that_was_renamed_is_refused(copy):
    copy.rename(copy.parent / "mine")
    with pytest.raises(UserError, match="the name of a version's folder is its number"):
        exports.find(str(copy.parent / "mine"))


def test_a_model_that_scores_otherwise_than_when_exported_is_refused(copy):
    extra = copy / "assets.extra" / "reviews.json"
    about = json.loads(extra.read_text())
    about["fixed_texts"][3]["score"] += 0.01
    extra.write_text(json.dumps(about))
    with pytest.raises(UserError, match="otherwise than when it was exported"):
        Scorer(exports.find(str(copy)))


@pytest.mark.parametrize("seed", range(5))
def test_batches_hold_every_review_once_within_their_limits(seed):
    lengths = np.random.default_rng(seed).integers(1, 5000, 700)
    found = list(scorer.batches(lengths, 8192))
    assert sorted(np.concatenate(found).tolist()) == list(range(700))
    for rows in found:
        assert len(rows) <= scorer.BATCH_REVIEWS
        assert len(rows) * lengths[rows].max() <= 8192
