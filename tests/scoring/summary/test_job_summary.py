"""A run is told in rates and seconds, and the summary is written with them and with the folder's manifest."""

import dataclasses
import json

import pytest

from beam_pipelines.scoring.summary import job_summary
from beam_pipelines.scoring.summary.job_summary import RunMetrics
from beam_pipelines.scoring.summary.job_totals import JobTotals
from beam_pipelines.scoring.summary.statistics import Statistics
from tests.helpers.summaries import FILES, INFO, statistics_of

COUNTS = {"rows_scored": 90, "rows_rejected": 10, "text_bytes": 3_000_000}
TOTALS = JobTotals(first=0, files=2, extents=1, gap=None, statistics=statistics_of(0))
BY_FILE = {"in/a.csv": {"rows_read": 12, "rows_scored": 10, "rows_rejected": 2}}


def test_a_run_is_told_in_rows_rates_and_seconds_by_stage():
    assert RunMetrics.of(COUNTS, {"run": 1.234567}, 4.0).to_json() == {
        "rows_scored": 90,
        "rows_rejected": 10,
        "seconds": 4.0,
        "rows_per_second": 25.0,
        "mb_per_second": 0.75,
        "seconds_by_stage": {"run": 1.235},
    }


@pytest.mark.parametrize("seconds", [0.0, 5.0])
def test_a_runner_that_keeps_no_counters_leaves_nothing_to_tell(seconds):
    metrics = RunMetrics.of({}, {}, seconds)
    assert (metrics.rows_scored, metrics.rows_per_second, metrics.mb_per_second) == (0, 0, 0)


def test_the_file_holds_the_summary_the_run_and_the_manifest(tmp_path):
    summed = job_summary.summarise(TOTALS, BY_FILE, FILES, INFO)
    run = RunMetrics.of(COUNTS, {}, 1.0)
    job_summary.write(str(tmp_path), summed, run, {"command": "beam_pipelines.score", "outputs": []})
    written = json.loads((tmp_path / "summary.json").read_text())
    assert [*written][:4] == ["rows_read", "rows_scored", "rows_rejected", "rejected_by_reason"]
    assert [*written][-3:] == ["this_run", "command", "outputs"]
    assert (written["rows_read"], written["this_run"]["rows_scored"]) == (12, 90)
    assert job_summary.Summary.from_json(written) == summed
    assert summed.by_file == BY_FILE


def test_means_and_shares_are_those_of_the_sums():
    summed = job_summary.summarise(TOTALS, BY_FILE, FILES, INFO)
    sums = TOTALS.statistics
    assert (summed.score_mean, summed.interval_width_mean) == (sums.score_sum / 10, sums.interval_width_sum / 10)
    assert (summed.mae, summed.rmse, summed.bias, summed.coverage) == (1.5, 2, -0.5, 0.5)
    assert (summed.batches, summed.rows_per_batch, summed.padding_waste) == (2, 5, 0.25)
    assert summed.tokens_histogram.counts == sums.tokens_histogram
    assert len(summed.unknown_tokens) == 50


def test_files_that_are_damaged_are_told():
    statistics = statistics_of(0, damaged={"in/a.csv": "damaged behind byte 7"}, unread_bytes=5)
    summed = job_summary.summarise(dataclasses.replace(TOTALS, statistics=statistics), {}, FILES, INFO)
    assert (summed.damaged, summed.unread_bytes) == ({"in/a.csv": "damaged behind byte 7"}, 5)


def test_a_lost_row_is_an_error():
    lost = dataclasses.replace(TOTALS, statistics=statistics_of(0, rows_read=13))
    with pytest.raises(RuntimeError, match="13 rows read, 10 scored and 2 rejected"):
        job_summary.summarise(lost, BY_FILE, FILES, INFO)


@pytest.mark.parametrize(
    ("gap", "told"),
    [([1, 0, 7], r"in/b.csv: no extent begins, or one too many, at \[0, 7\]"), ([2, 0, 0], "the end of the archive: ")],
)
def test_a_lost_extent_is_an_error(gap, told):
    with pytest.raises(RuntimeError, match=told):
        job_summary.summarise(dataclasses.replace(TOTALS, gap=gap), BY_FILE, FILES, INFO)


def test_an_extent_that_counts_twice_is_an_error_that_another_run_mends():
    with pytest.raises(
        RuntimeError, match=r"in/b.csv: the extent at \[0, 7\] was counted twice; --resume adds up anew"
    ):
        job_summary.summarise(dataclasses.replace(TOTALS, doubled=[1, 0, 7]), BY_FILE, FILES, INFO)


def test_a_job_without_a_row_has_a_summary():
    empty = Statistics(score_histogram=[0] * 10, tokens_histogram=[0] * 29, known_share_histogram=[0] * 20)
    summed = job_summary.summarise(JobTotals(first=0, files=2, extents=1, gap=None, statistics=empty), {}, FILES, INFO)
    assert (summed.rows_read, summed.score_mean, summed.padding_waste, summed.drift) == (0, None, None, [])
    assert (summed.mae, summed.rmse, summed.rows_with_true_score) == (None, None, 0)
