from collections.abc import Sequence

import numpy as np
import pytest

from beam_pipelines.text import vocabulary
from beam_pipelines.text.vocabulary import TrainingTokens, Vocabulary
from tests.helpers.vocabularies import plain_choice, training

COUNTS = {"the": 50, "good": 9, "b\u00e4d": 9, "zz": 7, "aa": 7, "once": 1}
VECTORS = {"good": [1.0, 1, 1], "the": [2.0, 2, 2], "never": [3.0, 3, 3]}


def vectors_of(chosen: Vocabulary, vectors: dict[str, list[float]]) -> np.ndarray:
    def take(tokens: Sequence[str]) -> np.ndarray:
        return np.array([vectors[token] for token in tokens], np.float32)

    return np.concatenate([*vocabulary.initial_vectors(chosen, take)])


def test_tokens_with_a_vector_come_first_then_the_most_frequent_without():
    chosen = vocabulary.choose(training(COUNTS), VECTORS, 3, trained_tokens=2)
    assert chosen.tokens == ["the", "good", "never", "b\u00e4d", "aa"]  # Ties by the token.
    assert (chosen.pretrained, chosen.size, chosen.first_trained_id) == (3, 7, 5)
    of_tokens = [[2, 2, 2], [1, 1, 1], [3, 3, 3], [0, 0, 0], [0, 0, 0]]
    assert vectors_of(chosen, VECTORS).tolist() == [[0, 0, 0], [0, 0, 0], *of_tokens]


@pytest.mark.parametrize("at_a_time", [1, 2, 3, 4])
def test_vectors_come_in_slices_that_make_no_difference(monkeypatch, at_a_time):
    words = {f"word{number}": 9 - number for number in range(8)}
    for vectors in ({f"word{number}": [float(number)] * 5 for number in (6, 2, 1)}, {}):
        chosen = vocabulary.choose(training(words), vectors, 5, trained_tokens=4)
        whole = vectors_of(chosen, vectors)
        monkeypatch.setattr(vocabulary, "_VECTORS_AT_A_TIME", at_a_time)
        assert (vectors_of(chosen, vectors) == whole).all()
        assert whole.shape == (chosen.size, 5)
        assert max(map(len, vocabulary.initial_vectors(chosen, lambda tokens: np.zeros((len(tokens), 5))))) <= max(
            at_a_time, 2
        )
        monkeypatch.undo()


def test_without_embeddings_all_vectors_start_at_random_and_the_same():
    chosen = vocabulary.choose(training(COUNTS), {}, 4, trained_tokens=3)
    assert chosen.tokens == ["the", "b\u00e4d", "good"]
    assert chosen.pretrained == 0
    first, second = (vectors_of(chosen, {}) for _ in range(2))
    assert (first[:2] == 0).all()
    assert np.unique(first[2:]).size == 12
    assert (first == second).all()
    assert first.dtype == np.float32
    expected = np.random.default_rng(0).normal(0, 0.05, (3, 4))  # As they were always drawn.
    assert (first[2:] == expected.astype(np.float32)).all()


def test_vectors_at_random_are_small_and_have_no_direction_in_common():
    chosen = vocabulary.choose(training({f"word{number}": 1 for number in range(200)}), {}, 50, trained_tokens=200)
    vectors = vectors_of(chosen, {})[2:]
    assert vectors.mean() == pytest.approx(0, abs=0.002)
    assert vectors.std() == pytest.approx(0.05, rel=0.05)


def test_coverage_counts_hits_misses_and_tokens():
    totals = vocabulary.coverage(vocabulary.choose(training(COUNTS), VECTORS, 3, 2), training(COUNTS))
    assert totals.embedding_hits == 2
    assert totals.unseen_tokens == 1
    assert totals.embedding_misses == 4
    assert (totals.size, totals.vector_size, totals.first_trained_id) == (7, 3, 5)
    assert (totals.distinct_tokens, totals.tokens, totals.trained_tokens) == (6, 83, 2)
    assert totals.share_of_tokens_with_vector == pytest.approx(59 / 83)
    assert list(totals.most_frequent_without_vector.items()) == [("b\u00e4d", 9), ("aa", 7), ("zz", 7), ("once", 1)]
    assert {type(count) for count in totals.most_frequent_without_vector.values()} == {int}  # As JSON wants them.


def test_coverage_lists_a_few_misses_and_all_sizes():
    counts = {f"word{number:02d}": 100 - number for number in range(60)}
    totals = vocabulary.coverage(vocabulary.choose(training(counts), {"word59"}, 3, 10), training(counts))
    assert list(totals.most_frequent_without_vector) == [f"word{number:02d}" for number in range(50)]
    assert (totals.size, totals.vector_size, totals.distinct_tokens) == (2 + 1 + 10, 3, 60)
    assert (totals.tokens, totals.trained_tokens, totals.first_trained_id) == (sum(counts.values()), 10, 3)
    assert totals.embedding_misses == 59


def test_tokens_that_get_no_id_need_not_be_there():
    """The totals count them all the same."""
    counts = {f"word{number:03d}": 100 - number for number in range(100)}
    whole = training(counts)
    part = TrainingTokens([*whole.tokens[:60], whole.tokens[90]], np.append(whole.counts[:60], 10), 100, whole.total)
    vectors = {"word090": [1.0, 1, 1]}
    chosen = vocabulary.choose(part, vectors, 3, trained_tokens=60)
    assert (chosen.tokens[:1], chosen.tokens[1:]) == plain_choice(counts, vectors, 60)[:2]
    totals = vocabulary.coverage(chosen, part)
    assert totals == vocabulary.coverage(vocabulary.choose(whole, vectors, 3, trained_tokens=60), whole)
    assert totals.most_frequent_without_vector == plain_choice(counts, vectors, 60)[2]
    assert (totals.distinct_tokens, totals.embedding_misses, totals.tokens) == (100, 99, sum(counts.values()))


def test_an_archive_without_tokens_has_a_vocabulary():
    chosen = vocabulary.choose(training({}), {}, 3, trained_tokens=10)
    assert (chosen.tokens, vectors_of(chosen, {}).shape) == ([], (2, 3))
    assert vocabulary.coverage(chosen, training({})).share_of_tokens_with_vector == 0


def test_ids_with_a_pretrained_vector_are_known_and_without_any_all_are():
    with_vectors = vocabulary.choose(training(COUNTS), VECTORS, 3, trained_tokens=2)
    assert vocabulary.end_of_known_ids(with_vectors.first_trained_id) == 5
    without = vocabulary.choose(training(COUNTS), {}, 3, trained_tokens=2)
    assert vocabulary.end_of_known_ids(without.first_trained_id) == 2**63 - 1
