"""The bidirectional LSTM with its input projection folded, compiled: no padding, all cores.

What a token adds to the gates is a row of a table, so only the recurrence is left to multiply. With the tokens'
row x, the state h, the cell c and Keras's order of the gates (Hochreiter and Schmidhuber, 1997; Gers et al., 2000):

    input, forget, candidate, output = x + h @ recurrent
    c <- sigmoid(forget) c + sigmoid(input) tanh(candidate)        h <- sigmoid(output) tanh(c)

Two reviews go through it side by side, each in a lane of its own. When one ends, the next takes its lane, so
nothing waits for the longest review, and none depends on its neighbour.
The scorer proves for every job that the scores are those of the export.
"""

import numpy as np

from beam_pipelines.compiling import threads, vectors
from beam_pipelines.compiling.cache import compiled
from beam_pipelines.compiling.tanh import tanh_fraction
from beam_pipelines.compiling.vectors import WIDTH, load, maximum, prefetch, splat, store
from beam_pipelines.scoring.engines.compiled_cnn import RUN
from beam_pipelines.scoring.engines.compiled_sums import sum_rows

# The tokens that a thread takes at a time.
PART_TOKENS = 1 << 14
# A step waits for the one before, and the work for a second review fills that time.
LANES = 2
DIRECTIONS = 2
GATES = 4
# A token's row is prefetched so many steps before it is needed; see `compiled_cnn.RUN`.
PREFETCH_STEPS = 4
_IDLE = -1


class CompiledLstm:
    """Runs a bidirectional LSTM and pools its states.

    Args:
      table: float32 [vocab, 8 units + columns], as the export's `fold` gives it (`exports.RECURRENCE`): what each
        token adds to the gates of the forward direction, to those of the backward direction, and to the sums.
      recurrent: float32 [2, units, 4 units], of the forward and the backward direction.
    """

    def __init__(self, table: np.ndarray, recurrent: np.ndarray):
        _, units, gates = recurrent.shape
        # sigmoid(x) = (1 + tanh(x / 2)) / 2: the three gates that take it are halved here, so that all take tanh.
        factors = np.array([0.5, 0.5, 1, 0.5], np.float32)[:, np.newaxis]
        # The units that fill the last vector up stay 0.
        self._units, padded = units, vectors.round_up(units)
        self._recurrent = vectors.zeros(DIRECTIONS * padded, GATES * padded).reshape(DIRECTIONS, padded, GATES, padded)
        self._recurrent[:, :units, :, :units] = recurrent.reshape(DIRECTIONS, units, GATES, units) * factors
        gate_columns = table[:, : DIRECTIONS * gates].reshape(len(table), DIRECTIONS, GATES, units) * factors
        self._table = vectors.zeros(len(table), DIRECTIONS * GATES * padded)
        self._table.reshape(len(table), DIRECTIONS, GATES, padded)[..., :units] = gate_columns
        self._sums_table = vectors.padded(table[:, DIRECTIONS * gates :])
        self._columns = table.shape[1] - DIRECTIONS * gates

    def pool(self, ids: np.ndarray, starts: np.ndarray, lengths: np.ndarray) -> tuple[np.ndarray, ...]:
        """Runs reviews.

        Args:
          ids: int [tokens].
          starts: int64 [batch], the offset of each review's ids.
          lengths: int64 [batch], the number of each review's ids, at least one.

        Returns:
          The arguments of the export's `finish` for an LSTM: the highest state, the mean one and the last one,
          float32 [batch, 2 units] each, and the sums, float32 [batch, columns].
        """
        batch, padded = len(lengths), self._recurrent.shape[1]
        states = np.empty((3, batch, DIRECTIONS, padded), np.float32)
        sums = np.empty((batch, self._sums_table.shape[1]), np.float32)

        def pool(rows: slice) -> None:
            # The longest first, so that the lanes end at about the same time.
            longest_first = rows.start + np.argsort(-lengths[rows], kind="stable")
            for direction in range(DIRECTIONS):
                weights = self._recurrent[direction].reshape(padded, GATES * padded)
                _run(ids, starts, lengths, longest_first, self._table, weights, direction, *states[:, :, direction])
            _sum(ids, starts[rows], lengths[rows], self._sums_table, sums[rows])

        threads.map_on_all_cores(pool, threads.slices_of_tokens(lengths, PART_TOKENS))
        highest, mean, last = (pooled[..., : self._units].reshape(batch, -1) for pooled in states)
        return highest, mean, last, sums[:, : self._columns]


