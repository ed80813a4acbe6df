"""Rows of a block are named, counted and rejected by the file that each stands in."""

import numpy as np
import pyarrow as pa

from beam_pipelines.archive.blocks import Block
from beam_pipelines.archive.finding.input_files import InputFile
from beam_pipelines.archive.finding.zip_and_tar import Container
from beam_pipelines.archive.rejects import Reject

FIRST = InputFile(3, "/data/a.csv", "csv", None, 1000, name="a.csv")
SECOND = InputFile(
    4, "/data/b.zip", "csv", None, 9, member="c.csv", member_number=2, container=Container("zip"), name="b.zip:c.csv"
)
EARLIER = Reject("/data/a.csv", 15, "too_few_fields", "x", (3, 0))


def block(texts: list[str | None], rejects=(), *, in_first: int | None = None) -> Block:
    """A block whose first rows stand in the first file, and the others in the second."""
    count = len(texts)
    in_first = count if in_first is None else in_first
    numbers = np.arange(count)
    return Block(
        files=(FIRST, SECOND),
        file_of_row=np.where(numbers < in_first, 0, 1),
        rows=pa.record_batch({"text": pa.array(texts, pa.string()), "n": pa.array(range(count), pa.int64())}),
        row_numbers=np.where(numbers < in_first, 10 * (numbers + 1), numbers - in_first + 2),
        rejects=list(rejects),
    )


def test_rows_are_named_by_their_file_and_their_line():
    assert block(["a", "b", "c", "d"], in_first=2).row_names == [
        "a.csv:10",
        "a.csv:20",
        "b.zip:c.csv:2",
        "b.zip:c.csv:3",
    ]


def test_rows_and_rejects_are_counted_by_file():
    other = Reject("/data/b.zip:c.csv", 7, "open_quote", '"', (4, 2))
    assert block(["a", "b", "c"], [EARLIER, other, other], in_first=1).count_by_file() == {
        "/data/a.csv": (1, 1),
        "/data/b.zip:c.csv": (2, 2),
    }
    assert block([]).count_by_file() == {"/data/a.csv": (0, 0), "/data/b.zip:c.csv": (0, 0)}


def test_reject_moves_rows_and_loses_none():
    before = block(["a", "", "c", None, "e"], [EARLIER], in_first=3)
    after = before.reject({3: "missing_text", 1: "empty_text"})
    assert after.rows.to_pydict() == {"text": ["a", "c", "e"], "n": [0, 2, 4]}
    assert after.row_numbers.tolist() == [10, 30, 3]
    assert after.row_names == ["a.csv:10", "a.csv:30", "b.zip:c.csv:3"]
    assert after.rejects == [
        EARLIER,
        Reject("/data/b.zip:c.csv", 2, "missing_text", '{"text": null, "n": 3}', (4, 2)),
        Reject("/data/a.csv", 20, "empty_text", '{"text": "", "n": 1}', (3, 0)),
    ]
    assert before.rows_read == after.rows_read == 6
    assert before.row_numbers.tolist() == [10, 20, 30, 2, 3]


def test_rejected_makes_the_rejects_that_reject_would():
    before = block(["a", "", "c", None], [EARLIER])
    reasons = {3: "missing_text", 1: "empty_text"}
    assert before.rejected(reasons) == before.reject(reasons).rejects
    assert before.rejected({}) == before.rejects == [EARLIER]


def test_reject_of_every_row_keeps_the_columns():
    after = block(["a", "b"], in_first=1).reject({0: "x", 1: "x"})
    assert after.rows.num_rows == 0
    assert after.rows.schema == block(["a"]).rows.schema
    assert after.row_names == []


def test_reject_of_nothing_is_the_same_block():
    before = block(["a"])
    assert before.reject({}) is before
