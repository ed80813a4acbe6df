"""The compiled LSTM has the states of its equations, whatever their sizes."""

import numpy as np
import pytest

from beam_pipelines.scoring.engines.compiled_lstm import CompiledLstm


def logistic(values):
    return 1 / (1 + np.exp(-values))


def plain(inputs: np.ndarray, recurrent: np.ndarray) -> np.ndarray:
    """Computes the states of one direction in float64, in Keras's order of the gates."""
    state = cell = np.zeros(len(recurrent))
    states = []
    for row in inputs.astype(np.float64):
        input_gate, forget_gate, candidate, output_gate = np.split(row + state @ recurrent, 4)
        cell = logistic(forget_gate) * cell + logistic(input_gate) * np.tanh(candidate)
        state = logistic(output_gate) * np.tanh(cell)
        states.append(state)
    return np.array(states)


@pytest.mark.parametrize("units", [4, 32, 64])
@pytest.mark.parametrize("size", [0.1, 1, 30])
def test_states_are_those_of_the_equations(units, size):
    """Small sums, and such as drive every gate to its end; one token, and more than are summed at a time."""
    random = np.random.default_rng(units)
    table = random.normal(scale=size, size=(50, 8 * units + 3)).astype(np.float32)
    recurrent = random.normal(scale=1 / np.sqrt(units), size=(2, units, 4 * units)).astype(np.float32)
    lengths = np.array([1, 2, 65, 300])
    starts = np.array([7, 0, 3, 10])
    ids = random.integers(0, 50, 310)
    highest, mean, last, sums = CompiledLstm(table, recurrent).pool(ids, starts, lengths)
    for row, (start, length) in enumerate(zip(starts, lengths, strict=True)):
        rows = table[ids[start : start + length]]
        directions = [rows[:, : 4 * units], rows[::-1, 4 * units : 8 * units]]
        states = np.hstack([plain(inputs, weights) for inputs, weights in zip(directions, recurrent, strict=True)])
        assert highest[row] == pytest.approx(states.max(axis=0), abs=2e-6)
        assert mean[row] == pytest.approx(states.mean(axis=0), abs=2e-6)
        assert last[row] == pytest.approx(states[-1], abs=2e-6)
        assert sums[row] == pytest.approx(rows[:, 8 * units :].sum(axis=0, dtype=np.float64), rel=1e-5, abs=1e-4)


def test_a_review_has_one_result_wherever_it_stands():
    """More reviews than one thread takes, in other places and beside others."""
    random = np.random.default_rng(0)
    table = random.normal(size=(30, 8 * 8)).astype(np.float32)
    recurrent = random.normal(size=(2, 8, 32)).astype(np.float32)
    lengths = random.integers(1, 200, 300)
    ids = random.integers(0, 30, lengths.sum())
    starts = np.cumsum(lengths) - lengths
    lstm = CompiledLstm(table, recurrent)
    results = lstm.pool(ids, starts, lengths)
    order = random.permutation(len(lengths))
    for values, reordered in zip(results, lstm.pool(ids, starts[order], lengths[order]), strict=True):
        assert (reordered == values[order]).all()
