"""Every unrated row is counted once, by what became of it."""

import collections
import json

import numpy as np

from beam_pipelines.preparing import row_counts, unrated_counts
from beam_pipelines.preparing.row_counts import RowCounts
from beam_pipelines.preparing.unrated_counts import UnratedCounts

#            used, equal, rated, beyond, no token (of which one is chosen by its hash)
HAS_TOKENS = [1, 1, 1, 1, 0, 0]
IS_USED = [1, 0, 0, 0, 0, 0]
IS_CHOSEN = [1, 1, 0, 0, 1, 0]
IS_BEYOND = [0, 0, 0, 1, 0, 1]


def counts() -> UnratedCounts:
    lists = {"has_tokens": HAS_TOKENS, "is_used": IS_USED, "is_chosen": IS_CHOSEN, "is_beyond": IS_BEYOND}
    return UnratedCounts.of(**{name: np.array(values, bool) for name, values in lists.items()})


def test_a_text_has_one_reason_to_be_left_out():
    assert counts().used == 1
    assert counts().left_out == {"no_token": 2, "equal_text": 1, "beyond_unrated_rows": 1, "rated": 1}


def test_counts_of_blocks_add_up_through_json():
    one, other = counts(), UnratedCounts(2, 1, collections.Counter(rated=4), digest=2**64 - 1)
    total = unrated_counts.sum_counts([one, other, UnratedCounts(digest=5)])
    assert (total.used, total.with_teacher, total.left_out["rated"], total.digest) == (3, 1, 5, 4)
    assert UnratedCounts.from_json(json.loads(json.dumps(total.to_json()))) == total


def test_totals_hold_both_readings():
    rows = RowCounts(
        read=9,
        rated=6,
        rejected=collections.Counter(broken_csv=2),
        skipped=collections.Counter(empty_text=1),
        remarks=collections.Counter(odd=3),
        damaged={"a.gz": "behind byte 7"},
    )
    totals = unrated_counts.totals(rows, counts())
    assert totals.to_json() == {
        "read": 9,
        "used": 1,
        "with_teacher": 0,
        "rejected": 2,
        "left_out": 6,
        "rejected_by_reason": {"broken_csv": 2},
        "left_out_by_reason": {"beyond_unrated_rows": 1, "empty_text": 1, "equal_text": 1, "no_token": 2, "rated": 1},
        "digest": "0000000000000000",
        "remarks": {"odd": 3},
        "damaged": {"a.gz": "behind byte 7"},
    }
    told = " (broken_csv 2, no_token 2, beyond_unrated_rows 1, empty_text 1, equal_text 1, rated 1)"
    assert sorted(unrated_counts.reasons_in_words(totals).strip(" ()").split(", ")) == sorted(
        told.strip(" ()").split(", ")
    )


def test_nothing_is_told_of_rows_that_are_all_right():
    totals = unrated_counts.totals(row_counts.sum_rows([]), UnratedCounts())
    assert {"remarks", "damaged"}.isdisjoint(totals.to_json())
