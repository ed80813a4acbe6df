"""The CNN's windows in folded form, compiled: no padding, no multiplication, all cores.

`trainer.folding` says why it gives the same scores; `beam_pipelines.scoring.scorer` proves it for every job.
"""

import numpy as np

from beam_pipelines import compiling
from beam_pipelines.compiling import compiled

# A thread takes about so many tokens at a time: enough to forget its start, few enough to share out.
PART_TOKENS = 1 << 14
# Rounding adds up along a sum in float32: it is taken in runs of this many tokens, then in float64.
RUN = 64


class CompiledCnn:
    """Pools the windows of token ids.

    Args:
      table: float32 [vocab, columns], see `trainer.folding.fold`.
      widths: int64 [filters], ascending.
      bias: float32 [filters].
    """

    def __init__(self, table: np.ndarray, widths: np.ndarray, bias: np.ndarray):
        self._table, self._bias = table, bias
        # At each place in a window, the first filter that reaches it, and the place's first column.
        self._first = np.searchsorted(widths, np.arange(widths.max()), side="right")
        self._column = np.concatenate([[0], np.cumsum(len(widths) - self._first)])

    def pool(self, ids: np.ndarray, starts: np.ndarray, lengths: np.ndarray) -> tuple[np.ndarray, ...]:
        """Pools reviews.

        Args:
          ids: int [tokens].
          starts: int64 [batch], where each review's ids begin.
          lengths: int64 [batch], how many they are, at least one.

        Returns:
          What `trainer.folding.finish` takes: the highest and the lowest windows and the mean of the
          rectified ones, float32 [batch, filters], and the sums, float32 [batch, columns].
        """
        highest, lowest, mean = np.empty((3, len(lengths), len(self._bias)), np.float32)
        sums = np.empty((len(lengths), self._table.shape[1] - self._column[-1]), np.float32)

        def pool(part: slice) -> None:
            windows = (self._table, self._first, self._column, self._bias)
            _pool(ids, starts[part], lengths[part], *windows, highest[part], lowest[part], mean[part], sums[part])

        compiling.on_all_cores(pool, compiling.parts_of(lengths, PART_TOKENS))
        return highest, lowest, mean, sums


@compiled
def _pool(ids, starts, lengths, table, first, column, bias, highest, lowest, mean, sums):
    filters = len(bias)
    window, total, summed = np.empty(filters, np.float32), np.empty(filters, np.float32), np.empty_like(sums[0])
    totals, summeds = np.empty(filters), np.empty(sums.shape[1])
    for row in range(len(starts)):
        high, low = highest[row], lowest[row]
        high[:] = -np.inf
        low[:] = np.inf
        total[:] = 0
        summed[:] = 0
        totals[:] = 0
        summeds[:] = 0
        end = starts[row] + lengths[row]
        for token in range(starts[row], end):
            window[:] = bias
            for place in range(min(len(first), end - token)):
                summand = table[ids[token + place], column[place] : column[place + 1]]
                reached = window[first[place] :]
                for index in range(len(summand)):
                    reached[index] += summand[index]
            for index in range(filters):
                high[index] = max(high[index], window[index])
                low[index] = min(low[index], window[index])
                total[index] += max(window[index], np.float32(0))
            summand = table[ids[token], column[-1] :]
            for index in range(len(summed)):
                summed[index] += summand[index]
            if (token + 1 - starts[row]) % RUN == 0 or token + 1 == end:
                totals += total
                summeds += summed
                total[:] = 0
                summed[:] = 0
        mean[row] = totals / lengths[row]
        sums[row] = summeds
