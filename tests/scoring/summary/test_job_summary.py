"""A run is told in rates and seconds, and the summary is written with them and with the folder's manifest."""

import json

import pytest

from beam_pipelines.scoring.summary import job_summary
from beam_pipelines.scoring.summary.job_summary import RunMetrics
from tests.helpers.summaries import FILES, INFO, block

COUNTS = {"rows_scored": 90, "rows_rejected": 10, "text_bytes": 3_000_000}


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
    files = FILES[:1]
    summed = job_summary.summarise([block(0, end=None)], files, INFO)
    run = RunMetrics.of(COUNTS, {}, 1.0)
    job_summary.write(str(tmp_path), summed, run, {"command": "beam_pipelines.score", "outputs": []})
    written = json.loads((tmp_path / "summary.json").read_text())
    assert [*written][:4] == ["rows_read", "rows_scored", "rows_rejected", "rejected_by_reason"]
    assert [*written][-3:] == ["this_run", "command", "outputs"]
    assert (written["rows_read"], written["this_run"]["rows_scored"]) == (12, 90)
    assert job_summary.Summary.from_json(written) == summed
