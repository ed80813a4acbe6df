"""What stands for nothing becomes a null where it says something of the review."""

import pyarrow as pa
import pytest

from beam_pipelines.archive.null_values import read_nulls
from beam_pipelines.archive.read_options import ReadOptions
from beam_pipelines.archive.rows.text_format import TextFormat


def read(columns: dict, *null_values: str) -> dict:
    options = ReadOptions(
        columns=tuple(columns), text_format=TextFormat(null_values=null_values), nullable=("text", "score")
    )
    return read_nulls(pa.RecordBatch.from_pydict(columns), options).to_pydict()


@pytest.mark.parametrize(
    ("null_values", "texts"),
    [
        ((r"\N",), [None, "NULL", "a text that is longer", "", None]),
        ((r"\N", "NULL"), [None, None, "a text that is longer", "", None]),
        ((), [r"\N", "NULL", "a text that is longer", "", None]),
    ],
)
def test_a_null_value_is_the_whole_text(null_values, texts):
    columns = {"text": [r"\N", "NULL", "a text that is longer", "", None], "band": [r"\N", "NULL", "a", "b", "c"]}
    columns["score"] = columns["text"]
    assert read(columns, *null_values) == {"text": texts, "band": columns["band"], "score": texts}


def test_numbers_have_no_null_values():
    assert read({"text": ["a", "b"], "score": [1.5, None]}, "1.5") == {"text": ["a", "b"], "score": [1.5, None]}
