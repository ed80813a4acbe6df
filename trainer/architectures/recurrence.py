"""The recurrence of a bidirectional LSTM as a differentiable operation: for training on CPUs.

TensorFlow's operation for a whole sequence packs the weights anew and meets all its threads at every
step. Here a thread takes some reviews in one direction through all steps (`compiled_recurrence`), and
what does not wait for an earlier step, the products with the inputs and the gradients of the weights,
is left to TensorFlow, as one product over all steps.
"""

import numpy as np
import tensorflow as tf

from beam_pipelines.compiling import threads
from trainer.architectures import reused_memory
from trainer.architectures.compiled_recurrence import backward, forward

DIRECTIONS, GATES = 2, 4
# Of each gate in Keras's order: the logistic function of x is (1 + tanh(x / 2)) / 2, so that all take tanh.
FACTORS = (0.5, 0.5, 1.0, 0.5)
# A thread takes at most so many reviews: their products are too small for BLAS to share them out again.
ROWS = 32


def bidirectional(sequences: tf.Tensor, cells: list, lengths: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The states of an LSTM over tokens and of one over the same tokens in reverse, after each token.

    Args:
      sequences: float [batch, time, dim].
      cells: The Keras LSTMCell of each direction.
      lengths: int32 [batch], the tokens of each review; padding follows them.

    Returns:
      Two float32 [time, batch, units]. States of padding say nothing and must pass no gradient.
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
    """Weights [rows, 4 units] as [4, rows, units], times `FACTORS`; Keras hands them out in half precision, too."""
    rows, columns = weights.shape
    weights = tf.reshape(tf.cast(weights, tf.float32), [rows, GATES, columns // GATES])
    return tf.reshape(FACTORS, [GATES, 1, 1]) * tf.transpose(weights, [1, 0, 2])


@tf.custom_gradient
def states(inputs: tf.Tensor, recurrent: tf.Tensor, lengths: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """What `bidirectional` returns.

    Args:
      inputs: float32 [2, 4, time, batch, units], what tokens and bias add to each gate, times `FACTORS`.
      recurrent: float32 [2, 4, units, units], what the state before is multiplied with, times `FACTORS`.
      lengths: int32 [batch].
    """
    types = [tf.float32] * 4
    *found, gates, cells = tf.numpy_function(_run_forward, [inputs, recurrent, lengths], types, stateful=False)
    for one in found:
        one.set_shape(inputs.shape[2:])

    def gradient(*wanted):
        given = [*wanted, *found, gates, cells, recurrent]
        changes = tf.numpy_function(_run_backward, given, [tf.float32] * 2, stateful=False)
        for change, of in zip(changes, (inputs, recurrent), strict=True):
            change.set_shape(of.shape)
        return *changes, None

    return tuple(found), gradient


def _run_forward(inputs, recurrent, lengths):
    found = [reused_memory.empty(inputs.shape[2:]) for _ in range(DIRECTIONS)]
    gates, cells = reused_memory.empty(inputs.shape), reused_memory.empty([DIRECTIONS, *inputs.shape[2:]])

    def run(part):
        way, first, last = part
        forward(inputs[way], recurrent[way], gates[way], cells[way], found[way], lengths, way == 1, first, last)

    threads.on_all_cores(run, _parts(len(lengths)))
    return *found, gates, cells


def _run_backward(wanted, wanted_in_reverse, found, found_in_reverse, gates, cells, recurrent):
    wanted, found = (wanted, wanted_in_reverse), (found, found_in_reverse)
    changes, transposed = reused_memory.empty(gates.shape), np.ascontiguousarray(recurrent.swapaxes(2, 3))
    parts = _parts(gates.shape[3])

    def run(part):
        way, first, last = part
        given = wanted[way], transposed[way], gates[way], cells[way], found[way]
        return backward(*given, changes[way], way == 1, first, last)

    of_recurrent = np.zeros_like(recurrent)
    for (way, _, _), of_part in zip(parts, threads.on_all_cores(run, parts), strict=True):
        of_recurrent[way] += of_part
    return changes, of_recurrent


def _parts(batch: int) -> list[tuple[int, int, int]]:
    """What a thread takes at a time: a direction, and the first and the last review, as of a range."""
    rows = max(min(ROWS, -(-DIRECTIONS * batch // threads.cores())), 1)
    return [(way, first, min(first + rows, batch)) for way in range(DIRECTIONS) for first in range(0, batch, rows)]
