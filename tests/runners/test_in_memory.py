"""What every engine is compared with is right itself: counted by hand of the archive, and of several shards."""

import pytest

from tests.helpers.engines import jobs
from tests.runners.conftest import UNRATED_ROWS

pytestmark = pytest.mark.runners
# Of eight files of 3,000 rows, five are CSV, with three broken rows each, and three JSON lines, with one each.
ROWS_READ = 8 * 3000 + 5 * 3 + 3 * 1
BROKEN = {"broken_json": 3, "invalid_utf8": 5, "open_quote": 5, "too_many_fields": 5}


def test_scores(scored_in_memory):
    summary = jobs.counts(scored_in_memory / "summary.json")
    assert summary["rows_read"] == ROWS_READ
    assert summary["rejected_by_reason"] == {**BROKEN, "empty_text": 8 * 30}
    assert summary["rows_scored"] == ROWS_READ - sum(summary["rejected_by_reason"].values())
    assert len(jobs.contents(scored_in_memory, "scores")) >= 2


def test_examples(prepared_in_memory):
    rows = jobs.counts(prepared_in_memory / "statistics.json")["rows"]
    assert rows["read"] == ROWS_READ
    # One row of each file has neither a score nor a text.
    assert rows["rejected_by_reason"] == {**BROKEN, "empty_text": 8 * 29}
    assert rows["skipped_by_reason"] == {"no_score": 8 * 57}
    assert rows["kept"] == ROWS_READ - rows["rejected"] - rows["skipped"]
    assert len(jobs.contents(prepared_in_memory, "train", "validation", "test")) >= 6


def test_unrated_examples(prepared_in_memory):
    """All that are rated are left out, of whichever split."""
    rows = jobs.counts(prepared_in_memory / "statistics.json")["unrated"]
    assert (rows["read"], rows["used"]) == (ROWS_READ, UNRATED_ROWS)
    assert rows["rejected_by_reason"] == BROKEN
    assert rows["left_out_by_reason"].keys() == {"beyond_unrated_rows", "empty_text", "rated"}
    assert rows["left_out_by_reason"]["empty_text"] == 8 * 30
    assert len(jobs.contents(prepared_in_memory, "unrated")) >= 2
