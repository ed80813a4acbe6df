"""The CNN in its folded form, compiled: no padding, no multiplication in a window, all cores.

`trainer.folding` says why it gives the same scores; `beam_pipelines.scoring.scorer` proves it for every job.
"""

import concurrent.futures
import os

import numba
import numpy as np

# A thread takes this many reviews at a time: enough to forget its start, few enough to share out.
CHUNK = 64


class CompiledCnn:
    """Scores token ids with a folded CNN.

    Args:
      folded: What `trainer.folding.fold` returned, as arrays.
    """

    def __init__(self, folded: dict[str, np.ndarray]):
        self._folded = folded
        self._pool = concurrent.futures.ThreadPoolExecutor(os.cpu_count())

    def score(self, ids: np.ndarray, lengths: np.ndarray) -> np.ndarray:
        """Scores reviews.

        Args:
          ids: int64 [tokens of all], review after review.
          lengths: int64 [batch], the tokens of each, at least one.

        Returns:
          float32 [batch], in about [0, 1].
        """
        starts = np.cumsum(lengths) - lengths
        highest = np.empty((len(lengths), len(self._folded["bias"])), np.float32)
        lowest = np.empty_like(highest)

        def pool(first: int) -> None:
            part = slice(first, first + CHUNK)
            _pool(
                ids,
                starts[part],
                lengths[part],
                self._folded["tables"],
                self._folded["bias"],
                highest[part],
                lowest[part],
            )

        list(self._pool.map(pool, range(0, len(lengths), CHUNK)))
        # The rectifier keeps order and the normalisation keeps or turns it, so both can wait for the pooling.
        slope = self._folded["slope"]
        pooled = slope * np.maximum(np.where(slope >= 0, highest, lowest), 0) + self._folded["shift"]
        return pooled @ self._folded["weights"] + self._folded["constant"]


def _compiled(function):
    """Compiles once for all jobs, or for each where no folder can be written for the result."""
    try:
        return numba.njit(nogil=True, cache=True)(function)
    except RuntimeError:
        return numba.njit(nogil=True)(function)


@_compiled
def _pool(ids, starts, lengths, tables, bias, highest, lowest):
    """The highest and lowest sum over a review's windows, float32 [batch, filters] each, by filter."""
    width, _, filters = tables.shape
    window = np.empty(filters, np.float32)
    for row in range(len(starts)):
        high, low = highest[row], lowest[row]
        high[:] = -np.inf
        low[:] = np.inf
        end = starts[row] + lengths[row]
        for token in range(starts[row], end):
            window[:] = bias
            for place in range(min(width, end - token)):
                summand = tables[place, ids[token + place]]
                for index in range(filters):
                    window[index] += summand[index]
            for index in range(filters):
                high[index] = max(high[index], window[index])
                low[index] = min(low[index], window[index])
