"""The loops of `trainer.architectures.recurrence`: some reviews in one direction, through all steps and back.

With the gates enter e, keep k, new n and leave l, all of them tanh, a step takes the cell c and gives the state h:

    c <- ((1 + k) c + (1 + e) n) / 2        h = (1 + l) tanh(c) / 2

An array of a step is one vector of all reviews, and each loop is one over few such vectors.
"""

import numpy as np

from beam_pipelines.compiling.cache import compiled
from beam_pipelines.compiling.tanh import tanh

_ONE, _HALF = np.float32(1), np.float32(0.5)
_VANISHED = np.float32(1e-20)


@compiled
def forward(inputs, recurrent, gates, cells, states, lengths, reverse, first, last):
    """Fills in gates, cells and states of the reviews from `first` to `last`.

    Args:
      inputs: float32 [4, time, batch, units].
      recurrent: float32 [4, units, units].
      gates: As `inputs`, to be filled in.
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
    for place in range(time):
        step = time - 1 - place if reverse else place
        for gate in range(len(gates)):
            np.dot(state, recurrent[gate], product)
            squash = _of(gates[gate], step, first, last)
            _add(product.reshape(product.size), _of(inputs[gate], step, first, last), squash)
            tanh(squash)
        for row in range(first, last):
            if step >= lengths[row]:
                # Padding enters nothing: in reverse, it comes first and must leave the cell empty.
                gates[0, step, row] = -1
        enter, keep = _of(gates[0], step, first, last), _of(gates[1], step, first, last)
        new, leave = _of(gates[2], step, first, last), _of(gates[3], step, first, last)
        before, cell, state = cell, _of(cells, step, first, last), states[step, first:last]
        _take(enter, keep, new, before, cell)
        squashed[:] = cell
        tanh(squashed)
        _give(leave, squashed, state.reshape(state.size))


@compiled
def backward(wanted, transposed, gates, cells, states, changes, reverse, first, last):
    """Fills in the gradient of `inputs` and returns that of `recurrent`, given that of the states.

    Args:
      wanted: float32 [time, batch, units], the gradient of the states.
      transposed: float32 [4, units, units], of `recurrent`.
      gates: float32 [4, time, batch, units], as of `forward`.
      cells: float32 [time, batch, units], as of `forward`.
      states: As `cells`.
      changes: As `gates`, to be filled in: the gradient of `inputs`.
      reverse: As for `forward`.
      first: Likewise.
      last: Likewise.

    Returns:
      float32 [4, units, units].
    """
    _, time, _, units = gates.shape
    of_recurrent = np.zeros((len(gates), units, units), np.float32)
    product, square = np.empty((last - first, units), np.float32), np.empty((units, units), np.float32)
    of_state, of_cell, none = np.zeros((3, product.size), np.float32)
    squashed = np.empty_like(none)
    for place in range(time):
        step = place if reverse else time - 1 - place
        before = step + 1 if reverse else step - 1
        enter, keep = _of(gates[0], step, first, last), _of(gates[1], step, first, last)
        new, leave = _of(gates[2], step, first, last), _of(gates[3], step, first, last)
        _add_to(of_state, _of(wanted, step, first, last))
        _flush(of_state)
        squashed[:] = _of(cells, step, first, last)
        tanh(squashed)
        _of_cell(of_state, leave, squashed, of_cell)
        _flush(of_cell)
        _of_leave(of_state, leave, squashed, _of(changes[3], step, first, last))
        _of_new(of_cell, enter, new, _of(changes[2], step, first, last))
        _of_gate(of_cell, new, enter, _of(changes[0], step, first, last))
        earlier = _of(cells, before, first, last) if place + 1 < time else none
        _of_gate(of_cell, earlier, keep, _of(changes[1], step, first, last))
        _of_earlier_cell(keep, of_cell)
        of_state[:] = 0
        for gate in range(len(gates)):
            change = changes[gate, step, first:last]
            np.dot(change, transposed[gate], product)
            _add_to(of_state, product.reshape(product.size))
            if place + 1 < time:
                np.dot(states[before, first:last].T, change, square)
                _add_to(of_recurrent[gate].reshape(square.size), square.reshape(square.size))
    return of_recurrent


@compiled
def _of(array, step, first, last):
    """What an array [time, batch, units] has of some reviews at a step, as one vector."""
    rows = array[step, first:last]
    return rows.reshape(rows.size)


@compiled
def _add(one, other, total):
    for place in range(len(total)):
        total[place] = one[place] + other[place]


@compiled
def _add_to(total, other):
    for place in range(len(total)):
        total[place] += other[place]


@compiled
def _flush(values):
    """Makes a gradient that has vanished 0: denormal numbers take a processor many times as long."""
    for place in range(len(values)):
        value = values[place]
        values[place] = np.float32(0) if abs(value) <= _VANISHED else value


@compiled(fastmath={"contract"})
def _take(enter, keep, new, before, cell):
    for place in range(len(cell)):
        cell[place] = _HALF * ((_ONE + keep[place]) * before[place] + (_ONE + enter[place]) * new[place])


@compiled
def _give(leave, squashed, state):
    for place in range(len(state)):
        state[place] = _HALF * (_ONE + leave[place]) * squashed[place]


@compiled(fastmath={"contract"})
def _of_cell(of_state, leave, squashed, of_cell):
    """Adds what comes through the state, and halves all, as all that it goes to wants it."""
    for place in range(len(of_cell)):
        through = _HALF * of_state[place] * (_ONE + leave[place]) * (_ONE - squashed[place] * squashed[place])
        of_cell[place] = _HALF * (of_cell[place] + through)


@compiled(fastmath={"contract"})
def _of_leave(of_state, leave, squashed, change):
    for place in range(len(change)):
        change[place] = _HALF * of_state[place] * squashed[place] * (_ONE - leave[place] * leave[place])


@compiled(fastmath={"contract"})
def _of_new(half_of_cell, enter, new, change):
    for place in range(len(change)):
        change[place] = half_of_cell[place] * (_ONE + enter[place]) * (_ONE - new[place] * new[place])


@compiled(fastmath={"contract"})
def _of_gate(half_of_cell, factor, gate, change):
    for place in range(len(change)):
        change[place] = half_of_cell[place] * factor[place] * (_ONE - gate[place] * gate[place])


@compiled
def _of_earlier_cell(keep, half_of_cell):
    for place in range(len(keep)):
        half_of_cell[place] *= _ONE + keep[place]
