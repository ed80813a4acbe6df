"""Makes the reviews of a split as an evaluation leaves them."""

import numpy as np

from trainer.judging.evaluation import ScoredSplit


def scored_split(truths: list[float], outputs: list[float], hashes: list[int] | None = None) -> ScoredSplit:
    """Reviews of three tokens each, all in the sample, with one output; by default every second one calibrates."""
    rows = len(truths)
    return ScoredSplit(
        names=np.array([b"r%d" % row for row in range(rows)], object),
        hashes=np.arange(rows) if hashes is None else np.array(hashes),
        lengths=np.full(rows, 3),
        truths=np.array(truths, float),
        outputs=np.array(outputs, np.float32).reshape(-1, 1),
        sample=np.arange(rows),
        tokens=[np.array([2, 3, 2], np.int32)] * rows,
    )
