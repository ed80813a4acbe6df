"""The loops of `trainer.architectures.recurrence`: some reviews in one direction, through all steps and back.

With the gates input i, forget f, candidate g and output o, all of them tanh of what they are given (the logistic
function of x is (1 + tanh(x / 2)) / 2, and the caller has halved what i, f and o are given), a step takes the cell c
and gives the state h (Hochreiter and Schmidhuber, 1997; Gers et al., 2000):

    c <- ((1 + f) c + (1 + i) g) / 2        h = (1 + o) tanh(c) / 2

The gradients are those of these two lines, dX standing for the gradient of the loss by X.
An array of a step is one vector of all reviews, and each loop is one over few such vectors.
"""

import numpy as np

from beam_pipelines.compiling.cache import compiled
from beam_pipelines.compiling.tanh import tanh

_ONE, _HALF = np.float32(1), np.float32(0.5)
# A gradient that is no larger is 0. It lies far above the denormal numbers, which begin at 1.2e-38.
_VANISHED = np.float32(1e-20)


@compiled
def forward(inputs, recurrent, gates, cells, states, lengths, reverse, first, last):
    """Fills in gates, cells and states of the reviews from `first` to `last`.

    Args:
      inputs: float32 [4, time, batch, units].
      recurrent: float32 [4, units, units].
      gates: As `inputs`, to be filled in: i, f, g and o.
      cells: float32 [time, batch, units], to be filled in.
      states: As `cells`.
      lengths: int [batch], the tokens of each review.
      reverse: Whether it goes from the last token to the first.
      first: The first review.
      last: The one after the last.
    """
    _, time, _, units = inputs.shape
    state = np.zeros((last - first, units), np.float32)
    cell, product, squashed = np.zeros(state.size, np.float32), np.empty_like(state), np.empty(state.size, np.float32)
    for index in range(time):
        step = time - 1 - index if reverse else index
        # gates = tanh(inputs + h @ recurrent); state and cell are those of the step before.
        for gate in range(len(gates)):
            np.dot(state, recurrent[gate], product)
            activation = _rows_at_step(gates[gate], step, first, last)
            _add(product.reshape(product.size), _rows_at_step(inputs[gate], step, first, last), activation)
            tanh(activation)
        for row in range(first, last):
            if step >= lengths[row]:
                # i = -1 lets padding add nothing: in reverse, it comes first and must leave the cell empty.
                gates[0, step, row] = -1
        input_gate, forget_gate = _rows_at_step(gates[0], step, first, last), _rows_at_step(gates[1], step, first, last)
        candidate, output_gate = _rows_at_step(gates[2], step, first, last), _rows_at_step(gates[3], step, first, last)
        earlier_cell, cell, state = cell, _rows_at_step(cells, step, first, last), states[step, first:last]
        _update_cell(input_gate, forget_gate, candidate, earlier_cell, cell)
        squashed[:] = cell
        tanh(squashed)
        _output_state(output_gate, squashed, state.reshape(state.size))


@compiled
def backward(state_gradients, transposed, gates, cells, states, input_gradients, reverse, first, last):
    """Fills in the gradient of `inputs` and returns that of `recurrent`, given that of the states.

    Args:
      state_gradients: float32 [time, batch, units].
      transposed: float32 [4, units, units], of `recurrent`.
      gates: float32 [4, time, batch, units], as of `forward`.
      cells: float32 [time, batch, units], as of `forward`.
      states: As `cells`.
      input_gradients: As `gates`, to be filled in.
      reverse: As for `forward`.
      first: Likewise.
      last: Likewise.

    Returns:
      float32 [4, units, units].
    """
    _, time, _, units = gates.shape
    recurrent_gradient = np.zeros((len(gates), units, units), np.float32)
    product, square = np.empty((last - first, units), np.float32), np.empty((units, units), np.float32)
    state_gradient, cell_gradient, no_cell = np.zeros((3, product.size), np.float32)
    squashed = np.empty_like(no_cell)
    for index in range(time):
        step = index if reverse else time - 1 - index
        earlier = step + 1 if reverse else step - 1
        input_gate, forget_gate = _rows_at_step(gates[0], step, first, last), _rows_at_step(gates[1], step, first, last)
        candidate, output_gate = _rows_at_step(gates[2], step, first, last), _rows_at_step(gates[3], step, first, last)
        # Here state_gradient is what comes from the later step through `recurrent`, and cell_gradient what comes
        # from it through f.
        _add_to(state_gradient, _rows_at_step(state_gradients, step, first, last))
        _flush(state_gradient)
        squashed[:] = _rows_at_step(cells, step, first, last)
        tanh(squashed)
        _cell_gradient(state_gradient, output_gate, squashed, cell_gradient)
        _flush(cell_gradient)
        # From here to `_earlier_cell_gradient`, cell_gradient is dc / 2.
        _output_gate_gradient(
            state_gradient, output_gate, squashed, _rows_at_step(input_gradients[3], step, first, last)
        )
        _candidate_gradient(cell_gradient, input_gate, candidate, _rows_at_step(input_gradients[2], step, first, last))
        _gate_gradient(cell_gradient, candidate, input_gate, _rows_at_step(input_gradients[0], step, first, last))
        earlier_cell = _rows_at_step(cells, earlier, first, last) if index + 1 < time else no_cell
        _gate_gradient(cell_gradient, earlier_cell, forget_gate, _rows_at_step(input_gradients[1], step, first, last))
        _earlier_cell_gradient(forget_gate, cell_gradient)
        # Over the gates: dh of the earlier step = sum of d(inputs) @ recurrent.T, and d(recurrent) += h.T @ d(inputs).
        state_gradient[:] = 0
        for gate in range(len(gates)):
            gate_gradient = input_gradients[gate, step, first:last]
            np.dot(gate_gradient, transposed[gate], product)
            _add_to(state_gradient, product.reshape(product.size))
            if index + 1 < time:
                np.dot(states[earlier, first:last].T, gate_gradient, square)
                _add_to(recurrent_gradient[gate].reshape(square.size), square.reshape(square.size))
    return recurrent_gradient


