"""Unrated rows give their texts, their places and what a teacher says."""

import numpy as np
import pyarrow as pa

from beam_pipelines.archive.blocks import Block
from beam_pipelines.archive.finding.input_files import InputFile
from beam_pipelines.archive.positions import Position
from beam_pipelines.archive.rejects import Reject
from beam_pipelines.artifacts.scale import Scale
from beam_pipelines.preparing.unrated_reviews import UnratedRules, unrated_reviews

FILES = (
    InputFile(3, "/data/a.csv", "csv", None, 100, name="a.csv"),
    InputFile(4, "/data/b.zip", "csv", None, 100, member="c.csv", member_number=2, name="b.zip:c.csv"),
)
RULES = UnratedRules(text_column="text", scale=Scale(0, 100), unrated_values=(0,))


def block(**columns: list) -> Block:
    """A block whose first row is in the first file, and all others in the second."""
    rows = pa.RecordBatch.from_pydict(columns)
    return Block(
        files=FILES,
        file_of_row=np.minimum(np.arange(rows.num_rows), 1),
        rows=rows,
        row_numbers=np.array([7, *range(2, 1 + rows.num_rows)], np.int64),
        extent=Position(3),
        next_extent=Position(5),
        rejects=[Reject("a.csv", 9, "broken_csv", "x")],
        unread_bytes=11,
    )


def test_texts_have_their_place_in_the_archive():
    found = unrated_reviews(block(text=["fine", "good", "bad"]), RULES)
    assert found.texts.to_pylist() == ["fine", "good", "bad"]
    assert found.places.tolist() == [[3, 0, 7], [4, 2, 2], [4, 2, 3]]
    assert found.ids == ["a.csv:7", "b.zip:c.csv:2", "b.zip:c.csv:3"]
    assert (found.split_keys, found.teachers) == (None, None)
    assert (found.extent, found.next_extent, found.unread_bytes) == (Position(3), Position(5), 11)
    assert (found.rows_read, [reject.reason for reject in found.rejects]) == (4, ["broken_csv"])


def test_rows_without_a_text_are_left_out():
    found = unrated_reviews(block(text=["fine", " ", None, "good"]), RULES)
    assert found.texts.to_pylist() == ["fine", "good"]
    assert found.places[:, 2].tolist() == [7, 4]
    assert found.skipped == {"empty_text": 1, "missing_text": 1}
    assert found.rows_read == 5


def test_a_row_has_its_own_name_where_it_has_one():
    rules = UnratedRules(text_column="text", scale=Scale(0, 100), id_column="key")
    found = unrated_reviews(block(text=["a", "b", "c"], key=[5, None, 6]), rules)
    assert found.ids == ["5", "b.zip:c.csv:2", "6"]


def test_what_a_teacher_says_in_vain_is_rejected():
    """But of no text, and no row without a teacher."""
    rules = UnratedRules(text_column="text", scale=Scale(0, 100), teacher_column="judge", unrated_values=(0,))
    judged = block(text=["a", "b", "c", "", "d", "e"], judge=["85", "good", "", "good", "101", "0"])
    found = unrated_reviews(judged, rules)
    assert (found.texts.to_pylist(), found.teachers) == (["a", "c", "e"], [{85: 1}, {}, {}])
    rejects = [(reject.file, reject.row_number, reject.reason) for reject in found.rejects[1:]]
    assert rejects == [
        ("/data/b.zip:c.csv", 2, "teacher_not_read"),
        ("/data/b.zip:c.csv", 5, "teacher_out_of_range"),
    ]
    assert found.skipped == {"empty_text": 1}
