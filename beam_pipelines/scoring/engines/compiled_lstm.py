"""The bidirectional LSTM with its input projection folded, compiled: no padding, all cores.

What a token adds to the gates is a row of a table, so only the recurrence is left to multiply. Two
reviews go through it side by side, each in a lane of its own; when one ends, the next takes its lane. So
nothing waits for the longest, and none depends on its neighbour.
`trainer.architectures` says why it gives the same scores; the scorer proves it for every job.
"""

import numpy as np

from beam_pipelines.compiling import threads, vectors
from beam_pipelines.compiling.cache import compiled
from beam_pipelines.compiling.tanh import tanh_fraction
from beam_pipelines.compiling.vectors import WIDTH, greater, load, prefetch, splat, store
from beam_pipelines.scoring.engines.compiled_cnn import RUN

# A thread takes about so many tokens at a time.
PART_TOKENS = 1 << 14
# A step waits for the one before; what another review needs fills that time.
LANES = 2
DIRECTIONS = 2
# A token's row is asked for so many steps before it is needed; see `compiled_cnn`.
AHEAD = 4
_IDLE = -1


class CompiledLstm:
    """Runs and pools the states of a bidirectional LSTM.

    Args:
      table: float32 [vocab, 8 units + columns], see `trainer.architectures.cnn.fold`.
      recurrent: float32 [2, units, 4 units], of the forward and the backward direction.
    """

    def __init__(self, table: np.ndarray, recurrent: np.ndarray):
        _, units, gates = recurrent.shape
        # The logistic function of x is (1 + tanh(x / 2)) / 2, so the three gates that take it are halved here.
        halved = np.array([0.5, 0.5, 1, 0.5], np.float32)[:, np.newaxis]
        # Units that fill up the last vector stay 0.
        self._units, filled = units, vectors.whole(units)
        self._recurrent = vectors.zeros(DIRECTIONS * filled, 4 * filled).reshape(DIRECTIONS, filled, 4, filled)
        self._recurrent[:, :units, :, :units] = recurrent.reshape(DIRECTIONS, units, 4, units) * halved
        columns = table[:, : DIRECTIONS * gates].reshape(len(table), DIRECTIONS, 4, units) * halved
        self._table = vectors.zeros(len(table), DIRECTIONS * 4 * filled)
        self._table.reshape(len(table), DIRECTIONS, 4, filled)[..., :units] = columns
        self._to_sums = vectors.filled(table[:, DIRECTIONS * gates :])
        self._columns = table.shape[1] - DIRECTIONS * gates

    def pool(self, ids: np.ndarray, starts: np.ndarray, lengths: np.ndarray) -> tuple[np.ndarray, ...]:
        """Runs reviews.

        Args:
          ids: int [tokens].
          starts: int64 [batch], where each review's ids begin.
          lengths: int64 [batch], how many they are, at least one.

        Returns:
          What `trainer.architectures.cnn.finish` takes: the highest state, the mean one and the last one,
          float32 [batch, 2 units], and the sums, float32 [batch, columns].
        """
        batch, filled = len(lengths), self._recurrent.shape[1]
        states = np.empty((3, batch, DIRECTIONS, filled), np.float32)
        sums = np.empty((batch, self._to_sums.shape[1]), np.float32)

        def pool(part: slice) -> None:
            # The longest come first, so that the lanes end at about the same time.
            longest_first = part.start + np.argsort(-lengths[part], kind="stable")
            for direction in range(DIRECTIONS):
                weights = self._recurrent[direction].reshape(filled, 4 * filled)
                outputs = states[:, :, direction]
                _run(ids, starts, lengths, longest_first, self._table, weights, direction, *outputs)
            _sum(ids, starts[part], lengths[part], self._to_sums, sums[part])

        threads.on_all_cores(pool, threads.parts_of(lengths, PART_TOKENS))
        highest, mean, last = (one[..., : self._units].reshape(batch, -1) for one in states)
        return highest, mean, last, sums[:, : self._columns]


@compiled
def _token(ids, start, length, direction, step):
    """The token of a step, from the start or from the end."""
    return ids[start + step] if direction == 0 else ids[start + length - 1 - step]