@compiled
def _rows_at_step(array, step, first, last):
    """Gives the rows of some reviews at a step, of an array [time, batch, units], as one vector."""
    rows = array[step, first:last]
    return rows.reshape(rows.size)


@compiled
def _add(first, second, total):
    for index in range(len(total)):
        total[index] = first[index] + second[index]


@compiled
def _add_to(total, values):
    for index in range(len(total)):
        total[index] += values[index]


@compiled
def _flush(values):
    """Sets a gradient that has vanished to 0: a processor takes many times as long for denormal numbers."""
    for index in range(len(values)):
        value = values[index]
        # False for NaN, so it passes: training recognises by its loss that it has diverged.
        values[index] = np.float32(0) if abs(value) <= _VANISHED else value


@compiled(fastmath={"contract"})
def _update_cell(input_gate, forget_gate, candidate, earlier_cell, cell):
    for index in range(len(cell)):
        # c = ((1 + f) c_earlier + (1 + i) g) / 2
        kept = (_ONE + forget_gate[index]) * earlier_cell[index]
        cell[index] = _HALF * (kept + (_ONE + input_gate[index]) * candidate[index])


@compiled
def _output_state(output_gate, squashed, state):
    for index in range(len(state)):
        # h = (1 + o) tanh(c) / 2
        state[index] = _HALF * (_ONE + output_gate[index]) * squashed[index]


@compiled(fastmath={"contract"})
def _cell_gradient(state_gradient, output_gate, squashed, cell_gradient):
    """Adds what comes through the state to dc, and halves it, as each gradient by the cell's terms needs dc / 2."""
    for index in range(len(cell_gradient)):
        # dc += dh (1 + o) (1 - tanh(c)^2) / 2
        slope = _ONE - squashed[index] * squashed[index]
        through_state = _HALF * state_gradient[index] * (_ONE + output_gate[index]) * slope
        cell_gradient[index] = _HALF * (cell_gradient[index] + through_state)


@compiled(fastmath={"contract"})
def _output_gate_gradient(state_gradient, output_gate, squashed, input_gradient):
    for index in range(len(input_gradient)):
        # dh tanh(c) / 2, times the slope of o = tanh(x), 1 - o^2
        slope = _ONE - output_gate[index] * output_gate[index]
        input_gradient[index] = _HALF * state_gradient[index] * squashed[index] * slope


@compiled(fastmath={"contract"})
def _candidate_gradient(half_cell_gradient, input_gate, candidate, input_gradient):
    for index in range(len(input_gradient)):
        # dc (1 + i) / 2, times the slope of g = tanh(x), 1 - g^2
        slope = _ONE - candidate[index] * candidate[index]
        input_gradient[index] = half_cell_gradient[index] * (_ONE + input_gate[index]) * slope


@compiled(fastmath={"contract"})
def _gate_gradient(half_cell_gradient, factor, gate, input_gradient):
    """Fills in the gradient of the input gate, whose factor is the candidate, or of the forget gate: the cell."""
    for index in range(len(input_gradient)):
        # dc factor / 2, times the slope of the gate = tanh(x), 1 - gate^2
        slope = _ONE - gate[index] * gate[index]
        input_gradient[index] = half_cell_gradient[index] * factor[index] * slope


@compiled
def _earlier_cell_gradient(forget_gate, half_cell_gradient):
    for index in range(len(forget_gate)):
        # dc of the earlier step = dc (1 + f) / 2
        half_cell_gradient[index] *= _ONE + forget_gate[index]
