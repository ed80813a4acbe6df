"""The compiled loop sums the rows of the distinct words and bigrams of a review, whatever their keys are."""

import itertools

import numpy as np
import pytest

from beam_pipelines.scoring.engines import compiled_ngrams
from beam_pipelines.scoring.engines.compiled_ngrams import CompiledNgrams

# Of float32 sums of thousands of numbers of about 1, where they cancel out.
WITHIN = 5e-5


def key_of(first: int, second: int) -> int:
    return first << 32 | second


def plain(keys, rows, ids) -> np.ndarray:
    """Sums in float64, by sets of words and of bigrams."""
    places = {key: len(rows) - len(keys) + index for index, key in enumerate(keys.tolist())}
    bigrams = {key_of(*pair) for pair in itertools.pairwise(ids)}
    found = set(ids) | {places[key] for key in bigrams & places.keys()}
    return rows[sorted(found)].astype(np.float64).sum(axis=0)


def random_ngrams(vocab: int, bigrams: int, columns: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Makes keys of ids from 2 on, and rows for them and for all ids: zeros for padding and for what is unknown."""
    random = np.random.default_rng(seed)
    pairs = random.choice((vocab - 2) ** 2, bigrams, replace=False)
    keys = np.sort((pairs // (vocab - 2) + 2 << 32) + pairs % (vocab - 2) + 2)
    rows = random.normal(size=(vocab + bigrams, columns)).astype(np.float32)
    rows[:2] = 0
    return keys, rows


def pool(keys, rows, texts) -> np.ndarray:
    lengths = np.array([len(ids) for ids in texts])
    ids = np.concatenate(texts).astype(np.int32)
    return CompiledNgrams(keys, rows).pool(ids, np.cumsum(lengths) - lengths, lengths)


def test_a_word_and_a_bigram_count_once():
    """Powers of two tell which rows a sum holds; two and three have a key, three and two have none."""
    keys = np.array([key_of(2, 2), key_of(2, 3)])
    rows = np.array([[0], [0], [1], [2], [4], [8]], np.float32)
    texts = [[2], [2, 2], [2, 2, 2, 2], [2, 3], [3, 2], [2, 3, 2, 3, 2, 3], [1], [2, 1, 3], [0, 0, 3]]
    sums = pool(keys, rows, texts)
    assert sums[:, 0].tolist() == [1, 1 + 4, 1 + 4, 1 + 2 + 8, 1 + 2, 1 + 2 + 8, 0, 1 + 2, 2]
    assert sums.dtype == np.float32


def test_a_bigram_does_not_reach_into_the_next_review():
    keys, rows = np.array([key_of(2, 3)]), np.array([[0], [0], [1], [2], [4]], np.float32)
    assert pool(keys, rows, [[3, 2], [3]]).tolist() == [[3], [2]]


def test_no_reviews_have_no_sums():
    none = np.empty(0, np.int64)
    assert CompiledNgrams(*random_ngrams(9, 5, 3)).pool(none.astype(np.int32), none, none).shape == (0, 3)


@pytest.mark.parametrize("columns", [1, 11, 16, 17, 40])
@pytest.mark.parametrize(("vocab", "bigrams"), [(9, 0), (9, 1), (9, 49), (50, 200), (50, 2304)])
def test_the_sums_are_those_of_sets(columns, vocab, bigrams):
    """Reviews around a run's 32 or 64 tokens and beyond; all, some and none of the bigrams have a key."""
    keys, rows = random_ngrams(vocab, bigrams, columns)
    random = np.random.default_rng(1)
    texts = [random.integers(0, vocab, length).tolist() for length in (1, 2, 31, 32, 33, 63, 64, 65, 66, 129, 4096)]
    for found, ids in zip(pool(keys, rows, texts), texts, strict=True):
        assert found == pytest.approx(plain(keys, rows, ids), abs=WITHIN)


def test_the_greatest_ids_have_keys():
    """A vocabulary as large as the notebook's, and the first and the last of its ids on both sides."""
    vocab, ends = 110_000, [2, 3, 109_998, 109_999]
    keys = np.array([key_of(first, second) for first in ends for second in ends])
    rows = np.zeros((vocab + len(keys), 7), np.float32)
    rows[vocab:] = np.eye(len(keys), 7)
    texts = [[first, second] for first in ends for second in ends]
    assert (pool(keys, rows, texts) == rows[vocab:]).all()


def test_more_keys_than_a_bucket_holds_go_on_into_the_next(monkeypatch):
    """Past the last into the first; each bigram that has a key has its row, and no other has one."""
    monkeypatch.setattr(compiled_ngrams, "_MEAN_KEYS", 6)
    keys, rows = random_ngrams(130, 12_200, 3, seed=6)
    rows[:130] = 0
    ngrams = CompiledNgrams(keys, rows)
    was_full = ngrams._buckets[:, -1] & np.uint64(1)
    assert was_full[-1]
    assert was_full.mean() > 0.25
    pairs = np.stack(np.divmod(np.arange(130**2), 130), axis=1).astype(np.int32)
    has_key = np.isin((pairs[:, 0].astype(np.int64) << 32) + pairs[:, 1], keys)
    sums = ngrams.pool(pairs.ravel(), 2 * np.arange(len(pairs)), np.full(len(pairs), 2))
    assert (sums[has_key] == rows[130:]).all()
    assert (sums[~has_key] == 0).all()


def test_reviews_are_summed_wherever_their_ids_lie():
    """More tokens than a thread takes at a time; a review's bits are the same alone and among others, in any order."""
    keys, rows = random_ngrams(3000, 50_000, 11)
    random = np.random.default_rng(1)
    # Few ids are frequent, as in text.
    ids = (3000 * random.random(200_000) ** 4).astype(np.int32)
    lengths = random.integers(1, 900, 400)
    starts = random.integers(0, len(ids) - 900, 400)
    ngrams = CompiledNgrams(keys, rows)
    sums = ngrams.pool(ids, starts, lengths)
    assert (ngrams.pool(ids, starts[::-1], lengths[::-1])[::-1] == sums).all()
    for row in range(0, 400, 57):
        review = ids[starts[row] : starts[row] + lengths[row]]
        assert sums[row] == pytest.approx(plain(keys, rows, review.tolist()), abs=WITHIN)
        assert (ngrams.pool(review, np.array([0]), lengths[row : row + 1])[0] == sums[row]).all()
