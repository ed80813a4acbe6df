"""The bidirectional LSTM with its input projection folded, compiled: no padding, all cores.

What a token adds to the gates is a row of a table, so only the recurrence is left to multiply. A
review is run by itself, step by step, so that nothing depends on its neighbours.
`trainer.folding` says why it gives the same scores; `beam_pipelines.scoring.scorer` proves it for every job.
"""

import numpy as np

from beam_pipelines import compiling
from beam_pipelines.compiled_tanh import tanh
from beam_pipelines.compiling import compiled, prefetch
from beam_pipelines.scoring.compiled_cnn import LINE, RUN

# A thread takes about so many tokens at a time.
PART_TOKENS = 1 << 12
DIRECTIONS = 2
# A token's row is asked for so many steps before it is needed; see `compiled_cnn`.
AHEAD = 2


class CompiledLstm:
    """Runs and pools the states of a bidirectional LSTM.

    Args:
      table: float32 [vocab, 8 units + columns], see `trainer.folding.fold`.
      recurrent: float32 [2, units, 4 units], of the forward and the backward direction.
    """

    def __init__(self, table: np.ndarray, recurrent: np.ndarray):
        _, units, gates = recurrent.shape
        # The logistic function of x is (1 + tanh(x / 2)) / 2, so the three gates that take it are halved here.
        halved = np.full(gates, 0.5, np.float32)
        halved[2 * units : 3 * units] = 1
        self._recurrent = recurrent * halved
        self._table = table.copy()
        self._table[:, : DIRECTIONS * gates] *= np.tile(halved, DIRECTIONS)

    def pool(self, ids: np.ndarray, starts: np.ndarray, lengths: np.ndarray) -> tuple[np.ndarray, ...]:
        """Runs reviews.

        Args:
          ids: int [tokens].
          starts: int64 [batch], where each review's ids begin.
          lengths: int64 [batch], how many they are, at least one.

        Returns:
          What `trainer.folding.finish` takes: the highest state, the mean one and the last one,
          float32 [batch, 2 units], and the sums, float32 [batch, columns].
        """
        _, units, gates = self._recurrent.shape
        highest, mean, last = np.empty((3, len(lengths), DIRECTIONS * units), np.float32)
        sums = np.empty((len(lengths), self._table.shape[1] - DIRECTIONS * gates), np.float32)

        def pool(part: slice) -> None:
            outputs = highest[part], mean[part], last[part], sums[part]
            _pool(ids, starts[part], lengths[part], self._table, self._recurrent, *outputs)

        compiling.on_all_cores(pool, compiling.parts_of(lengths, PART_TOKENS))
        return highest, mean, last, sums


@compiled
def _token(ids, start, length, direction, step):
    """The token of a step, from the start or from the end."""
    return ids[start + step] if direction == 0 else ids[start + length - 1 - step]


@compiled(fastmath={"contract"})
def _pool(ids, starts, lengths, table, recurrent, highest, mean, last, sums):
    _, units, gates = recurrent.shape
    inputs, cell, squashed = np.empty(gates, np.float32), np.empty(units, np.float32), np.empty(units, np.float32)
    for row in range(len(starts)):
        start, length = starts[row], lengths[row]
        for direction in range(DIRECTIONS):
            weights = recurrent[direction]
            first = direction * units
            high, state = highest[row, first : first + units], last[row, first : first + units]
            total, totals = np.zeros(units, np.float32), np.zeros(units)
            high[:] = -np.inf
            state[:] = 0
            cell[:] = 0
            for step in range(length):
                token, later = _token(ids, start, length, direction, step), min(step + AHEAD, length - 1)
                for gate in range(0, gates, LINE):
                    prefetch(table, _token(ids, start, length, direction, later), direction * gates + gate)
                inputs[:] = table[token, direction * gates : (direction + 1) * gates]
                for unit in range(0, units, 4):
                    a, b, c, d = state[unit], state[unit + 1], state[unit + 2], state[unit + 3]
                    wa, wb, wc, wd = weights[unit], weights[unit + 1], weights[unit + 2], weights[unit + 3]
                    for gate in range(gates):
                        inputs[gate] = (((inputs[gate] + a * wa[gate]) + b * wb[gate]) + c * wc[gate]) + d * wd[gate]
                enter, keep = inputs[:units], inputs[units : 2 * units]
                new, leave = inputs[2 * units : 3 * units], inputs[3 * units :]
                tanh(inputs)
                for unit in range(units):
                    cell[unit] = np.float32(0.5) * (
                        (np.float32(1) + keep[unit]) * cell[unit] + (np.float32(1) + enter[unit]) * new[unit]
                    )
                    squashed[unit] = cell[unit]
                tanh(squashed)
                for unit in range(units):
                    state[unit] = np.float32(0.5) * (np.float32(1) + leave[unit]) * squashed[unit]
                for unit in range(units):
                    high[unit] = state[unit] if state[unit] > high[unit] else high[unit]
                    total[unit] += state[unit]
                if (step + 1) % RUN == 0 or step + 1 == length:
                    totals += total
                    total[:] = 0
            mean[row, first : first + units] = totals / length
        summed = np.zeros(sums.shape[1])
        for token in range(start, start + length):
            summed += table[ids[token], DIRECTIONS * gates :]
        sums[row] = summed
