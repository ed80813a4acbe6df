"""Blocks of texts, and scores of them with their intervals."""

import numpy as np
import pyarrow as pa

from beam_pipelines.archive.blocks import Block
from beam_pipelines.archive.finding.input_files import InputFile


def file_of(index: int, name: str, folder: str = "") -> InputFile:
    return InputFile(index, folder + name, "csv", None, 1, name=name)


def block_of(
    texts: list[str],
    *,
    files: tuple[InputFile, ...] = (file_of(0, "in.csv", "folder/"),),
    file_of_row: list[int] | None = None,
    first_row: int = 2,
    **columns,
) -> Block:
    """A block of one file, or of those that are given."""
    rows = pa.record_batch({"text": pa.array(texts, pa.string()), **columns})
    return Block(
        files=files,
        file_of_row=np.array([0] * len(texts) if file_of_row is None else file_of_row, np.int64),
        rows=rows,
        row_numbers=np.arange(first_row, first_row + len(texts)),
    )


def results_of(scores, widths) -> dict:
    scores, widths = np.array(scores, np.float32), np.array(widths, np.float32)
    return {"score": scores, "score_low": scores - widths / 2, "score_high": scores + widths / 2}
