"""An archive that the model knows draws no sentence; one of another kind draws the right one."""

import numpy as np
import pytest

from beam_pipelines.artifacts import distributions
from beam_pipelines.scoring.summary import drift


def training(lengths: np.ndarray, known: np.ndarray, held_out: int | None = None) -> dict:
    """What an export says of its data; the last reviews are those of the test."""
    cut = len(lengths) - (len(lengths) // 3 if held_out is None else held_out)
    parts = {"train": slice(0, cut), "validation": slice(0, 0), "test": slice(cut, None)}
    shares = (known / np.maximum(lengths, 1)).astype(np.float32)
    return {
        "token_lengths": {
            "bin_edges": distributions.length_edges(),
            "histogram": distributions.count_lengths(lengths).tolist(),
        },
        "known_shares": {
            "bin_edges": distributions.share_edges(),
            "histogram": {name: distributions.count_shares(shares[part]).tolist() for name, part in parts.items()},
            "tokens": {name: int(lengths[part].sum()) for name, part in parts.items()},
            "known_tokens": {name: int(known[part].sum()) for name, part in parts.items()},
        },
    }


def compare(lengths: np.ndarray, known: np.ndarray, learned_from: dict, unknown=None) -> dict:
    shares = (known / np.maximum(lengths, 1)).astype(np.float32)
    histograms = {
        "tokens_histogram": distributions.count_lengths(lengths),
        "known_share_histogram": distributions.count_shares(shares),
    }
    sums = {"tokens": int(lengths.sum()), "known_tokens": int(known.sum()), "tokens_without_id": 0}
    return drift.compare(histograms, sums, unknown or {}, learned_from)


def sample(rows: int, seed: int, *, median: float = 200, share: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    lengths = 1 + random.lognormal(np.log(median), 0.6, rows).astype(int)
    return lengths, random.binomial(lengths, share)


@pytest.mark.parametrize("rows", [5, 50, 5000])
def test_the_same_kind_draws_no_sentence(rows):
    learned_from = training(*sample(2000, 0))
    found = [compare(*sample(rows, seed), learned_from) for seed in range(1, 40)]
    assert [one["drift"] for one in found if one["drift"]] == []
    if rows == 50:
        # The convention alone would have cried wolf.
        assert max(one["tokens_histogram"]["psi"] for one in found) > drift.LARGE_SHIFT


def test_what_is_like_the_training_data_is_told_to_be():
    found = compare(*sample(5000, 1), training(*sample(2000, 0)))
    said = drift.likeness(found["tokens_histogram"], found["known_share_histogram"])
    assert said.startswith("Lengths and known words are like the training data's (PSI 0.0")
    few = compare(*sample(12, 1), training(*sample(2000, 0)))
    said = drift.likeness(few["tokens_histogram"], few["known_share_histogram"])
    assert said.endswith(", no more than chance makes of so few).")


def test_another_language_and_length_are_told_in_plain_sentences():
    unknown = {"der": 1203, "und": 1100, "nicht": 80, "ein": 70, "war": 60, "ich": 50}
    found = compare(*sample(500, 1, median=20, share=0.4), training(*sample(2000, 0)), unknown)
    lengths, words, trust = found["drift"]
    assert lengths.startswith(
        "The reviews are shorter than those that the model learned from: half have at most about "
    )
    assert words.startswith("Fewer of their words have a vector than in the training data: 40%, there 95% (PSI ")
    assert words.endswith(
        "), as in another language or subject; the most frequent unknown words are der (1,203), und (1,100), "
        "nicht (80), ein (70), war (60)."
    )
    assert trust == "Trust the scores less."


def test_no_word_is_told_where_none_may_be():
    found = compare(*sample(500, 1, share=0.4), training(*sample(2000, 0)))
    assert len(found["drift"]) == 2
    assert found["drift"][0].startswith("Fewer of the reviews' words have a vector")
    assert found["drift"][0].endswith("as in another language or subject.")


def test_short_reviews_of_the_same_words_draw_no_sentence_about_words():
    """Of 12 words 11 are known, or 12, but seldom 95%."""
    found = compare(*sample(3000, 1, median=12), training(*sample(2000, 0)))
    assert drift.has_shifted(found["known_share_histogram"])
    assert len(found["drift"]) == 2
    assert found["drift"][0].startswith("The reviews are shorter")


def test_a_small_shift_is_told_mildly():
    found = compare(*sample(20_000, 1, median=270), training(*sample(20_000, 0)))
    assert len(found["drift"]) == 1
    assert found["drift"][0].startswith("The reviews are somewhat longer than those")


def test_more_known_words_are_no_reason_for_distrust():
    found = compare(*sample(3000, 1, share=0.99), training(*sample(2000, 0, share=0.8)))
    assert len(found["drift"]) == 1
    assert found["drift"][0].startswith("More of the reviews' words have a vector")
    assert found["drift"][0].endswith(", which is no cause for doubt.")
    _, words, trust = compare(*sample(3000, 1, median=20, share=0.99), training(*sample(2000, 0, share=0.8)))["drift"]
    assert words.endswith(", which is no cause for doubt.")
    assert trust == "Trust the scores less."


def test_the_reviews_that_made_the_vocabulary_do_not_stand_for_unseen_ones():
    lengths, known = sample(2000, 0)
    known[:1400] = lengths[:1400]
    assert compare(*sample(5000, 1), training(lengths, known, held_out=600))["drift"] == []
    all_of_them = compare(*sample(5000, 1), training(lengths, known, held_out=10))
    assert all_of_them["known_share_histogram"]["training_share"] > 0.98


def test_an_archive_without_scored_rows_is_compared_with_nothing():
    found = drift.compare(
        {"tokens_histogram": 0, "known_share_histogram": 0},
        {"tokens": 0, "known_tokens": 0, "tokens_without_id": 0},
        {},
        training(*sample(100, 0)),
    )
    assert found["drift"] == []
    assert found["tokens_histogram"]["psi"] is None
    assert sum(found["tokens_histogram"]["counts"]) == 0
