"""The CNN's windows in folded form, compiled: no padding, no multiplication, all cores.

Without a multiplication left, a window is a sum of table rows: w(t) = sum over p of rows_p[id(t + p)], for the
offsets p that its filter reaches. The scorer proves for every job that the scores are those of the export.
"""

import numpy as np

from beam_pipelines.compiling import threads, vectors
from beam_pipelines.compiling.cache import compiled
from beam_pipelines.compiling.vectors import WIDTH, load, maximum, minimum, prefetch, splat, store

# The tokens that a thread takes at a time: enough to outweigh its start, few enough to share out.
PART_TOKENS = 1 << 14
# The tokens that one vector of filters goes through before the next does. Meanwhile the rows of the following RUN
# tokens are prefetched: a rare token's row comes from memory, which takes as long as the work of some tokens.
# Within a run, sums are in float32, and those of the runs are added in float64: rounding grows with the number of
# terms.
RUN = 32


class CompiledCnn:
    """Pools the windows of token ids.

    Args:
      table: float32 [vocab, columns], as the export's `fold` gives it (`exports.WINDOWS`): for each offset in a
        window, from the first, a column for each filter that reaches it, which are the last filters; then the
        columns that are summed.
      widths: int64 [filters], ascending, the tokens that the windows of each filter have.
    """

    def __init__(self, table: np.ndarray, widths: np.ndarray):
        self._filters, offsets = len(widths), range(widths.max())
        # In reverse, the filters that reach an offset are its first columns, so whole vectors of filters reach it.
        filters_at_offset = np.array([np.count_nonzero(widths > offset) for offset in offsets])
        *columns_by_offset, sums_columns = np.split(table, np.cumsum(filters_at_offset), axis=1)
        self._columns = sums_columns.shape[1]
        blocks = [vectors.padded(columns[:, ::-1]) for columns in columns_by_offset] + [vectors.padded(sums_columns)]
        # The first column of each offset, and that of the sums.
        self._first = np.cumsum([0] + [block.shape[1] for block in blocks])[:-1]
        # The offsets that each vector of filters reaches: as many as its widest filter, its first.
        self._reached = np.array(
            [np.count_nonzero(filters_at_offset > first) for first in range(0, self._filters, WIDTH)]
        )
        # The last row stands for the tokens past the end of a review. It adds nothing.
        self._table = vectors.zeros(len(table) + 1, sum(block.shape[1] for block in blocks))
        self._table[:-1] = np.concatenate(blocks, axis=1)

    def pool(self, ids: np.ndarray, starts: np.ndarray, lengths: np.ndarray) -> tuple[np.ndarray, ...]:
        """Pools reviews.

        Args:
          ids: int [tokens].
          starts: int64 [batch], the offset of each review's ids.
          lengths: int64 [batch], the number of each review's ids, at least one.

        Returns:
          The arguments of the export's `finish` for a CNN: the highest window, the lowest, and the mean of the
          rectified ones, float32 [batch, filters] each, and the sums, float32 [batch, columns].
        """
        pooled = np.empty((3, len(lengths), vectors.round_up(self._filters)), np.float32)
        sums = np.empty((len(lengths), vectors.round_up(self._columns)), np.float32)

        def pool(rows: slice) -> None:
            windows = (self._table, self._first, self._reached)
            _pool(ids, starts[rows], lengths[rows], *windows, *pooled[:, rows], sums[rows])

        threads.map_on_all_cores(pool, threads.slices_of_tokens(lengths, PART_TOKENS))
        return *pooled[..., self._filters - 1 :: -1], sums[:, : self._columns]


@compiled
def _pool(ids, starts, lengths, table, first, reached, highest, lowest, mean, sums):
    """Fills in what `CompiledCnn.pool` returns, with columns of whole vectors and the filters in reverse.

    Args:
      ids, starts, lengths: As of `CompiledCnn.pool`.
      table: float32 [vocab + 1, columns]; the last row is all zeros.
      first: int64 [offsets + 1], the first column of each offset, then that of the sums.
      reached: int64 [vectors of filters], the offsets that each reaches.
      highest, lowest, mean: float32 [batch, filters].
      sums: float32 [batch, columns].
    """
    filters, offsets = highest.shape[1], len(first) - 1
    tokens, next_tokens = np.zeros(RUN + offsets - 1, np.int64), np.zeros(RUN, np.int64)
    run_rectified, run_sums = np.empty((1, filters), np.float32), np.empty((1, sums.shape[1]), np.float32)
    all_rectified, all_sums = np.empty(filters), np.empty(sums.shape[1])
    for row in range(len(starts)):
        highest[row], lowest[row], all_rectified[:], all_sums[:] = -np.inf, np.inf, 0, 0
        end = starts[row] + lengths[row]
        for start in range(starts[row], end, RUN):
            run = min(RUN, end - start)
            # Windows that begin in this run reach up to `offsets - 1` tokens beyond it.
            for index in range(run + offsets - 1):
                tokens[index] = ids[start + index] if start + index < end else len(table) - 1
            for index in range(run):
                next_tokens[index] = ids[min(start + RUN + index, len(ids) - 1)]
            for column in range(0, filters, WIDTH):
                high, low, rectified = load(highest, row, column), load(lowest, row, column), splat(0)
                for index in range(run):
                    # window = sum over offset of table[tokens[index + offset], first[offset] + column]
                    window = load(table, tokens[index], column)
                    prefetch(table, next_tokens[index], column)
                    for offset in range(1, reached[column // WIDTH]):
                        window = window + load(table, tokens[index + offset], first[offset] + column)
                        prefetch(table, next_tokens[index], first[offset] + column)
                    high, low = maximum(high, window), minimum(low, window)
                    rectified = rectified + maximum(window, splat(0))
                store(highest, row, column, high)
                store(lowest, row, column, low)
                store(run_rectified, 0, column, rectified)
            for column in range(0, sums.shape[1], WIDTH):
                run_sum = splat(0)
                for index in range(run):
                    run_sum = run_sum + load(table, tokens[index], first[offsets] + column)
                    prefetch(table, next_tokens[index], first[offsets] + column)
                store(run_sums, 0, column, run_sum)
            # Here the float64 sums hold all tokens before start + run.
            all_rectified += run_rectified[0]
            all_sums += run_sums[0]
        mean[row] = all_rectified / lengths[row]
        sums[row] = all_sums