@compiled
def _token(ids, start, length, direction, step):
    """Gives the token of a step, which counts from the end of the review in the backward direction."""
    return ids[start + step] if direction == 0 else ids[start + length - 1 - step]


@compiled
def _run(ids, starts, lengths, order, table, weights, direction, highest, mean, last):
    """Runs reviews through one direction.

    Args:
      ids, starts, lengths: As of `CompiledLstm.pool`.
      order: int64 [reviews], the rows to run, in that order.
      table: float32 [vocab, 8 units], with whole vectors of units.
      weights: float32 [units, 4 units].
      direction: 0 is forward, 1 backward.
      highest, mean, last: float32 [batch, units], to be filled in.
    """
    units, gates = weights.shape
    inputs = np.empty((LANES, gates), np.float32)
    state, cell, high, run_total = np.zeros((4, LANES, units), np.float32)
    total = np.zeros((LANES, units))
    rows, steps, tokens = np.full(LANES, _IDLE), np.zeros(LANES, np.int64), np.zeros(LANES, np.int64)
    next_review = running = min(LANES, len(order))
    rows[:running] = order[:running]
    high[:] = -np.inf
    while running:
        # Here each lane that is not idle has taken steps[lane] < lengths[rows[lane]] steps of its review.
        for lane in range(LANES):
            row = rows[lane]
            if row != _IDLE:
                tokens[lane] = _token(ids, starts[row], lengths[row], direction, steps[lane])
                later_step = min(steps[lane] + PREFETCH_STEPS, lengths[row] - 1)
                later_token = _token(ids, starts[row], lengths[row], direction, later_step)
                for column in range(0, gates, WIDTH):
                    prefetch(table, later_token, direction * gates + column)
        # An idle lane goes on with its last token, so that no loop for a single lane is needed; nothing reads it.
        _multiply(tokens, table, direction * gates, state, weights, inputs)
        _step(inputs, state, cell, high, run_total)
        for lane in range(LANES):
            row = rows[lane]
            if row == _IDLE:
                continue
            steps[lane] += 1
            is_over = steps[lane] == lengths[row]
            # In float64 between runs: rounding grows with the number of terms.
            if is_over or steps[lane] % RUN == 0:
                total[lane] += run_total[lane]
                run_total[lane] = 0
            if is_over:
                highest[row], last[row] = high[lane], state[lane]
                mean[row] = total[lane] / lengths[row]
                state[lane], cell[lane], high[lane], total[lane], steps[lane] = 0, 0, -np.inf, 0, 0
                if next_review < len(order):
                    rows[lane] = order[next_review]
                    next_review += 1
                else:
                    rows[lane] = _IDLE
                    running -= 1


