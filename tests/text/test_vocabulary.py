import numpy as np
import pytest

from beam_pipelines.text import vocabulary
from beam_pipelines.text.vocabulary import TrainingTokens, Vocabulary
from tests.helpers.vocabularies import plain_choice, training

COUNTS = {"the": 50, "good": 9, "b\u00e4d": 9, "zz": 7, "aa": 7, "once": 1}
VECTORS = {"good": [1.0, 1, 1], "the": [2.0, 2, 2], "never": [3.0, 3, 3]}


def choose(
    tokens: TrainingTokens, vectors: dict[str, list[float]], trained_tokens: int, dim: int = 3
) -> tuple[Vocabulary, TrainingTokens]:
    rows = {token: row for row, token in enumerate(vectors)}
    matrix = np.array([*vectors.values()], np.float32).reshape(-1, dim)
    return vocabulary.choose(tokens, rows, matrix, trained_tokens), tokens


def test_tokens_with_a_vector_come_first_then_the_most_frequent_without():
    chosen, _ = choose(training(COUNTS), VECTORS, trained_tokens=2)
    assert chosen.tokens == ["the", "good", "never", "b\u00e4d", "aa"]  # Ties by the token.
    assert (chosen.pretrained, chosen.size, chosen.first_trained_id) == (3, 7, 5)
    of_tokens = [[2, 2, 2], [1, 1, 1], [3, 3, 3], [0, 0, 0], [0, 0, 0]]
    assert chosen.vectors.tolist() == [[0, 0, 0], [0, 0, 0], *of_tokens]


def test_without_embeddings_all_vectors_start_at_random_and_the_same():
    first, second = (choose(training(COUNTS), {}, 3, dim=4)[0] for _ in range(2))
    assert first.tokens == ["the", "b\u00e4d", "good"]
    assert first.pretrained == 0
    assert (first.vectors[:2] == 0).all()
    assert np.unique(first.vectors[2:]).size == 12
    assert (first.vectors == second.vectors).all()


def test_vectors_at_random_are_small_and_have_no_direction_in_common():
    chosen, _ = choose(training({f"word{number}": 1 for number in range(200)}), {}, 200, dim=50)
    assert chosen.vectors[2:].mean() == pytest.approx(0, abs=0.002)
    assert chosen.vectors[2:].std() == pytest.approx(0.05, rel=0.05)


def test_coverage_counts_hits_misses_and_tokens():
    totals = vocabulary.coverage(*choose(training(COUNTS), VECTORS, trained_tokens=2))
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
    totals = vocabulary.coverage(*choose(training(counts), {"word59": [1.0, 1, 1]}, trained_tokens=10))
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
    chosen, of_part = choose(part, vectors, trained_tokens=60)
    assert (chosen.tokens[:1], chosen.tokens[1:]) == plain_choice(counts, vectors, 60)[:2]
    totals = vocabulary.coverage(chosen, of_part)
    assert totals == vocabulary.coverage(*choose(whole, vectors, trained_tokens=60))
    assert totals.most_frequent_without_vector == plain_choice(counts, vectors, 60)[2]
    assert (totals.distinct_tokens, totals.embedding_misses, totals.tokens) == (100, 99, sum(counts.values()))


def test_an_archive_without_tokens_has_a_vocabulary():
    chosen, tokens = choose(training({}), {}, trained_tokens=10)
    assert (chosen.tokens, chosen.vectors.shape) == ([], (2, 3))
    assert vocabulary.coverage(chosen, tokens).share_of_tokens_with_vector == 0


def test_ids_with_a_pretrained_vector_are_known_and_without_any_all_are():
    with_vectors, _ = choose(training(COUNTS), VECTORS, trained_tokens=2)
    assert vocabulary.end_of_known_ids(with_vectors.first_trained_id) == 5
    without, _ = choose(training(COUNTS), {}, trained_tokens=2)
    assert vocabulary.end_of_known_ids(without.first_trained_id) == 2**63 - 1
