"""The CNN's windows in folded form, compiled: no padding, no multiplication, all cores.

`trainer.architectures` says why it gives the same scores; the scorer proves it for every job.
"""

import numpy as np

from beam_pipelines.compiling import threads, vectors
from beam_pipelines.compiling.cache import compiled
from beam_pipelines.compiling.vectors import WIDTH, greater, lesser, load, prefetch, splat, store

# A thread takes about so many tokens at a time: enough to forget its start, few enough to share out.
PART_TOKENS = 1 << 14
# So many tokens are gone through for one vector of filters after the other, while the rows of the next ones
# are on their way: rare tokens' rows come from memory, which takes as long as some tokens' work.
# Rounding adds up along a sum in float32: it is taken in runs of as many tokens, then in float64.
RUN = 32


class CompiledCnn:
    """Pools the windows of token ids.

    Args:
      table: float32 [vocab, columns], see `trainer.architectures.cnn.fold`.
      widths: int64 [filters], ascending.
    """

    def __init__(self, table: np.ndarray, widths: np.ndarray):
        self._filters, places = len(widths), range(widths.max())
        # The filters come the other way round: those that reach a place in the window are its first columns.
        reaching = np.array([np.count_nonzero(widths > place) for place in places])
        *of_places, of_sums = np.split(table, np.cumsum(reaching), axis=1)
        self._columns = of_sums.shape[1]
        parts = [vectors.filled(part[:, ::-1]) for part in of_places] + [vectors.filled(of_sums)]
        self._first = np.cumsum([0] + [part.shape[1] for part in parts])[:-1]
        # How many places each vector of filters reaches.
        self._reached = np.array([np.count_nonzero(reaching > first) for first in range(0, self._filters, WIDTH)])
        # The last row is of what lies past the end of a review, and adds nothing.
        self._table = vectors.zeros(len(table) + 1, sum(part.shape[1] for part in parts))
        self._table[:-1] = np.concatenate(parts, axis=1)

    def pool(self, ids: np.ndarray, starts: np.ndarray, lengths: np.ndarray) -> tuple[np.ndarray, ...]:
        """Pools reviews.

        Args:
          ids: int [tokens].
          starts: int64 [batch], where each review's ids begin.
          lengths: int64 [batch], how many they are, at least one.

        Returns:
          What `trainer.architectures.cnn.finish` takes: the highest and the lowest windows and the mean of the
          rectified ones, float32 [batch, filters], and the sums, float32 [batch, columns].
        """
        pooled = np.empty((3, len(lengths), vectors.whole(self._filters)), np.float32)
        sums = np.empty((len(lengths), vectors.whole(self._columns)), np.float32)

        def pool(part: slice) -> None:
            windows = (self._table, self._first, self._reached)
            _pool(ids, starts[part], lengths[part], *windows, *pooled[:, part], sums[part])

        threads.on_all_cores(pool, threads.parts_of(lengths, PART_TOKENS))
        return *pooled[..., self._filters - 1 :: -1], sums[:, : self._columns]


@compiled
def _pool(ids, starts, lengths, table, first, reached, highest, lowest, mean, sums):
    filters, places = highest.shape[1], len(first) - 1
    tokens, later = np.zeros(RUN + places - 1, np.int64), np.zeros(RUN, np.int64)
    total, summed = np.empty((1, filters), np.float32), np.empty((1, sums.shape[1]), np.float32)
    totals, summeds = np.empty(filters), np.empty(sums.shape[1])
    for row in range(len(starts)):
        highest[row], lowest[row], totals[:], summeds[:] = -np.inf, np.inf, 0, 0
        end = starts[row] + lengths[row]
        for start in range(starts[row], end, RUN):
            run = min(RUN, end - start)
            for place in range(run + places - 1):
                tokens[place] = ids[start + place] if start + place < end else len(table) - 1
            for place in range(run):
                later[place] = ids[min(start + RUN + place, len(ids) - 1)]
            for block in range(0, filters, WIDTH):
                high, low, added = load(highest, row, block), load(lowest, row, block), splat(0)
                for token in range(run):
                    window = load(table, tokens[token], block)
                    prefetch(table, later[token], block)
                    for place in range(1, reached[block // WIDTH]):
                        window = window + load(table, tokens[token + place], first[place] + block)
                        prefetch(table, later[token], first[place] + block)
                    high, low, added = greater(high, window), lesser(low, window), added + greater(window, splat(0))
                store(highest, row, block, high)
                store(lowest, row, block, low)
                store(total, 0, block, added)
            for block in range(0, sums.shape[1], WIDTH):
                added = splat(0)
                for token in range(run):
                    added = added + load(table, tokens[token], first[places] + block)
                    prefetch(table, later[token], first[places] + block)
                store(summed, 0, block, added)
            totals += total[0]
            summeds += summed[0]
        mean[row] = totals / lengths[row]
        sums[row] = summeds