@compiled
def _multiply(tokens, table, start, state, weights, inputs):
    """Computes the inputs of the gates: table[tokens, start:] + state @ weights, float32 [lanes, 4 units]."""
    units, gates = weights.shape
    token_0, token_1 = tokens[0], tokens[1]
    # Columns from `column` on, by lane and by quarter (of four vectors): `lane0_q1` sums up lane 0's second vector.
    # Eight independent sums hide the latency of an addition, and each vector of weights serves both lanes.
    for column in range(0, gates, 4 * WIDTH):
        q0, q1, q2, q3 = column, column + WIDTH, column + 2 * WIDTH, column + 3 * WIDTH
        lane0_q0, lane1_q0 = load(table, token_0, start + q0), load(table, token_1, start + q0)
        lane0_q1, lane1_q1 = load(table, token_0, start + q1), load(table, token_1, start + q1)
        lane0_q2, lane1_q2 = load(table, token_0, start + q2), load(table, token_1, start + q2)
        lane0_q3, lane1_q3 = load(table, token_0, start + q3), load(table, token_1, start + q3)
        for unit in range(units):
            # Here each sum holds the products of the units before this one.
            state_0, state_1 = splat(state[0, unit]), splat(state[1, unit])
            weight = load(weights, unit, q0)
            lane0_q0, lane1_q0 = lane0_q0 + state_0 * weight, lane1_q0 + state_1 * weight
            weight = load(weights, unit, q1)
            lane0_q1, lane1_q1 = lane0_q1 + state_0 * weight, lane1_q1 + state_1 * weight
            weight = load(weights, unit, q2)
            lane0_q2, lane1_q2 = lane0_q2 + state_0 * weight, lane1_q2 + state_1 * weight
            weight = load(weights, unit, q3)
            lane0_q3, lane1_q3 = lane0_q3 + state_0 * weight, lane1_q3 + state_1 * weight
        _store_quarters(inputs, 0, column, lane0_q0, lane0_q1, lane0_q2, lane0_q3)
        _store_quarters(inputs, 1, column, lane1_q0, lane1_q1, lane1_q2, lane1_q3)


@compiled
def _store_quarters(inputs, lane, column, q0, q1, q2, q3):
    store(inputs, lane, column, q0)
    store(inputs, lane, column + WIDTH, q1)
    store(inputs, lane, column + 2 * WIDTH, q2)
    store(inputs, lane, column + 3 * WIDTH, q3)


@compiled
def _step(inputs, state, cell, high, total):
    """Takes cells and states one step further and pools the states, all float32 [lanes, units].

    Args:
      inputs: float32 [lanes, 4 units], of the gates; those that take the logistic function are halved.
    """
    units = state.shape[1]
    half = splat(0.5)
    for lane in range(LANES):
        for unit in range(0, units, WIDTH):
            # Each gate's tanh as a fraction n / d: see `tanh_fraction`.
            input_n, input_d = tanh_fraction(load(inputs, lane, unit))
            forget_n, forget_d = tanh_fraction(load(inputs, lane, units + unit))
            candidate_n, candidate_d = tanh_fraction(load(inputs, lane, 2 * units + unit))
            output_n, output_d = tanh_fraction(load(inputs, lane, 3 * units + unit))
            # c <- (1 + forget) / 2 * c + (1 + input) / 2 * candidate, over one denominator:
            # [(forget_d + forget_n) c input_d candidate_d + (input_d + input_n) candidate_n forget_d]
            #     / (2 forget_d input_d candidate_d)
            kept = (forget_d + forget_n) * load(cell, lane, unit) * (input_d * candidate_d)
            added = (input_d + input_n) * candidate_n * forget_d
            new_cell = half * (kept + added) / (forget_d * input_d * candidate_d)
            # h = (1 + output) / 2 * tanh(c)
            cell_n, cell_d = tanh_fraction(new_cell)
            new_state = half * (output_d + output_n) * cell_n / (output_d * cell_d)
            store(cell, lane, unit, new_cell)
            store(state, lane, unit, new_state)
            store(high, lane, unit, maximum(load(high, lane, unit), new_state))
            store(total, lane, unit, load(total, lane, unit) + new_state)


@compiled
def _sum(ids, starts, lengths, table, sums):
    """Sums the rows of each review's tokens, float32 [batch, columns]."""
    for row in range(len(starts)):
        sum_rows(ids, starts[row], starts[row] + lengths[row], table, sums[row])
