"""The recurrence of a bidirectional LSTM as a differentiable operation: for training on CPUs.

TensorFlow's operation for a whole sequence packs the weights anew and synchronises all its threads at every
step. Here a thread takes some reviews in one direction through all steps (`compiled_recurrence`). What does not
wait for an earlier step, the products with the inputs and the gradients of the weights, is left to TensorFlow,
as one product over all steps.
"""

import numpy as np
import tensorflow as tf

from beam_pipelines.compiling import threads
from trainer.architectures import reused_memory
from trainer.architectures.compiled_recurrence import backward, forward

DIRECTIONS, GATES = 2, 4
# Of each gate, in Keras's order: sigmoid(x) = (1 + tanh(x / 2)) / 2, so that all take tanh.
FACTORS = (0.5, 0.5, 1.0, 0.5)
# The most reviews that a thread takes: their products are too small for BLAS to share them out again.
ROWS = 32


def bidirectional(sequences: tf.Tensor, cells: list, lengths: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Computes the states of an LSTM over tokens and of one over the same tokens in reverse, after each token.

    Args:
      sequences: float [batch, time, dim].
      cells: The Keras LSTMCell of each direction.
      lengths: int32 [batch], the tokens of each review; padding follows them.

    Returns:
      Two float32 [time, batch, units]. States of padding mean nothing and must pass no gradient.
    """
    kernels = tf.concat([_by_gate(tf.concat([cell.kernel, cell.bias[None]], axis=0)) for cell in cells], axis=0)
    by_time = tf.transpose(tf.cast(sequences, tf.float32), [1, 0, 2])
    # A one after each vector, for the bias.
    by_time = tf.pad(by_time, [[0, 0], [0, 0], [0, 1]], constant_values=1)
    time, batch, dim = tf.unstack(tf.shape(by_time))
    inputs = tf.matmul(tf.reshape(by_time, [1, time * batch, dim]), kernels)
    inputs = tf.reshape(inputs, [DIRECTIONS, GATES, time, batch, kernels.shape[-1]])
    return states(inputs, tf.stack([_by_gate(cell.recurrent_kernel) for cell in cells]), lengths)


def _by_gate(weights: tf.Tensor) -> tf.Tensor:
    """Turns weights [rows, 4 units] into float32 [4, rows, units], times `FACTORS`."""
    rows, columns = weights.shape
    # Under a policy of half precision, Keras hands out a cell's weights in it.
    weights = tf.reshape(tf.cast(weights, tf.float32), [rows, GATES, columns // GATES])
    return tf.reshape(FACTORS, [GATES, 1, 1]) * tf.transpose(weights, [1, 0, 2])


@tf.custom_gradient
def states(inputs: tf.Tensor, recurrent: tf.Tensor, lengths: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Computes what `bidirectional` returns.

    Args:
      inputs: float32 [2, 4, time, batch, units], what tokens and bias add to each gate, times `FACTORS`.
      recurrent: float32 [2, 4, units, units], the recurrent weights, times `FACTORS`.
      lengths: int32 [batch].
    """
    types = [tf.float32] * 4
    *outputs, gates, cells = tf.numpy_function(_run_forward, [inputs, recurrent, lengths], types, stateful=False)
    for output in outputs:
        output.set_shape(inputs.shape[2:])

    def gradient(*output_gradients):
        arguments = [*output_gradients, *outputs, gates, cells, recurrent]
        gradients = tf.numpy_function(_run_backward, arguments, [tf.float32] * 2, stateful=False)
        for result, variable in zip(gradients, (inputs, recurrent), strict=True):
            result.set_shape(variable.shape)
        return *gradients, None

    return tuple(outputs), gradient


def _run_forward(inputs: np.ndarray, recurrent: np.ndarray, lengths: np.ndarray) -> tuple[np.ndarray, ...]:
    outputs = [reused_memory.empty(inputs.shape[2:]) for _ in range(DIRECTIONS)]
    gates, cells = reused_memory.empty(inputs.shape), reused_memory.empty([DIRECTIONS, *inputs.shape[2:]])

    def run(direction_and_reviews: tuple[int, int, int]) -> None:
        direction, first, last = direction_and_reviews
        forward(
            inputs[direction],
            recurrent[direction],
            gates[direction],
            cells[direction],
            outputs[direction],
            lengths,
            direction == 1,
            first,
            last,
        )

    threads.map_on_all_cores(run, _cut_directions_and_reviews(len(lengths)))
    return *outputs, gates, cells


def _run_backward(
    gradient_forward: np.ndarray,
    gradient_in_reverse: np.ndarray,
    states_forward: np.ndarray,
    states_in_reverse: np.ndarray,
    gates: np.ndarray,
    cells: np.ndarray,
    recurrent: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Computes the gradients of `inputs` and `recurrent`, given those of the states in both directions."""
    state_gradients, outputs = (gradient_forward, gradient_in_reverse), (states_forward, states_in_reverse)
    input_gradients, transposed = reused_memory.empty(gates.shape), np.ascontiguousarray(recurrent.swapaxes(2, 3))
    parts = _cut_directions_and_reviews(gates.shape[3])

    def run(direction_and_reviews: tuple[int, int, int]) -> np.ndarray:
        direction, first, last = direction_and_reviews
        arguments = (
            state_gradients[direction],
            transposed[direction],
            gates[direction],
            cells[direction],
            outputs[direction],
        )
        return backward(*arguments, input_gradients[direction], direction == 1, first, last)

    # Threads write to rows of their own of `input_gradients`, but share `recurrent`: its gradient is added up here,
    # in an order that does not depend on them.
    recurrent_gradient = np.zeros_like(recurrent)
    for (direction, _, _), gradient_of_part in zip(parts, threads.map_on_all_cores(run, parts), strict=True):
        recurrent_gradient[direction] += gradient_of_part
    return input_gradients, recurrent_gradient


def _cut_directions_and_reviews(batch: int) -> list[tuple[int, int, int]]:
    """Cuts the work for threads: a direction, its first review and the one after its last."""
    rows = max(min(ROWS, -(-DIRECTIONS * batch // threads.cores())), 1)
    return [
        (direction, first, min(first + rows, batch))
        for direction in range(DIRECTIONS)
        for first in range(0, batch, rows)
    ]
