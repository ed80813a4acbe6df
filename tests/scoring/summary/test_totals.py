"""Statistics in any order and grouping give the same totals, which are those of all rows."""

import collections
import dataclasses
import json
import math
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beam_pipelines.scoring.summary import totals
from beam_pipelines.scoring.summary.row_examples import RejectExample
from beam_pipelines.scoring.summary.statistics import Statistics
from beam_pipelines.scoring.summary.totals import Totals
from tests.helpers.summaries import begin_of, statistics_of

SEEDS = range(20)


def added(seeds, **changed) -> Totals:
    found = Totals()
    for seed in seeds:
        found.add(statistics_of(seed, **changed), begin_of(seed))
    return found


def test_statistics_are_read_as_they_were_written():
    written = statistics_of(0, explained_gap_sum=1.5)
    assert Statistics.from_json(json.loads(json.dumps(written.to_json()))) == written
    assert "explained_gap_sum" not in statistics_of(0).to_json()
    assert [*statistics_of(0).to_json()["best"][0]] == ["id", "file", "place", "score", "low", "high"]


def test_sums_and_extremes_are_those_of_all_rows():
    parts = [statistics_of(seed) for seed in SEEDS]
    summed = added(SEEDS).statistics(50)
    assert (summed.rows_read, summed.rows_scored, summed.rows_rejected) == (240, 200, 40)
    assert (summed.stored_bytes, summed.rejected_by_reason) == (140, {"bad": 40})
    assert summed.columns_left_out == {"stars": 20}
    for name in ("score_histogram", "tokens_histogram", "known_share_histogram"):
        assert getattr(summed, name) == np.sum([getattr(part, name) for part in parts], axis=0).tolist()
    assert summed.score_sum == math.fsum(part.score_sum for part in parts)
    assert (summed.rows_with_true_score, summed.rows_covered, summed.error_sum) == (40, 20, -20)
    assert (summed.absolute_error_sum, summed.squared_error_sum, summed.explained_gap_sum) == (60, 160, None)
    for name, rank in (
        ("best", lambda row: -row.score),
        ("worst", lambda row: row.score),
        ("least_certain", lambda row: row.low - row.high),
    ):
        # The numbers of the rows are in the order of the archive.
        rows = [row for part in parts for row in part.best]
        assert getattr(summed, name) == sorted(rows, key=lambda row: (rank(row), row.row_number))[:10]
    assert [example.row_number for example in summed.reject_examples["bad"]] == [50, 51, 150]
    unknown = collections.Counter()
    for part in parts:
        unknown.update(part.unknown_tokens)
    expected = sorted(unknown.items(), key=lambda item: (-item[1], item[0]))[:50]
    assert list(summed.unknown_tokens.items()) == expected
    assert summed.tokens_without_id == unknown.total()


def test_every_field_is_added_up():
    """So that none is forgotten in one of the two ways to add."""
    changed = {
        "unread_bytes": 5,
        "explained_gap_sum": 0.5,
        "true_scores_off_scale": 3,
        "remarks": {"remark": 2},
        "notes": ["a.csv is odd"],
        "damaged": {"a.csv": "behind byte 7"},
    }
    one = added(SEEDS[:1], **changed)
    names = [field.name for field in dataclasses.fields(Statistics)]
    values = one.statistics(1000)
    assert [name for name in names if not getattr(values, name)] == []
    merged = Totals()
    merged.merge(one)
    merged.merge(Totals())
    assert merged.statistics(1000) == values == dataclasses.replace(statistics_of(0), **changed)
    merged.merge(added(SEEDS[1:2], **changed))
    assert merged.statistics(1000) == added(SEEDS[:2], **changed).statistics(1000)
    assert merged.statistics(1000).notes == ["a.csv is odd"]


@pytest.mark.parametrize("seed", range(5))
def test_neither_order_nor_grouping_changes_anything(seed):
    """Also through merges of merges, as runners do; to the byte, examples and ties among them."""
    order = random.Random(seed)
    # One file is damaged in many places.
    parts = [added([one], damaged={"a.csv": f"behind row {one}"}) for one in SEEDS]
    expected = added(SEEDS, damaged={"a.csv": "behind row 0"}).statistics(50)
    while len(parts) > 1:
        order.shuffle(parts)
        other = parts.pop()
        parts[0].merge(other)
    assert json.dumps(parts[0].statistics(50).to_json()) == json.dumps(expected.to_json())


FLOATS = st.lists(st.floats(-1e30, 1e30, allow_subnormal=True), min_size=1, max_size=12)


@given(FLOATS, st.randoms())
@settings(max_examples=200, deadline=None)
def test_floating_point_sums_are_exact_in_any_order_and_grouping(values, order):
    """Equal to the correctly rounded sum, however much cancels out."""
    parts = []
    for index, value in enumerate(values):
        part = Totals()
        part.add(Statistics(score_sum=value, error_sum=-value), (index,))
        parts.append(part)
    while len(parts) > 1:
        order.shuffle(parts)
        parts[0].merge(parts.pop())
    summed = parts[0].statistics(1)
    assert (summed.score_sum, summed.error_sum) == (math.fsum(values), -math.fsum(values))


def test_sums_that_a_float_would_forget_are_not_lost():
    found = Totals()
    for index, value in enumerate([1e16, 1.0, -1e16]):
        found.add(Statistics(score_sum=value), (index,))
    assert found.statistics(1).score_sum == 1


def test_no_token_is_left_out_on_the_way():
    """One that is rare in each extent may be the most frequent of all."""
    found = Totals()
    for seed in range(50):
        part = Totals()
        part.add(Statistics(unknown_tokens={"often": 2, **{f"{seed}-{token}": 3 for token in range(300)}}), (seed,))
        found.merge(part)
    assert next(iter(found.statistics(10).unknown_tokens.items())) == ("often", 100)
    assert len(found.statistics(10).unknown_tokens) == 10


def test_examples_of_equal_rank_are_those_that_stand_first_in_the_archive():
    """Not those of the extent that came first."""
    equal = [statistics_of(seed, best=[dataclasses.replace(statistics_of(seed).best[0], score=7.0)]) for seed in SEEDS]
    found = Totals()
    for seed in [*range(10, 20), *range(10)]:
        found.add(equal[seed], begin_of(seed))
    assert [row.row_number // 100 for row in found.statistics(1).best] == [*range(10)]


def test_rejects_of_a_reason_are_the_first_of_the_archive():
    def part(*numbers: int) -> Statistics:
        return Statistics(reject_examples={"bad": [RejectExample("a.csv", number) for number in numbers]})

    found = Totals()
    for index, numbers in ((2, (30, 31)), (0, (7,)), (1, (12, 15, 19))):
        found.add(part(*numbers), begin_of(index))
    assert [example.row_number for example in found.statistics(1).reject_examples["bad"]] == [7, 12, 15]


def test_notes_are_few_however_many_files_have_one():
    found = added(SEEDS)
    for seed in SEEDS:
        found.add(Statistics(notes=[f"{seed:02d}.csv is one", f"{seed:02d}.csv is another"]), begin_of(seed))
    notes = found.statistics(1).notes
    assert len(notes) == totals.MOST_NOTES
    assert notes[0] == "00.csv is another"


def test_of_nothing_the_totals_are_nothing():
    assert Totals().statistics(50) == Statistics()
