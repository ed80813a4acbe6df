"""Scores are read from a column or a title; what cannot be used leaves a trace."""

import collections

import numpy as np
import pyarrow as pa
import pytest

from beam_pipelines.archive.blocks import Block
from beam_pipelines.archive.finding.input_files import InputFile
from beam_pipelines.archive.positions import Position
from beam_pipelines.archive.rows.row_parsing import Notes
from beam_pipelines.preparing import reviews
from beam_pipelines.preparing.job import rating_rules
from beam_pipelines.preparing.settings import PreprocessSettings

NAMES = ["reviews.csv", "more.csv"]
FILES = tuple(InputFile(index, f"/data/{name}", "csv", None, 100, name=name) for index, name in enumerate(NAMES))


def block(**columns: list) -> Block:
    """A block whose first row is in the first file, and all others in the second."""
    rows = pa.RecordBatch.from_pydict(columns)
    numbers = [2, *range(2, 1 + rows.num_rows)]
    return Block(
        files=FILES,
        file_of_row=np.minimum(np.arange(rows.num_rows), 1),
        rows=rows,
        row_numbers=np.array(numbers, np.int64),
        extent=Position(0, 0, 7),
        next_extent=Position(2),
        unread_bytes=11,
        notes=Notes(files=["reviews.csv is odd"], remarks=collections.Counter(odd=1)),
    )


def rules(**given) -> reviews.RatingRules:
    """Those of a command with these flags."""
    return rating_rules(PreprocessSettings(input=("x",), output="out", text_column="text", **given))


def rated(score, **given) -> reviews.Reviews:
    return reviews.rated_reviews(block(text=["fine"], score=[score]), rules(score_column="score", **given))


@pytest.mark.parametrize(
    ("raw", "expected"), [("85", 85), (" 8.5 ", 8.5), ("1e1", 10), ("0", 0), ("100", 100), (70, 70), (7.25, 7.25)]
)
def test_a_score_is_read(raw, expected):
    found = rated(raw)
    assert found.scores.tolist() == [expected]
    assert found.ids == ["reviews.csv:2"]
    assert found.texts.to_pylist() == ["fine"]


@pytest.mark.parametrize("raw", ["", "  ", None, "nan", "N/A", "NULL", r"\N", float("nan")])
def test_a_row_without_a_score_is_skipped_and_counted(raw):
    found = rated(raw)
    assert (found.ids, found.rejects, found.skipped) == ([], [], {"no_score": 1})


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("inf", "score_not_a_number"),
        ("85%", "score_not_a_number"),
        (True, "score_not_a_number"),
        (float("-inf"), "score_not_a_number"),
        ("-0.1", "score_out_of_range"),
        ("100.5", "score_out_of_range"),
    ],
)
def test_a_score_that_is_none_is_rejected(raw, reason):
    found = rated(raw)
    assert found.ids == []
    assert [(r.file, r.row_number, r.reason) for r in found.rejects] == [("/data/reviews.csv", 2, reason)]
    assert '"fine"' in found.rejects[0].raw


@pytest.mark.parametrize(("text", "reason"), [("", "empty_text"), (" \n\t", "empty_text"), (None, "missing_text")])
def test_a_rated_row_without_text_is_rejected(text, reason):
    both = block(text=[text, "fine"], score=["1", "2"])
    found = reviews.rated_reviews(both, rules(score_column="score"))
    assert [r.reason for r in found.rejects] == [reason]
    assert found.scores.tolist() == [2]


@pytest.mark.parametrize(
    ("title", "score", "group"),
    [
        ("Band - Album - 85%", 85, "Band - Album"),
        ("Live at 100% - 7%", 7, "Live at 100%"),
        ("Band - 90% (again)", 90, "Band"),
    ],
)
def test_a_title_holds_the_score_and_a_column(title, score, group):
    found = reviews.rated_reviews(block(text=["fine"], name=[title]), rules(title_column="name", split_column="title"))
    assert found.scores.tolist() == [score]
    assert found.split_keys == [group]


@pytest.mark.parametrize("title", ["Band - Album", "", None, "Band - x%"])
def test_a_title_without_a_score_is_skipped(title):
    found = reviews.rated_reviews(block(text=["fine"], name=pa.array([title], pa.string())), rules(title_column="name"))
    assert (found.ids, found.skipped) == ([], {"title_without_score": 1})


def test_a_title_with_an_impossible_score_is_rejected():
    found = reviews.rated_reviews(block(text=["fine"], name=["Band - 150%"]), rules(title_column="name"))
    assert [r.reason for r in found.rejects] == ["score_out_of_range"]


def test_named_groups_become_columns_and_the_last_group_is_the_score():
    given = rules(
        title_column="name", score_pattern=r"(?P<album>.*) - (?P<score>\d+)/10", score_max=10, split_column="album"
    )
    found = reviews.rated_reviews(block(text=["fine"], name=["An Album - 7/10"]), given)
    assert (found.scores.tolist(), found.split_keys) == ([7], ["An Album"])


def test_ids_and_split_keys_come_from_their_columns():
    given = rules(score_column="score", id_column="key", split_column="album")
    found = reviews.rated_reviews(block(text=["a", "b"], score=[1, 2], key=[5, None], album=["x", "y"]), given)
    assert (found.ids, found.split_keys) == (["5", ""], ["x", "y"])
    assert found.scores.dtype == np.float32


def test_rows_are_named_and_rejected_by_their_own_file():
    both = block(text=["fine", "good", ""], score=["1", "2", "3"])
    found = reviews.rated_reviews(both, rules(score_column="score"))
    assert found.ids == ["reviews.csv:2", "more.csv:2"]
    assert [(r.file, r.row_number) for r in found.rejects] == [("/data/more.csv", 3)]


def test_what_is_known_of_the_block_is_handed_on():
    found = rated("x")
    assert (found.extent, found.next_extent) == (Position(0, 0, 7), Position(2))
    assert (found.notes, found.unread_bytes, found.rows_read) == (["reviews.csv is odd"], 11, 1)
    assert found.remarks["odd"] == 1
    assert found.remarks.total() == 2
