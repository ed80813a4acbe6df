"""The CNN's windows in folded form, compiled: no padding, no multiplication, all cores.

`trainer.folding` says why it gives the same scores; `beam_pipelines.scoring.scorer` proves it for every job.
"""

import numpy as np

from beam_pipelines import compiling
from beam_pipelines.compiling import compiled, prefetch

# A thread takes about so many tokens at a time: enough to forget its start, few enough to share out.
PART_TOKENS = 1 << 14
# Rounding adds up along a sum in float32: it is taken in runs of this many tokens, then in float64.
RUN = 64
# Rare tokens' rows come from memory, which takes as long as some tokens' work: they are asked for so many
# tokens before they are needed, a cache line of so many numbers after the other.
AHEAD, LINE = 12, 16


class CompiledCnn:
    """Pools the windows of token ids.

    Args:
      table: float32 [vocab, columns], see `trainer.folding.fold`.
      widths: int64 [filters], ascending.
    """

    def __init__(self, table: np.ndarray, widths: np.ndarray):
        self._table, self._filters = table, len(widths)
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
        highest, lowest, mean = np.empty((3, len(lengths), self._filters), np.float32)
        sums = np.empty((len(lengths), self._table.shape[1] - self._column[-1]), np.float32)

        def pool(part: slice) -> None:
            windows = (self._table, self._first, self._column)
            _pool(ids, starts[part], lengths[part], *windows, highest[part], lowest[part], mean[part], sums[part])

        compiling.on_all_cores(pool, compiling.parts_of(lengths, PART_TOKENS))
        return highest, lowest, mean, sums


@compiled
def _pool(ids, starts, lengths, table, first, column, highest, lowest, mean, sums):
    filters = highest.shape[1]
    windows = np.empty((RUN, filters), np.float32)
    total, summed = np.empty(filters, np.float32), np.empty(sums.shape[1], np.float32)
    totals, summeds = np.empty(filters), np.empty(sums.shape[1])
    for row in range(len(starts)):
        high, low = highest[row], lowest[row]
        high[:] = -np.inf
        low[:] = np.inf
        totals[:] = 0
        summeds[:] = 0
        end = starts[row] + lengths[row]
        for start in range(starts[row], end, RUN):
            run = min(RUN, end - start)
            total[:] = 0
            summed[:] = 0
            for token in range(run):
                later = ids[min(start + token + AHEAD, len(ids) - 1)]
                for index in range(0, table.shape[1], LINE):
                    prefetch(table, later, index)
                summand = table[ids[start + token]]
                _copy(windows[token], summand)
                _add(summed, summand[column[-1] :])
            for place in range(1, len(first)):
                # The last windows reach past the end, where nothing is added.
                for token in range(min(run, end - start - place)):
                    summand = table[ids[start + token + place]]
                    _add(windows[token, first[place] :], summand[column[place] : column[place + 1]])
            for token in range(0, run - 3, 4):
                _bound_four(high, low, *_four(windows, token))
                _total_four(total, *_four(windows, token))
            for token in range(run - run % 4, run):
                _take_one(high, low, total, windows[token])
            totals += total
            summeds += summed
        mean[row] = totals / lengths[row]
        sums[row] = summeds


# Each of these is one loop over few arrays, without an offset: the form that becomes vector instructions.


@compiled
def _copy(window, summand):
    for index in range(len(window)):
        window[index] = summand[index]


@compiled
def _add(window, summand):
    for index in range(len(window)):
        window[index] += summand[index]


@compiled
def _four(windows, token):
    return windows[token], windows[token + 1], windows[token + 2], windows[token + 3]


@compiled
def _bound_four(high, low, first, second, third, fourth):
    for index in range(len(high)):
        a, b, c, d = first[index], second[index], third[index], fourth[index]
        high[index] = _greater(high[index], _greater(_greater(a, b), _greater(c, d)))
        low[index] = _lesser(low[index], _lesser(_lesser(a, b), _lesser(c, d)))


@compiled
def _total_four(total, first, second, third, fourth):
    for index in range(len(total)):
        a, b, c, d = first[index], second[index], third[index], fourth[index]
        total[index] += (_rectified(a) + _rectified(b)) + (_rectified(c) + _rectified(d))


@compiled
def _take_one(high, low, total, window):
    for index in range(len(high)):
        high[index] = _greater(high[index], window[index])
        low[index] = _lesser(low[index], window[index])
        total[index] += _rectified(window[index])


@compiled
def _greater(a, b):
    return a if a > b else b


@compiled
def _lesser(a, b):
    return a if a < b else b


@compiled
def _rectified(a):
    return _greater(a, np.float32(0))
