"""Blocks in any order give one summary, whose sums and extremes are those of all rows."""

import collections
import json

import numpy as np
import pytest

from beam_pipelines.scoring import shards
from beam_pipelines.scoring.summary import totals
from tests.helpers.summaries import EXPORT, FILES, block


def summarise(blocks: list[dict], folder, order) -> dict:
    """Writes the statistics of blocks in some order and sums them up."""
    (folder / "statistics").mkdir(parents=True)
    names = [f"{place:05d}" for place in sorted(order)]
    for place in order:
        (folder / f"statistics/{place:05d}.json").write_text(json.dumps(blocks[place]))
    found = (told for _, told in shards.read_statistics(str(folder), names))
    return totals.summarise(found, FILES, EXPORT)


def test_the_order_in_which_blocks_end_changes_nothing(tmp_path):
    blocks = [block(seed) for seed in range(20)]
    one = summarise(blocks, tmp_path / "one", range(20))
    other = summarise(blocks, tmp_path / "other", np.random.default_rng(0).permutation(20))
    assert json.dumps(one) == json.dumps(other)
    added = totals.Totals(FILES)
    for place in reversed(range(20)):
        added.add(blocks[place])
    backwards = totals.summary(added, EXPORT)
    assert backwards.pop("score_mean") == pytest.approx(one.pop("score_mean"))
    assert backwards.pop("interval_width_mean") == pytest.approx(one.pop("interval_width_mean"))
    assert json.dumps(backwards) == json.dumps(one)


def test_sums_and_extremes_are_those_of_all_rows(tmp_path):
    blocks = [block(seed) for seed in range(20)]
    found = summarise(blocks, tmp_path, range(20))
    assert (found["rows_read"], found["rows_scored"], found["rows_rejected"]) == (240, 200, 40)
    assert found["rejected_by_reason"] == {"bad": 40}
    assert found["by_file"]["in/a.csv"] == {"rows_read": 120, "rows_scored": 100, "rows_rejected": 20}
    for name in totals.HISTOGRAMS[1:]:
        assert found[name]["counts"] == np.sum([one[name] for one in blocks], axis=0).tolist()
    order = {file.path: file.index for file in FILES}
    rows = [row for one in blocks for row in one["best"]]
    for name, rank in (("best", lambda row: -row["score"]), ("worst", lambda row: row["score"])):
        expected = sorted(rows, key=lambda row: (rank(row), order[row["file"]], row["place"]))[:10]
        assert [row["id"] for row in found[name]] == [row["id"] for row in expected]
    widest = sorted(rows, key=lambda row: (row["low"] - row["high"], order[row["file"]], row["place"]))[:10]
    assert [row["id"] for row in found["least_certain"]] == [row["id"] for row in widest]
    # The even blocks are of b.csv, the first of the files.
    assert [one["place"] for one in found["reject_examples"]["bad"]] == [50, 51, 250]
    unknown = collections.Counter()
    for one in blocks:
        unknown.update(one["unknown_tokens"])
    expected = sorted(unknown.items(), key=lambda item: (-item[1], item[0]))[: totals.TOLD_TOKENS]
    assert list(found["unknown_tokens"].items()) == expected
    assert found["tokens_without_id"] == unknown.total()
    assert (found["mae"], found["rmse"], found["bias"], found["coverage"]) == (1.5, 2, -0.5, 0.5)
    assert (found["batches"], found["rows_per_batch"], found["padding_waste"]) == (40, 5, 0.25)


def test_a_lost_row_is_an_error(tmp_path):
    with pytest.raises(RuntimeError, match=r"in/b.csv: rows read, scored and rejected do not add up"):
        summarise([{**block(0), "rows_read": 13, "end": None}], tmp_path, [0])


@pytest.mark.parametrize(
    ("left_out", "told"),
    [
        (4, "the block that begins at 2 is missing"),
        (0, "the block that begins at 0 is missing"),
        (18, "the block that begins at 9 is missing"),
    ],
)
def test_a_lost_block_is_an_error(tmp_path, left_out, told):
    with pytest.raises(RuntimeError, match=f"in/b.csv: .*{told}"):
        summarise([block(seed) for seed in range(20)], tmp_path, [seed for seed in range(20) if seed != left_out])


def test_memory_is_bounded_whatever_tokens_the_blocks_hold(monkeypatch):
    monkeypatch.setattr(totals, "MOST_TOKENS", 300)
    added = totals.Totals(FILES)
    for place in range(50):
        rare = {f"rare-{place}-{token}": 1 for token in range(100)}
        added.add({**block(0), "unknown_tokens": {"often": 5, **rare}})
        assert len(added.unknown) <= 300
    assert added.unknown["often"] == 250


def test_a_job_of_no_blocks_has_a_summary(tmp_path):
    found = totals.summarise([], FILES, EXPORT)
    assert (found["rows_read"], found["score_mean"], found["padding_waste"], found["drift"]) == (0, None, None, [])
    assert found["score_histogram"] == [0] * 10
