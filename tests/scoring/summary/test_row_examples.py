"""Examples are the first rows of a full sort, short, and silent about private texts."""

import numpy as np

from beam_pipelines.archive.rejects import Reject
from beam_pipelines.scoring.summary import row_examples
from beam_pipelines.scoring.summary.row_examples import RejectExample, rank_rows, reject_examples
from tests.helpers.scored import block_of, results_of


def test_extremes_are_those_of_a_full_sort_with_ties_by_place():
    random = np.random.default_rng(0)
    scores, widths = random.integers(0, 30, 500), random.integers(0, 30, 500)
    block = block_of([f"text {place} " + "x" * 1000 for place in range(500)])
    found = rank_rows(block, results_of(scores, widths), text_column="text")
    expected = sorted(range(500), key=lambda row: (-scores[row], row))[:10]
    assert [row.row_number - 2 for row in found["best"]] == expected
    assert [row.row_number - 2 for row in found["worst"]] == sorted(range(500), key=lambda row: (scores[row], row))[:10]
    widest = sorted(range(500), key=lambda row: (-widths[row], row))[:10]
    assert [row.row_number - 2 for row in found["least_certain"]] == widest
    best = found["best"][0]
    assert (best.id, best.file) == (f"in.csv:{expected[0] + 2}", "folder/in.csv")
    assert best.text.startswith(f"text {expected[0]} x")
    assert len(best.text) == row_examples.EXCERPT_CHARACTERS
    assert best.score == scores[expected[0]]


def test_a_named_row_keeps_its_name_and_a_private_one_its_text_to_itself():
    found = rank_rows(block_of(["a", "b"], key=[7, None]), results_of([1, 2], [1, 1]), id_column="key")
    assert [row.id for row in found["best"]] == ["None", "7"]
    assert all("text" not in row.to_json() for rows in found.values() for row in rows)


def test_the_first_rejects_of_each_reason_are_examples():
    rejects = [
        Reject("a.csv", place, "bad" if place % 2 else "worse", "\ud800" + "r" * 500) for place in range(9, 0, -1)
    ]
    found = reject_examples(rejects, with_raw=True)
    assert {reason: [example.row_number for example in rows] for reason, rows in found.items()} == {
        "bad": [1, 3, 5],
        "worse": [2, 4, 6],
    }
    assert found["bad"][0].raw == "?" + "r" * (row_examples.EXCERPT_CHARACTERS - 1)
    hidden = reject_examples(rejects[:1], with_raw=False)
    assert hidden == {"bad": [RejectExample("a.csv", 9)]}
    assert hidden["bad"][0].to_json() == {"file": "a.csv", "place": 9}
