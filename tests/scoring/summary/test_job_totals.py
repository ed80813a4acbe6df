"""The extents of a job add up to its totals in any order, and one that is missing or twice there is told."""

import dataclasses

import apache_beam as beam
import pyarrow.parquet as pq
import pytest
from apache_beam.testing.util import assert_that, equal_to

from beam_pipelines.archive.positions import Position
from beam_pipelines.scoring.summary import job_totals
from beam_pipelines.scoring.summary.finished_extent import FileRows
from beam_pipelines.scoring.summary.job_totals import JobTotals, SumExtents
from tests.helpers.summaries import extent_of

EXTENTS = [extent_of(seed) for seed in range(20)]


def summed(*bundles: list) -> JobTotals:
    """The totals of extents, as a runner sums them up that has them in some bundles."""
    step = SumExtents(0, 2)
    sums = []
    for bundle in bundles:
        total = step.create_accumulator()
        for extent in bundle:
            total = step.add_input(total, extent)
        sums.append(step.compact(total))
    return step.extract_output(step.merge_accumulators(sums))


def test_all_extents_in_any_bundles_are_the_whole_archive(monkeypatch):
    monkeypatch.setattr(job_totals, "MOST_TOKENS", 200)
    whole = summed(EXTENTS)
    assert (whole.extents, whole.gap, whole.statistics.rows_read) == (20, None, 240)
    assert summed(EXTENTS[12:], EXTENTS[3:12][::-1], [], EXTENTS[:3]) == whole
    assert summed(*([extent] for extent in reversed(EXTENTS))) == whole
    assert len(whole.statistics.unknown_tokens) == 200


@pytest.mark.parametrize("missing", [0, 9, 10, 19])
def test_where_an_extent_is_missing_is_told(missing):
    left = [extent for seed, extent in enumerate(EXTENTS) if seed != missing]
    assert summed(left[:5], left[5:]).gap == EXTENTS[missing].begin


def test_an_extent_that_others_reach_beyond_is_told():
    long = extent_of(3, next=EXTENTS[6].begin)
    assert summed([*EXTENTS[:3], long, *EXTENTS[4:]]).gap == EXTENTS[4].begin


def test_where_nothing_was_read_all_is_missing():
    assert summed([]).gap == [0, 0, 0]


def test_a_file_without_a_row_has_an_extent():
    """Which ends where it begins, but for the index of the file."""
    assert job_totals.find_gap({Position(0): Position(1), Position(1): Position(2)}, Position(0), Position(2)) is None


@pytest.mark.parametrize("bundles", [[[*EXTENTS, EXTENTS[3]]], [EXTENTS, EXTENTS[3:4]]])
def test_an_extent_that_is_summed_twice_is_told(bundles):
    """In one bundle or in two: its rows count double in either."""
    assert summed(*bundles).doubled == EXTENTS[3].begin
    assert summed(EXTENTS).doubled is None


def rounds() -> list[JobTotals]:
    """The totals of the first file, and of the second one which was added later."""
    return [
        sum_of(SumExtents(0, 1), EXTENTS[:10]),
        sum_of(SumExtents(1, 2), EXTENTS[10:]),
    ]


def sum_of(step: SumExtents, extents: list) -> JobTotals:
    total = step.create_accumulator()
    for extent in extents:
        total = step.add_input(total, extent)
    return step.extract_output(total)


def test_totals_are_read_as_they_were_written(tmp_path):
    assert job_totals.read_totals(str(tmp_path)) == []
    for totals in reversed(rounds()):
        job_totals.write_totals(totals, str(tmp_path))
    assert job_totals.read_totals(str(tmp_path)) == rounds()
    job_totals.forget(str(tmp_path), 1)
    assert job_totals.read_totals(str(tmp_path)) == rounds()[:1]
    job_totals.forget(str(tmp_path), 0)
    assert job_totals.read_totals(str(tmp_path)) == []


def test_the_totals_of_rounds_are_those_of_the_whole():
    """But for the rarer tokens, of which each round keeps the most frequent."""
    whole, found = summed(EXTENTS), job_totals.together(rounds(), 2)
    assert (found.first, found.files, found.extents, found.gap, found.doubled) == (0, 2, 20, None, None)
    without_tokens = [
        dataclasses.replace(totals.statistics, unknown_tokens={}, score_sum=0, interval_width_sum=0)
        for totals in (whole, found)
    ]
    assert without_tokens[0] == without_tokens[1]
    # Each round has rounded its own sum.
    assert found.statistics.score_sum == pytest.approx(whole.statistics.score_sum, rel=1e-15)


def test_rounds_that_do_not_follow_each_other_are_not_the_whole():
    first, second = rounds()
    assert job_totals.together([], 2) is None
    assert job_totals.together([first], 2) is None
    assert job_totals.together([second], 2) is None
    assert job_totals.together([first, second], 3) is None
    assert job_totals.together([first], 1).statistics.rows_read == 120


def test_what_a_round_lacks_or_has_twice_the_whole_does():
    first, _ = rounds()
    lacking = sum_of(SumExtents(1, 2), [*EXTENTS[10:14], *EXTENTS[15:]])
    assert job_totals.together([first, lacking], 2).gap == EXTENTS[14].begin
    doubled = sum_of(SumExtents(1, 2), [*EXTENTS[10:], EXTENTS[14]])
    assert job_totals.together([first, doubled], 2).doubled == EXTENTS[14].begin


def rows_of(index: int, scored: int, rejected: int, member: int = 0) -> FileRows:
    return FileRows(f"{index:05d}.zip:{member}", [index, member], scored, rejected)


def test_rows_are_counted_by_file_over_extents_and_groups_of_files(tmp_path):
    """In the order of the archive, members as they lie in theirs, and as Parquet of four columns."""
    extents = [
        extent_of(0, files=[rows_of(9000, 1, 0)]),
        extent_of(1, files=[rows_of(3, 2, 1, member=10), rows_of(3, 1, 1, member=9), rows_of(4096, 5, 0)]),
        extent_of(2, files=[rows_of(3, 4, 0, member=10)]),
    ]
    with beam.Pipeline(runner="FnApiRunner") as root:
        written = (
            root
            | beam.Create(extents)
            | beam.FlatMap(job_totals.by_part)
            | beam.CombinePerKey(job_totals.sum_files)
            | beam.GroupBy(lambda part: None)
            | beam.Values()
            | beam.Map(job_totals.write_by_file, str(tmp_path), 0)
        )
        assert_that(written, equal_to([None]))
    expected = {
        "00003.zip:9": {"rows_read": 2, "rows_scored": 1, "rows_rejected": 1},
        "00003.zip:10": {"rows_read": 7, "rows_scored": 6, "rows_rejected": 1},
        "04096.zip:0": {"rows_read": 5, "rows_scored": 5, "rows_rejected": 0},
        "09000.zip:0": {"rows_read": 1, "rows_scored": 1, "rows_rejected": 0},
    }
    found = job_totals.read_by_file(str(tmp_path), [summed(EXTENTS)])
    assert found == expected
    assert [*found] == [*expected]
    table = pq.read_table(tmp_path / "by_file/000000.parquet")
    assert table.column_names == ["file", "rows_read", "rows_scored", "rows_rejected"]


def test_files_are_grouped_so_that_no_element_holds_all():
    extent = extent_of(0, files=[rows_of(index, 1, 0) for index in (0, 4095, 4096, 8192)])
    parts = dict(job_totals.by_part(extent))
    assert {part: [file.position[0] for file in files] for part, files in parts.items()} == {
        0: [0, 4095],
        1: [4096],
        2: [8192],
    }
