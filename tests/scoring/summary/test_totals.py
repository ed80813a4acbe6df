"""Blocks in any order give one summary, whose sums and extremes are those of all rows."""

import collections
import json

import numpy as np
import pytest

from beam_pipelines.files import storage
from beam_pipelines.scoring import shards
from beam_pipelines.scoring.summary import job_summary, totals
from beam_pipelines.scoring.summary.block_statistics import BlockStatistics
from beam_pipelines.scoring.summary.job_summary import Summary
from beam_pipelines.scoring.summary.totals import Totals
from tests.helpers.summaries import FILES, INFO, block


def summarise(blocks: list[BlockStatistics], folder, order) -> Summary:
    """Writes the statistics of blocks in some order and sums them up."""
    names = [f"{index:05d}" for index in sorted(order)]
    for index in order:
        storage.write_json(str(folder), f"statistics/{index:05d}.json", blocks[index].to_json())
    read = (statistics for _, statistics in shards.read_statistics(str(folder), names))
    return job_summary.summarise(read, FILES, INFO)


def test_statistics_are_read_as_they_were_written():
    written = block(0, explained_gap_sum=1.5)
    assert BlockStatistics.from_json(json.loads(json.dumps(written.to_json()))) == written
    assert "explained_gap_sum" not in block(0).to_json()
    assert [*block(0).to_json()["best"][0]] == ["id", "file", "place", "score", "low", "high"]


def test_the_order_in_which_blocks_end_changes_nothing(tmp_path):
    blocks = [block(seed) for seed in range(20)]
    one = summarise(blocks, tmp_path / "one", range(20)).to_json()
    other = summarise(blocks, tmp_path / "other", np.random.default_rng(0).permutation(20)).to_json()
    assert json.dumps(one) == json.dumps(other)
    added = Totals(FILES)
    for index in reversed(range(20)):
        added.add(blocks[index])
    backwards = job_summary.summary_of(added, INFO).to_json()
    assert backwards.pop("score_mean") == pytest.approx(one.pop("score_mean"))
    assert backwards.pop("interval_width_mean") == pytest.approx(one.pop("interval_width_mean"))
    assert json.dumps(backwards) == json.dumps(one)


def test_sums_and_extremes_are_those_of_all_rows(tmp_path):
    blocks = [block(seed) for seed in range(20)]
    summed = summarise(blocks, tmp_path, range(20))
    assert (summed.rows_read, summed.rows_scored, summed.rows_rejected) == (240, 200, 40)
    assert summed.rejected_by_reason == {"bad": 40}
    assert summed.by_file["in/a.csv"] == {"rows_read": 120, "rows_scored": 100, "rows_rejected": 20}
    for name in totals.HISTOGRAMS[1:]:
        assert getattr(summed, name).counts == np.sum([getattr(one, name) for one in blocks], axis=0).tolist()
    assert summed.score_mean == pytest.approx(sum(one.score_sum for one in blocks) / 200)
    assert summed.interval_width_mean == pytest.approx(sum(one.interval_width_sum for one in blocks) / 200)
    order = {file.path: file.index for file in FILES}
    rows = [row for one in blocks for row in one.best]
    for name, rank in (
        ("best", lambda row: -row.score),
        ("worst", lambda row: row.score),
        ("least_certain", lambda row: row.low - row.high),
    ):
        expected = sorted(rows, key=lambda row: (rank(row), order[row.file], row.row_number))[:10]
        assert getattr(summed, name) == expected
    # The even blocks are of b.csv, the first of the files.
    assert [example.row_number for example in summed.reject_examples["bad"]] == [50, 51, 250]
    unknown = collections.Counter()
    for one in blocks:
        unknown.update(one.unknown_tokens)
    expected = sorted(unknown.items(), key=lambda item: (-item[1], item[0]))[: job_summary.SHOWN_TOKENS]
    assert list(summed.unknown_tokens.items()) == expected
    assert summed.tokens_without_id == unknown.total()
    assert (summed.mae, summed.rmse, summed.bias, summed.coverage) == (1.5, 2, -0.5, 0.5)
    assert (summed.batches, summed.rows_per_batch, summed.padding_waste) == (40, 5, 0.25)


def test_nothing_but_sums_is_added_up():
    """Offsets are numbers too."""
    added = Totals(FILES)
    for seed in range(20):
        added.add(block(seed))
    assert set(added.sums) == set(totals.SUMMED)
    assert not {"start", "end", "stored_bytes"} & set(added.sums)


def test_a_lost_row_is_an_error(tmp_path):
    with pytest.raises(RuntimeError, match=r"in/b.csv: rows read, scored and rejected do not add up"):
        summarise([block(0, rows_read=13, end=None)], tmp_path, [0])


@pytest.mark.parametrize(
    ("left_out", "message"),
    [
        (4, "the block that begins at 2 is missing"),
        (0, "the block that begins at 0 is missing"),
        (18, "the block that begins at 9 is missing"),
    ],
)
def test_a_lost_block_is_an_error(tmp_path, left_out, message):
    with pytest.raises(RuntimeError, match=f"in/b.csv: .*{message}"):
        summarise([block(seed) for seed in range(20)], tmp_path, [seed for seed in range(20) if seed != left_out])


def test_blocks_that_overlap_are_an_error():
    added = Totals(FILES)
    for start, end in ((0, 5), (3, 5), (5, None)):
        added.add(block(0, start=start, end=end))
    added.add(block(1, end=None))
    with pytest.raises(RuntimeError, match=r"in/b.csv: the blocks that begin at \[3\] overlap others"):
        added.check()


def test_memory_is_bounded_whatever_tokens_the_blocks_hold(monkeypatch):
    """A block alone may hold more tokens than are kept; the frequent ones outlive the rare."""
    monkeypatch.setattr(totals, "MOST_TOKENS", 300)
    added = Totals(FILES)
    for number in range(50):
        rare = {f"rare-{number}-{token}": 1 for token in range(350)}
        added.add(block(0, unknown_tokens={"often": 5, **rare}))
        assert len(added.unknown) == 150
    assert added.unknown["often"] == 250


def test_tokens_are_kept_up_to_the_limit(monkeypatch):
    monkeypatch.setattr(totals, "MOST_TOKENS", 300)
    added = Totals(FILES)
    added.add(block(0, unknown_tokens={f"token-{number}": 1 for number in range(300)}))
    assert len(added.unknown) == 300


def test_a_job_of_no_blocks_has_a_summary():
    empty = job_summary.summarise([], FILES, INFO)
    assert (empty.rows_read, empty.score_mean, empty.padding_waste, empty.drift) == (0, None, None, [])
    assert empty.score_histogram == [0] * 10
