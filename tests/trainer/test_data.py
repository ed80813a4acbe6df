import numpy as np
import pytest

from tests.helpers.examples import examples
from trainer import data


def flat(dataset) -> list[tuple[bytes, tuple[int, ...]]]:
    """(id, ids without padding) of every review, in the dataset's order."""
    return [
        (name, tuple(row[row != 0]))
        for batch in dataset.as_numpy_iterator()
        for name, row in zip(batch["id"], batch["ids"], strict=True)
    ]


@pytest.fixture
def reviews(prepared) -> data.PreparedReviews:
    return data.PreparedReviews.load(str(prepared))


def test_batches_hold_every_review_once_and_padding_is_zero(prepared, reviews):
    found = flat(data.batches(reviews.files("train"), 7, seed=1))
    expected = {name.encode(): tuple(ids) for name, (ids, _) in examples(prepared, "train").items()}
    assert len(found) == len(expected)
    assert dict(found) == expected


def test_batches_are_of_similar_length_and_padded_to_their_own_longest(reviews):
    batches = list(data.batches(reviews.files("train"), 16, seed=1).as_numpy_iterator())
    assert [len(batch["ids"]) for batch in batches].count(16) >= len(batches) - 1
    assert all((batch["ids"] != 0).any(axis=0).all() for batch in batches)
    padded = sum(batch["ids"].size for batch in batches)
    assert sum((batch["ids"] != 0).sum() for batch in batches) / padded > 0.9


def test_the_order_depends_on_the_seed_alone(reviews):
    one, same, other = (flat(data.batches(reviews.files("train"), 16, seed=seed)) for seed in (1, 1, 2))
    assert one == same
    assert one != other
    assert sorted(one) == sorted(other)


def test_weights_make_the_filled_bins_count_equally(reviews):
    histogram = reviews.training_histogram
    batches = data.training_batches(reviews, batch_size=16, balanced=True, seed=0).as_numpy_iterator()
    scores, weights = (np.concatenate(parts) for parts in zip(*[(s[:, 0], w) for _, s, w in batches], strict=True))
    assert weights.mean() == pytest.approx(1)
    bins = reviews.scale.bins(reviews.scale.from_unit(scores))
    totals = [weights[bins == place].sum() for place in range(10) if histogram[place]]
    assert 1 < len(totals) < 10
    assert totals == pytest.approx([totals[0]] * len(totals))


def test_weights_can_be_turned_off(reviews):
    batches = data.training_batches(reviews, batch_size=16, balanced=False, seed=0).as_numpy_iterator()
    assert all((weights == 1).all() for _, _, weights in batches)


def test_scores_are_shares_of_the_scale(prepared, reviews):
    batches = data.training_batches(reviews, batch_size=16, balanced=False, seed=0).as_numpy_iterator()
    scores = sorted(score for _, batch, _ in batches for score in batch[:, 0].tolist())
    assert scores == pytest.approx(sorted(score / 100 for _, score in examples(prepared, "train").values()))


def test_a_folder_without_statistics_is_refused(tmp_path):
    with pytest.raises(data.UserError, match=r"has no statistics.json: run beam_pipelines.preprocess to its end first"):
        data.PreparedReviews.load(str(tmp_path))
