import shutil
import types

import numpy as np
import pytest

from tests.helpers.examples import examples
from tests.helpers.prepared_reviews import Review, write_reviews
from trainer import data
from trainer.architectures.heads import PointHead
from trainer.prepared_reviews import Selection

TRAIN = Selection.whole("train")
# Its targets are the scores.
HEAD = PointHead()
# As the trainer computed it when statistics had no types.
DIGEST = "8cd82f4406f29704ca0d9eb9ff2ae8a53bcf3ed67bf9a019c55a39075c1a80de"


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
    found = flat(data.batches(reviews, TRAIN, 7, seed=1))
    expected = {name.encode(): tuple(ids) for name, (ids, _) in examples(prepared, "train").items()}
    assert len(found) == len(expected)
    assert dict(found) == expected


def test_batches_are_of_similar_length_and_padded_to_their_own_longest(reviews):
    batches = list(data.batches(reviews, TRAIN, 16, seed=1).as_numpy_iterator())
    assert [len(batch["ids"]) for batch in batches].count(16) >= len(batches) - 1
    assert all((batch["ids"] != 0).any(axis=0).all() for batch in batches)
    padded = sum(batch["ids"].size for batch in batches)
    assert sum((batch["ids"] != 0).sum() for batch in batches) / padded > 0.9


def test_the_order_depends_on_the_seed_alone(reviews):
    one, same, other = (flat(data.batches(reviews, TRAIN, 16, seed=seed)) for seed in (1, 1, 2))
    assert one == same
    assert one != other
    assert sorted(one) == sorted(other)


def test_a_seed_shuffles_the_batches_whose_reviews_are_sorted_by_length(reviews):
    """In order of length, all long reviews would come last in each epoch."""

    def longest(seed: int | None) -> list[int]:
        return [ids.shape[1] for ids in (batch["ids"] for batch in data.batches(reviews, TRAIN, 16, seed=seed))]

    assert longest(None) == sorted(longest(None))
    assert longest(1) != sorted(longest(1))
    assert len(set(longest(1))) > 5


def test_the_digest_of_the_data_is_that_of_earlier_versions(tmp_path):
    """A run goes on from its checkpoints only with the data that it began with, whoever prepared them."""
    np.save(tmp_path / "vectors.npy", np.arange(6, dtype=np.float32).reshape(3, 2))
    parts = {"vocabulary": {"size": 3}, "rows": {"read": 2, "kept": 1}, "scores": {"min": 0}, "tokens_per_review": {}}
    for statistics in (parts, dict(reversed(parts.items())), {**parts, "seconds": 5}):
        reviews = data.PreparedReviews(tmp_path, types.SimpleNamespace(to_json=lambda values=statistics: values))
        assert reviews.digest() == DIGEST


def test_the_digest_covers_the_unrated_texts(tmp_path):
    np.save(tmp_path / "vectors.npy", np.arange(6, dtype=np.float32).reshape(3, 2))
    parts = {"vocabulary": {"size": 3}, "rows": {"read": 2, "kept": 1}, "scores": {"min": 0}, "tokens_per_review": {}}
    digests = {DIGEST}
    for digest in ("00", "01"):
        statistics = {**parts, "unrated": {"used": 2, "digest": digest}}
        reviews = data.PreparedReviews(tmp_path, types.SimpleNamespace(to_json=lambda values=statistics: values))
        digests.add(reviews.digest())
    assert len(digests) == 3


def in_folds(folder, groups: list[int], folds: int) -> tuple[data.PreparedReviews, list[list[set[bytes]]]]:
    """The names of the reviews outside and inside each fold, of reviews whose groups stay together."""
    splits = ["train", "validation", "test"]
    given = [Review(f"r{row}", [2] * (row % 5 + 1), 5.0, group, splits[row % 3]) for row, group in enumerate(groups)]
    prepared = write_reviews(folder, given, np.zeros((3, 2)))
    selections = [Selection.whole("train", "validation").in_folds(folds, fold) for fold in range(folds)]
    return prepared, [
        [{name for name, _ in flat(data.batches(prepared, one, 4, seed=0))} for one in both] for both in selections
    ]


