"""The linear branch over words and bigrams, against plain Python."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

from tests.helpers.models import VOCABULARY, fitted, random_ids
from trainer.architectures import ngrams
from trainer.architectures.architecture import Architecture
from trainer.architectures.ngrams import Ngrams, WithNgrams

OUTPUTS = 4


def some_ngrams(outputs: int = OUTPUTS, seed: int = 0) -> Ngrams:
    """A row for most words, and for a third of all bigrams of the first thirty."""
    random = np.random.default_rng(seed)
    pairs = np.array(list(itertools.product(range(2, 30), repeat=2)))
    keys = np.sort(ngrams.bigram_keys(*pairs[random.random(len(pairs)) < 0.3].T))
    rows = random.normal(size=(VOCABULARY + len(keys), outputs + 1)).astype(np.float32)
    rows[:, -1] **= 2
    rows[:2] = 0
    return Ngrams(keys, rows, random.normal(size=outputs).astype(np.float32))


def plain_sum(branch: Ngrams, ids: list[int]) -> np.ndarray:
    keys, rows = branch.keys.numpy().tolist(), branch.rows.numpy().astype(np.float64)
    present = {first << 32 | second for first, second in itertools.pairwise(ids)}
    places = set(ids) | {VOCABULARY + keys.index(key) for key in present if key in keys}
    return rows[sorted(places)].sum(axis=0)


def test_each_ngram_of_a_review_counts_once():
    branch, ids = some_ngrams(), random_ids()
    expected = [plain_sum(branch, review) for review in ids.to_list()]
    assert branch.sums(ids).numpy() == pytest.approx(np.array(expected), abs=1e-4)


def test_logits_are_over_the_norm_of_the_weights():
    branch, ids = some_ngrams(), random_ids()
    sums = branch.sums(ids).numpy()
    assert (sums[:, -1] < 1).any()  # Of which the root is 1: no logits grow beyond all measure.
    expected = sums[:, :-1] / np.sqrt(np.maximum(sums[:, -1:], 1)) + branch.bias.numpy()
    assert branch.outputs(ids).numpy() == pytest.approx(expected, abs=1e-4)
    padded = tf.pad(ids.to_tensor(), [[0, 0], [0, 7]])
    assert branch.outputs_of_padded(padded).numpy() == pytest.approx(branch.outputs(ids).numpy(), abs=1e-6)


def test_no_bigram_reaches_into_the_next_review():
    branch = some_ngrams()
    first, second = np.divmod(branch.keys.numpy()[0], 1 << 32)
    together = tf.ragged.constant([[int(first), int(second)]], tf.int64)
    apart = tf.ragged.constant([[int(first)], [int(second)]], tf.int64)
    rows = branch.rows.numpy()
    assert branch.sums(together).numpy()[0] == pytest.approx(rows[first] + rows[second] + rows[VOCABULARY], abs=1e-5)
    assert branch.sums(apart).numpy() == pytest.approx(rows[[first, second]], abs=1e-5)


def test_a_review_of_unknown_tokens_has_the_bias():
    branch = some_ngrams()
    unknown = tf.ragged.constant([[1], [1, 1, 1]], tf.int64)
    assert branch.outputs(unknown).numpy() == pytest.approx(np.tile(branch.bias.numpy(), (2, 1)))


def test_no_reviews_and_no_bigrams_are_no_error():
    branch = some_ngrams()
    nothing = tf.RaggedTensor.from_row_lengths(tf.zeros([0], tf.int64), tf.zeros([0], tf.int64))
    assert branch.outputs(nothing).shape == (0, OUTPUTS)
    words = Ngrams(np.empty(0, np.int64), branch.rows.numpy()[:VOCABULARY], branch.bias.numpy())
    expected = branch.rows.numpy()[[5, 7]].sum(axis=0)
    assert words.sums(tf.ragged.constant([[5, 7, 5]], tf.int64)).numpy()[0] == pytest.approx(expected, abs=1e-5)


def test_contributions_add_up_to_the_logits():
    branch, ids = some_ngrams(), random_ids()
    parts, constants = branch.contributions(ids)
    added = constants.numpy() + parts.numpy().sum(axis=1)
    assert added == pytest.approx(branch.outputs(ids).numpy(), abs=1e-4)


def test_an_ngram_is_shared_out_among_its_places():
    branch = some_ngrams()
    parts, _ = branch.contributions(tf.ragged.constant([[40, 1, 40]], tf.int64))
    expected = branch.rows.numpy()[40, :-1] / np.sqrt(max(branch.rows.numpy()[40, -1], 1)) / 2
    assert parts.numpy()[0] == pytest.approx(np.array([expected, 0 * expected, expected]), abs=1e-6)


@pytest.mark.parametrize("name", ["cnn", "lstm"])
def test_beside_a_model_its_outputs_stand_behind_those_of_the_model(name):
    neural, ids = fitted("default", name), random_ids()
    branch = some_ngrams(neural.model.output_shape[-1])
    both = WithNgrams(neural, branch)
    expected = np.concatenate([neural.outputs(ids), branch.outputs(ids)], axis=1)
    assert both.outputs(ids).numpy() == pytest.approx(expected, abs=1e-5)
    assert both.outputs_of_padded(ids.to_tensor()).numpy() == pytest.approx(expected, abs=1e-4)
    folded = both.fold()
    assert set(folded) == {*neural.fold(), "ngram_keys", "ngram_rows"}
    assert both.pooled == (*neural.POOLED, "ngram_sums")
    assert both.replaced_weights == neural.replaced_weights


def test_contributions_of_both_add_up():
    neural, ids = fitted("default", "cnn"), random_ids()
    both = WithNgrams(neural, some_ngrams(neural.model.output_shape[-1]))
    parts, constants = both.contributions(ids)
    assert constants.numpy() + parts.numpy().sum(axis=1) == pytest.approx(both.outputs(ids).numpy(), abs=1e-4)


def test_without_a_phrase_the_ngrams_are_those_of_what_is_left():
    neural = fitted("default", "lstm")
    both = WithNgrams(neural, some_ngrams(neural.model.output_shape[-1]))
    ids = tf.ragged.constant([[3, 4, 5, 6, 7, 3, 4]], tf.int64)
    starts, sizes = tf.constant([[0, 2, 5]]), tf.constant([[2, 3, 2]])
    whole, without = both.outputs_and_without(ids, starts, sizes)
    left = tf.ragged.constant([[5, 6, 7, 3, 4], [3, 4, 3, 4], [3, 4, 5, 6, 7]], tf.int64)
    assert whole.numpy() == pytest.approx(both.outputs(ids).numpy(), abs=1e-4)
    assert without.numpy()[0] == pytest.approx(both.outputs(left).numpy(), abs=1e-4)


def test_a_model_without_a_folded_form_has_none_beside_ngrams():
    class Plain(Architecture):
        pass

    both = WithNgrams(Plain(fitted("default", "cnn").model), some_ngrams())
    assert both.pooled == ()
    assert both.fold() is None
