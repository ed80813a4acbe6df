"""A job ends where more of an archive is rejected than it allows, and says of which."""

import collections
import types

import pytest

from beam_pipelines.errors import UserError
from beam_pipelines.preparing import rejected_share
from beam_pipelines.preparing.row_counts import RowCounts

DAMAGED = RowCounts(
    read=100,
    rejected=collections.Counter(damaged_file=1, empty_text=1),
    damaged={"a.gz": "cut short"},
    unread_bytes=500,
)


def job_of(allowed: float, damaged_files: str = "stop") -> types.SimpleNamespace:
    settings = types.SimpleNamespace(max_rejected_share=allowed, damaged_files=damaged_files, output="out")
    return types.SimpleNamespace(settings=settings)


def test_whose_rows_they_are_is_told():
    rows = RowCounts(read=50, rejected=collections.Counter(empty_text=2))
    rejected_share.check(rows, job_of(0.04), 1000)
    with pytest.raises(UserError, match=r"^4\.0% of the rows were rejected, most often for empty_text \(2\); see out"):
        rejected_share.check(rows, job_of(0.039), 1000)
    with pytest.raises(UserError, match=r"^4\.0% of the rows of --unrated were rejected"):
        rejected_share.check(rows, job_of(0.039), 1000, of=" of --unrated")


def test_what_is_damaged_counts_where_it_may_be_rejected():
    rejected_share.check(DAMAGED, job_of(0.01), 1000)
    # Half of the bytes, and of the other half two rows of a hundred.
    rejected_share.check(DAMAGED, job_of(0.511, "reject"), 1000)
    with pytest.raises(UserError, match=r"^51\.0% of the rows were rejected, .*50\.0% of the archive cannot be read"):
        rejected_share.check(DAMAGED, job_of(0.509, "reject"), 1000)
