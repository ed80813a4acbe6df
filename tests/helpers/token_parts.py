"""Writes counts of tokens as the first reading of preprocess leaves them."""

import pathlib

import numpy as np
import pyarrow as pa

from beam_pipelines.preparing import parts, token_counts


def write_counts(folder: pathlib.Path, counts: dict[str, int], *, most: int | None = None, number: int = 16) -> None:
    """Writes them in so many parts, each of all its tokens or of the most frequent ones, and the totals."""
    tokens = [token.encode() for token in counts]
    batch = pa.record_batch({"token": pa.array(tokens, pa.binary()), "count": pa.array(counts.values(), pa.int64())})
    hashes = np.array([sum(token) for token in tokens], np.uint64)
    written = [
        token_counts.write_counts(part, folder=str(folder), most=most) for part in parts.cut(batch, hashes, number)
    ]
    token_counts.write_totals(token_counts.sum_totals(written), folder=str(folder))
