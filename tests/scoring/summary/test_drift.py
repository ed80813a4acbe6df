"""An archive that the model knows draws no sentence; one of another kind draws the right one."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest

from beam_pipelines.artifacts import distributions
from beam_pipelines.artifacts.prepared import KnownShares, LengthHistogram
from beam_pipelines.scoring.summary import drift
from beam_pipelines.scoring.summary.drift import LengthComparison, ShareComparison


@dataclasses.dataclass
class Training:
    """What an export says of its data, as far as it is compared."""

    token_lengths: LengthHistogram
    known_shares: KnownShares


@dataclasses.dataclass
class Compared:
    lengths: LengthComparison
    shares: ShareComparison
    drift: list[str]


def training(lengths: np.ndarray, known: np.ndarray, held_out: int | None = None) -> Training:
    """The last reviews are those of the test."""
    cut = len(lengths) - (len(lengths) // 3 if held_out is None else held_out)
    parts = {"train": slice(0, cut), "validation": slice(0, 0), "test": slice(cut, None)}
    shares = (known / np.maximum(lengths, 1)).astype(np.float32)
    return Training(
        LengthHistogram(distributions.length_edges(), distributions.count_lengths(lengths).tolist()),
        KnownShares(
            bin_edges=distributions.share_edges(),
            histogram={name: distributions.count_shares(shares[part]).tolist() for name, part in parts.items()},
            tokens={name: int(lengths[part].sum()) for name, part in parts.items()},
            known_tokens={name: int(known[part].sum()) for name, part in parts.items()},
        ),
    )


def compare(lengths: np.ndarray, known: np.ndarray, learned_from: Training, unknown=None) -> Compared:
    shares = (known / np.maximum(lengths, 1)).astype(np.float32)
    by_length = drift.compare_lengths(distributions.count_lengths(lengths), learned_from.token_lengths)
    by_share = drift.compare_shares(
        distributions.count_shares(shares),
        learned_from.known_shares,
        tokens=int(lengths.sum()),
        known_tokens=int(known.sum()),
    )
    return Compared(by_length, by_share, drift.sentences(by_length, by_share, unknown or {}))


def sample(rows: int, seed: int, *, median: float = 200, share: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    lengths = 1 + random.lognormal(np.log(median), 0.6, rows).astype(int)
    return lengths, random.binomial(lengths, share)


@pytest.mark.parametrize("rows", [5, 50, 5000])
def test_the_same_kind_draws_no_sentence(rows):
    learned_from = training(*sample(2000, 0))
    found = [compare(*sample(rows, seed), learned_from) for seed in range(1, 40)]
    assert [one.drift for one in found if one.drift] == []
    if rows == 50:
        # The convention alone would have cried wolf.
        assert max(one.lengths.psi for one in found) > drift.LARGE_SHIFT


def test_what_is_like_the_training_data_is_told_to_be():
    found = compare(*sample(5000, 1), training(*sample(2000, 0)))
    said = drift.likeness(found.lengths, found.shares)
    assert said.startswith("Lengths and known words are like the training data's (PSI 0.0")
    few = compare(*sample(12, 1), training(*sample(2000, 0)))
    said = drift.likeness(few.lengths, few.shares)
    assert said.endswith(", no more than chance makes of so few).")


@pytest.mark.parametrize(
    ("lengths", "shares", "end"),
    [
        (0.0123, 0.0345, "(PSI 0.012 and 0.035)."),
        (0.1, 0.1, "(PSI 0.1 and 0.1)."),
        (0.0123, 0.1345, "(PSI 0.012 and 0.13, no more than chance makes of so few)."),
        (0.1345, 0.0123, "(PSI 0.13 and 0.012, no more than chance makes of so few)."),
    ],
)
def test_both_indices_are_told(lengths, shares, end):
    said = drift.likeness(SimpleNamespace(psi=lengths), SimpleNamespace(psi=shares))
    assert said == f"Lengths and known words are like the training data's {end}"


@pytest.mark.parametrize(("lengths", "shares"), [(None, None), (0.01, None), (None, 0.01)])
def test_without_both_indices_nothing_is_compared(lengths, shares):
    said = drift.likeness(SimpleNamespace(psi=lengths), SimpleNamespace(psi=shares))
    assert said == "There is nothing to compare with the training data."


def test_another_language_and_length_are_told_in_plain_sentences():
    unknown = {"der": 1203, "und": 1100, "nicht": 80, "ein": 70, "war": 60, "ich": 50}
    found = compare(*sample(500, 1, median=20, share=0.4), training(*sample(2000, 0)), unknown)
    lengths, words, trust = found.drift
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
    assert len(found.drift) == 2
    assert found.drift[0].startswith("Fewer of the reviews' words have a vector")
    assert found.drift[0].endswith("as in another language or subject.")


def test_short_reviews_of_the_same_words_draw_no_sentence_about_words():
    """Of 12 words 11 are known, or 12, but seldom 95%."""
    found = compare(*sample(3000, 1, median=12), training(*sample(2000, 0)))
    assert found.shares.has_shifted
    assert len(found.drift) == 2
    assert found.drift[0].startswith("The reviews are shorter")


def test_a_small_shift_is_told_mildly():
    found = compare(*sample(20_000, 1, median=270), training(*sample(20_000, 0)))
    assert len(found.drift) == 1
    assert found.drift[0].startswith("The reviews are somewhat longer than those")


def test_more_known_words_are_no_reason_for_distrust():
    found = compare(*sample(3000, 1, share=0.99), training(*sample(2000, 0, share=0.8)))
    assert len(found.drift) == 1
    assert found.drift[0].startswith("More of the reviews' words have a vector")
    assert found.drift[0].endswith(", which is no cause for doubt.")
    _, words, trust = compare(*sample(3000, 1, median=20, share=0.99), training(*sample(2000, 0, share=0.8))).drift
    assert words.endswith(", which is no cause for doubt.")
    assert trust == "Trust the scores less."


def test_the_reviews_that_made_the_vocabulary_do_not_stand_for_unseen_ones():
    lengths, known = sample(2000, 0)
    known[:1400] = lengths[:1400]
    assert compare(*sample(5000, 1), training(lengths, known, held_out=600)).drift == []
    all_of_them = compare(*sample(5000, 1), training(lengths, known, held_out=10))
    assert all_of_them.shares.training_share > 0.98


def test_an_archive_without_scored_rows_is_compared_with_nothing():
    nothing = np.array([], int)
    compared = compare(nothing, nothing, training(*sample(100, 0)))
    assert compared.drift == []
    assert compared.lengths.psi is None
    assert sum(compared.lengths.counts) == 0
    assert drift.likeness(compared.lengths, compared.shares).startswith("There is nothing to compare with")