def test_folds_share_no_review_and_hold_all(tmp_path):
    groups = np.random.default_rng(0).integers(0, 30, 90).tolist()
    prepared, found = in_folds(tmp_path, groups, 4)
    learned = {b"r%d" % row for row in range(90) if row % 3 != 2}
    assert sorted(name for _, inside in found for name in inside) == sorted(learned)
    for fold, (outside, inside) in enumerate(found):
        assert outside == learned - inside
        # Equal hashes stay together, in whichever split.
        assert inside == {name for name in learned if groups[int(name[1:])] % 4 == fold}
        selections = Selection.whole("train", "validation").in_folds(4, fold)
        assert [prepared.rows(one) for one in selections] == [len(outside), len(inside)]
        assert [len(prepared.scores(one)) for one in selections] == [len(outside), len(inside)]


def test_an_epoch_of_a_fold_has_as_many_steps_as_it_says(tmp_path):
    prepared, found = in_folds(tmp_path, list(range(60)), 3)
    outside, _ = Selection.whole("train", "validation").in_folds(3, 1)
    batches = data.training_batches(prepared, outside, HEAD, batch_size=4, balanced=False, seed=0)
    assert sum(len(ids) for ids, _, _ in batches.as_numpy_iterator()) == len(found[1][0])
    assert int(batches.cardinality()) == -(-len(found[1][0]) // 4)


def test_a_histogram_of_several_splits_is_their_sum(prepared, reviews):
    scores = [score for split in ("train", "validation") for _, score in examples(prepared, split).values()]
    expected = np.bincount(reviews.scale.bins(np.array(scores)), minlength=10)
    assert reviews.histogram(("train", "validation")) == expected.tolist()


def test_several_devices_need_whole_batches():
    assert [data.steps(50, 16), data.steps(48, 16), data.steps(50, 16, replicas=2)] == [4, 3, 3]
    assert data.steps(50, 50, replicas=2) == 1
    assert data.steps(50, 2, replicas=2) == 25


def test_weights_make_the_filled_bins_count_equally(reviews):
    histogram = reviews.histogram(("train",))
    batches = data.training_batches(reviews, TRAIN, HEAD, batch_size=16, balanced=True, seed=0).as_numpy_iterator()
    scores, weights = (np.concatenate(parts) for parts in zip(*[(s[:, 0], w) for _, s, w in batches], strict=True))
    assert weights.mean() == pytest.approx(1)
    bins = reviews.scale.bins(reviews.scale.from_unit(scores))
    totals = [weights[bins == place].sum() for place in range(10) if histogram[place]]
    assert 1 < len(totals) < 10
    assert totals == pytest.approx([totals[0]] * len(totals))


def test_weights_can_be_turned_off(reviews):
    batches = data.training_batches(reviews, TRAIN, HEAD, batch_size=16, balanced=False, seed=0).as_numpy_iterator()
    assert all((weights == 1).all() for _, _, weights in batches)


def test_scores_are_shares_of_the_scale(prepared, reviews):
    batches = data.training_batches(reviews, TRAIN, HEAD, batch_size=16, balanced=False, seed=0).as_numpy_iterator()
    scores = sorted(score for _, batch, _ in batches for score in batch[:, 0].tolist())
    assert scores == pytest.approx(sorted(score / 100 for _, score in examples(prepared, "train").values()))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda vectors: vectors.__setitem__((3, 1), np.nan), "1 of .* vectors in vectors.npy are not finite; run"),
        (
            lambda vectors: vectors.__setitem__(slice(2, 4), np.inf),
            "2 of .* vectors in vectors.npy are not finite; run",
        ),
    ],
)
def test_vectors_that_are_not_finite_are_refused(prepared, tmp_path, change, message):
    """As an earlier version of the preprocess job left them."""
    shutil.copy(prepared / "statistics.json", tmp_path)
    vectors = np.load(prepared / "vectors.npy")
    change(vectors)
    np.save(tmp_path / "vectors.npy", vectors)
    with pytest.raises(data.UserError, match=f"--data here: {message} beam_pipelines.preprocess again"):
        data.PreparedReviews.load(str(tmp_path), "here")


def test_vectors_that_are_missing_or_cut_are_refused(prepared, tmp_path):
    shutil.copy(prepared / "statistics.json", tmp_path)
    for content in (None, (prepared / "vectors.npy").read_bytes()[:-9]):
        if content:
            (tmp_path / "vectors.npy").write_bytes(content)
        with pytest.raises(
            data.UserError, match=r"vectors.npy cannot be read \(.*\); run beam_pipelines.preprocess again"
        ):
            data.PreparedReviews.load(str(tmp_path))


def test_a_folder_without_statistics_is_refused(tmp_path):
    with pytest.raises(data.UserError, match=r"has no statistics.json: run beam_pipelines.preprocess to its end first"):
        data.PreparedReviews.load(str(tmp_path))
