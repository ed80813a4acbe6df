"""Makes the rated reviews of a block."""

import collections

import numpy as np
import pyarrow as pa

from beam_pipelines.archive.positions import Position
from beam_pipelines.preparing.reviews import Reviews


def rated(
    block: str, texts: list[str], *, scores: list[float] | None = None, split_keys: list[str] | None = None
) -> Reviews:
    """The reviews of some texts, named by the block and the row; with a score of 50 each where none are given."""
    return Reviews(
        extent=Position(),
        next_extent=None,
        rejects=[],
        texts=pa.array(texts, pa.string()),
        scores=np.array([50] * len(texts) if scores is None else scores, np.float32),
        ids=[f"{block}-{row}" for row in range(len(texts))],
        split_keys=split_keys,
        skipped=collections.Counter(),
    )
