"""Blocks of texts, and scores of them with their intervals."""

import numpy as np
import pyarrow as pa

from beam_pipelines.archive.blocks import Block
from beam_pipelines.archive.finding.input_files import InputFile


def block_of(texts: list[str], **columns) -> Block:
    rows = pa.record_batch({"text": texts, **columns})
    file = InputFile(0, "folder/in.csv", "csv", None, 1, name="in.csv")
    return Block(file, 0, None, rows, list(range(2, 2 + len(texts))), [])


def results_of(scores, widths) -> dict:
    scores, widths = np.array(scores, np.float32), np.array(widths, np.float32)
    return {"score": scores, "score_low": scores - widths / 2, "score_high": scores + widths / 2}
