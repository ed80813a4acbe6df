"""What a phase leaves is read by the next one, or its lack is told."""

import collections
import types

import pytest

from beam_pipelines.errors import UserError
from beam_pipelines.preparing import phase_files
from beam_pipelines.preparing.row_counts import RowCounts

JOB = types.SimpleNamespace(folder="out")


def test_counts_are_read_as_they_were_written(tmp_path):
    rows = RowCounts(read=3, rated=2, rejected=collections.Counter(empty_text=1))
    phase_files.write(rows, folder=str(tmp_path), name=phase_files.ROWS)
    assert phase_files.read(JOB, str(tmp_path), phase_files.ROWS, RowCounts.from_json, "count") == rows


def test_a_phase_that_has_not_ended_is_named(tmp_path):
    with pytest.raises(UserError, match="--output out holds no end of --phase count: run that first, or wait for it"):
        phase_files.read(JOB, str(tmp_path), phase_files.ROWS, RowCounts.from_json, "count")
