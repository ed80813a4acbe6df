"""The texts with the lowest hashes are chosen, each where it stands first, whatever comes first."""

import numpy as np
import pyarrow as pa
import pytest

from beam_pipelines.preparing import rated_texts, unrated_choice
from beam_pipelines.preparing.rated_texts import RatedTexts
from beam_pipelines.preparing.unrated_choice import ChosenTexts, LowestTexts, MergeLowest

RANDOM = np.random.default_rng(5)
# Of 3,000 texts about half stand once; a third is rated.
HASHES = RANDOM.integers(0, 2**63, 3000)
TEXTS = np.concatenate([HASHES, RANDOM.choice(HASHES, 2000)])
PLACES = np.stack([RANDOM.permutation(5000) // 1000, np.arange(5000) % 3, np.arange(5000)], axis=1)
RATED = set(HASHES[::3].tolist())


@pytest.fixture
def rated(tmp_path) -> RatedTexts:
    hashes = HASHES[::3]
    for part in range(16):
        of_part = hashes[rated_texts.part_of(hashes, 16) == part]
        rated_texts.write((part, pa.record_batch({"text": of_part})), folder=str(tmp_path))
    return RatedTexts(str(tmp_path), 16)


def expected(most: int) -> list[tuple[int, ...]]:
    first: dict[int, tuple[int, ...]] = {}
    for text, place in zip(TEXTS.tolist(), map(tuple, PLACES.tolist()), strict=True):
        if text not in RATED:
            first[text] = min(place, first.get(text, place))
    return [(text, *first[text]) for text in sorted(first)[:most]]


def rows(table: pa.Table) -> list[tuple[int, ...]]:
    return [tuple(row.values()) for row in table.to_pylist()]


@pytest.mark.parametrize("most", [1, 40, 1500, 10_000])
@pytest.mark.parametrize("waiting", [0, 1 << 16])
def test_the_lowest_are_chosen_in_whatever_order_they_come(rated, monkeypatch, most, waiting):
    monkeypatch.setattr(unrated_choice, "_WAITING_ROWS", waiting)
    for seed in range(3):
        order = np.random.default_rng(seed).permutation(len(TEXTS))
        workers = []
        for of_worker in np.array_split(order, 4):
            lowest = LowestTexts(most, rated)
            for of_block in np.array_split(of_worker, 9):
                lowest.add(unrated_choice.of_reviews(TEXTS[of_block], PLACES[of_block]))
            workers.append(lowest.chosen())
        merge = MergeLowest(most)
        one, other = (
            merge.add_input(merge.add_input(merge.create_accumulator(), a), b) for a, b in (workers[:2], workers[2:])
        )
        assert rows(merge.extract_output(merge.merge_accumulators([one, other]))) == expected(most)


def test_what_is_held_does_not_grow(rated, monkeypatch):
    monkeypatch.setattr(unrated_choice, "_WAITING_ROWS", 10)
    lowest = LowestTexts(20, rated)
    for start in range(0, len(TEXTS), 50):
        lowest.add(unrated_choice.of_reviews(TEXTS[start : start + 50], PLACES[start : start + 50]))
        assert sum(map(len, lowest._texts)) <= 50
    assert rows(lowest.chosen()) == expected(20)


def written(folder: object, texts: list[int], most: int) -> ChosenTexts:
    places = np.array([[0, 0, 10 + text] for text in texts], np.int64).reshape(-1, 3)
    unrated_choice.write(unrated_choice.of_reviews(np.array(texts, np.int64), places), folder=str(folder))
    return ChosenTexts(str(folder), most)


def test_chosen_texts_are_known_again(tmp_path):
    chosen = written(tmp_path, [3, 5, 9], most=3)
    fingerprints = np.array([5, 9, 4, 3, 10])
    places = np.array([[0, 0, 15], [0, 0, 18], [0, 0, 14], [1, 0, 13], [0, 0, 20]])
    assert chosen.contain(fingerprints).tolist() == [True, True, False, True, False]
    assert chosen.stand_at(fingerprints, places).tolist() == [True, False, False, False, False]
    assert chosen.are_beyond(fingerprints).tolist() == [False, False, False, False, True]


def test_no_hash_is_too_high_where_more_could_be_chosen(tmp_path):
    chosen = written(tmp_path, [3, 5, 9], most=4)
    assert chosen.are_beyond(np.array([9, 10, 2**63 - 1])).tolist() == [False, False, False]


def test_nothing_may_be_chosen(tmp_path):
    chosen = written(tmp_path, [], most=4)
    fingerprints, places = np.array([1, 2]), np.zeros((2, 3), np.int64)
    assert len(chosen) == 0
    for found in (chosen.contain(fingerprints), chosen.stand_at(fingerprints, places), chosen.are_beyond(fingerprints)):
        assert found.tolist() == [False, False]
