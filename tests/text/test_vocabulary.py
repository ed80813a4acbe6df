import numpy as np
import pytest

from beam_pipelines.text import vocabulary

COUNTS = {"the": 50, "good": 9, "b\u00e4d": 9, "zz": 7, "aa": 7, "once": 1}
VECTORS = {"good": np.ones(3, np.float32), "the": np.full(3, 2, np.float32), "never": np.full(3, 3, np.float32)}


def test_tokens_with_a_vector_come_first_then_the_most_frequent_without():
    chosen = vocabulary.choose(COUNTS, VECTORS, 3, trained_tokens=2)
    assert chosen.tokens == ["the", "good", "never", "b\u00e4d", "aa"]  # Ties by the token.
    assert (chosen.pretrained, chosen.size, chosen.first_trained_id) == (3, 7, 5)
    of_tokens = [[2, 2, 2], [1, 1, 1], [3, 3, 3], [0, 0, 0], [0, 0, 0]]
    assert chosen.vectors.tolist() == [[0, 0, 0], [0, 0, 0], *of_tokens]


def test_without_embeddings_all_vectors_start_at_random_and_the_same():
    first, second = (vocabulary.choose(COUNTS, {}, 4, trained_tokens=3) for _ in range(2))
    assert first.tokens == ["the", "b\u00e4d", "good"]
    assert first.pretrained == 0
    assert (first.vectors[:2] == 0).all()
    assert np.unique(first.vectors[2:]).size == 12
    assert (first.vectors == second.vectors).all()


def test_vectors_at_random_are_small_and_have_no_direction_in_common():
    vectors = vocabulary.choose({f"word{number}": 1 for number in range(200)}, {}, 50, trained_tokens=200).vectors[2:]
    assert vectors.mean() == pytest.approx(0, abs=0.002)
    assert vectors.std() == pytest.approx(0.05, rel=0.05)


def test_coverage_counts_hits_misses_and_tokens():
    chosen = vocabulary.choose(COUNTS, VECTORS, 3, trained_tokens=2)
    totals = vocabulary.coverage(chosen, COUNTS)
    assert totals.embedding_hits == 2
    assert totals.unseen_tokens == 1
    assert totals.embedding_misses == 4
    assert (totals.size, totals.vector_size, totals.first_trained_id) == (7, 3, 5)
    assert (totals.distinct_tokens, totals.tokens, totals.trained_tokens) == (6, 83, 2)
    assert totals.share_of_tokens_with_vector == pytest.approx(59 / 83)
    assert list(totals.most_frequent_without_vector.items()) == [("b\u00e4d", 9), ("aa", 7), ("zz", 7), ("once", 1)]


def test_coverage_lists_a_few_misses_and_all_sizes():
    counts = {f"word{number:02d}": 100 - number for number in range(60)}
    chosen = vocabulary.choose(counts, {"word59": np.ones(3, np.float32)}, 3, trained_tokens=10)
    totals = vocabulary.coverage(chosen, counts)
    assert list(totals.most_frequent_without_vector) == [f"word{number:02d}" for number in range(50)]
    assert (totals.size, totals.vector_size, totals.distinct_tokens) == (2 + 1 + 10, 3, 60)
    assert (totals.tokens, totals.trained_tokens, totals.first_trained_id) == (sum(counts.values()), 10, 3)
    assert totals.embedding_misses == 59


def test_an_archive_without_tokens_has_a_vocabulary():
    chosen = vocabulary.choose({}, {}, 3, trained_tokens=10)
    assert (chosen.tokens, chosen.vectors.shape) == ([], (2, 3))
    assert vocabulary.coverage(chosen, {}).share_of_tokens_with_vector == 0


def test_ids_with_a_pretrained_vector_are_known_and_without_any_all_are():
    with_vectors = vocabulary.choose(COUNTS, VECTORS, 3, trained_tokens=2)
    assert vocabulary.end_of_known_ids(with_vectors.first_trained_id) == 5
    without = vocabulary.choose(COUNTS, {}, 3, trained_tokens=2)
    assert vocabulary.end_of_known_ids(without.first_trained_id) == 2**63 - 1