@compiled
def _run(ids, starts, lengths, order, table, weights, direction, highest, mean, last):
    """Runs reviews, in that order of rows, through one direction."""
    units, gates = weights.shape
    inputs = np.empty((LANES, gates), np.float32)
    state, cell, high, total = np.zeros((4, LANES, units), np.float32)
    totals = np.zeros((LANES, units))
    rows, steps, tokens = np.full(LANES, _IDLE), np.zeros(LANES, np.int64), np.zeros(LANES, np.int64)
    following = running = min(LANES, len(order))
    rows[:running] = order[:running]
    high[:] = -np.inf
    while running:
        for lane in range(LANES):
            row = rows[lane]
            if row != _IDLE:
                tokens[lane] = _token(ids, starts[row], lengths[row], direction, steps[lane])
                later = _token(ids, starts[row], lengths[row], direction, min(steps[lane] + AHEAD, lengths[row] - 1))
                for gate in range(0, gates, WIDTH):
                    prefetch(table, later, direction * gates + gate)
        _multiply(tokens, table, direction * gates, state, weights, inputs)
        _step(inputs, state, cell, high, total)
        for lane in range(LANES):
            row = rows[lane]
            if row == _IDLE:
                continue
            steps[lane] += 1
            is_over = steps[lane] == lengths[row]
            if is_over or steps[lane] % RUN == 0:
                totals[lane] += total[lane]
                total[lane] = 0
            if is_over:
                highest[row], last[row] = high[lane], state[lane]
                mean[row] = totals[lane] / lengths[row]
                state[lane], cell[lane], high[lane], totals[lane], steps[lane] = 0, 0, -np.inf, 0, 0
                if following < len(order):
                    rows[lane] = order[following]
                    following += 1
                else:
                    rows[lane] = _IDLE
                    running -= 1


@compiled
def _multiply(tokens, table, start, state, weights, inputs):
    """What the gates are given: the tokens' columns of the table from `start` on, and the states times the weights."""
    units, gates = weights.shape
    first, second = tokens[0], tokens[1]
    # Eight sums at a time hide how long one takes to be added to.
    for gate in range(0, gates, 4 * WIDTH):
        a, e = load(table, first, start + gate), load(table, second, start + gate)
        b, f = load(table, first, start + gate + WIDTH), load(table, second, start + gate + WIDTH)
        c, g = load(table, first, start + gate + 2 * WIDTH), load(table, second, start + gate + 2 * WIDTH)
        d, h = load(table, first, start + gate + 3 * WIDTH), load(table, second, start + gate + 3 * WIDTH)
        for unit in range(units):
            one, other = splat(state[0, unit]), splat(state[1, unit])
            weight = load(weights, unit, gate)
            a, e = a + one * weight, e + other * weight
            weight = load(weights, unit, gate + WIDTH)
            b, f = b + one * weight, f + other * weight
            weight = load(weights, unit, gate + 2 * WIDTH)
            c, g = c + one * weight, g + other * weight
            weight = load(weights, unit, gate + 3 * WIDTH)
            d, h = d + one * weight, h + other * weight
        _store_four(inputs, 0, gate, a, b, c, d)
        _store_four(inputs, 1, gate, e, f, g, h)


@compiled
def _store_four(inputs, lane, gate, a, b, c, d):
    store(inputs, lane, gate, a)
    store(inputs, lane, gate + WIDTH, b)
    store(inputs, lane, gate + 2 * WIDTH, c)
    store(inputs, lane, gate + 3 * WIDTH, d)


@compiled
def _step(inputs, state, cell, high, total):
    """Takes cells and states a step further, given what the gates are given, and pools the states."""
    units = state.shape[1]
    half = splat(0.5)
    for lane in range(LANES):
        for unit in range(0, units, WIDTH):
            enter, of_enter = tanh_fraction(load(inputs, lane, unit))
            keep, of_keep = tanh_fraction(load(inputs, lane, units + unit))
            new, of_new = tanh_fraction(load(inputs, lane, 2 * units + unit))
            leave, of_leave = tanh_fraction(load(inputs, lane, 3 * units + unit))
            # All over one denominator: see `tanh_fraction`.
            kept = (of_keep + keep) * load(cell, lane, unit) * (of_enter * of_new)
            after = half * (kept + (of_enter + enter) * new * of_keep) / (of_keep * of_enter * of_new)
            squashed, of_squashed = tanh_fraction(after)
            out = half * (of_leave + leave) * squashed / (of_leave * of_squashed)
            store(cell, lane, unit, after)
            store(state, lane, unit, out)
            store(high, lane, unit, greater(load(high, lane, unit), out))
            store(total, lane, unit, load(total, lane, unit) + out)


@compiled
def _sum(ids, starts, lengths, table, sums):
    """The sums of the rows of each review's tokens."""
    total, totals = np.empty((1, table.shape[1]), np.float32), np.empty(table.shape[1])
    for row in range(len(starts)):
        totals[:] = 0
        end = starts[row] + lengths[row]
        for start in range(starts[row], end, RUN):
            for column in range(0, table.shape[1], WIDTH):
                summed = splat(0)
                for place in range(start, min(start + RUN, end)):
                    summed = summed + load(table, ids[place], column)
                store(total, 0, column, summed)
            totals += total[0]
        sums[row] = totals
