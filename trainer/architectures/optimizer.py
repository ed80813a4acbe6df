"""How steps are taken: the optimizer, its learning rate, and the precision of what it computes."""

import contextlib
from collections.abc import Iterator
from typing import ClassVar

import keras
import tensorflow as tf

from trainer.architectures import bag_of_words
from trainer.architectures.architecture import FROZEN
from trainer.architectures.heads import Head


class BranchAdam(keras.optimizers.Adam):
    """Adam that learns some variables slower than others, and tables of tokens by row.

    A vector is rarely updated and needs large steps; a filter that all tokens share does not.

    Of a table, a step reads and writes only the rows of the tokens in its batch. These have no first moment: with it,
    Adam moves a row on for some steps after its token was there, in all as far as it is moved here at once. Their
    second moment is Adam's, which the steps since their token was last there let decay.
    """

    # Rows that move at once, not over several steps, follow the noise of each batch: the bag's are held back a little.
    SLOWER: ClassVar = {FROZEN: 0.1, "words/log_weights": 0.5, "words/vectors": 0.8}

    def build(self, variables):
        if self.built:
            return
        # Adam's own would make a first moment of the tables, too.
        keras.optimizers.Optimizer.build(self, variables)
        self._factors = [
            next((factor for path, factor in self.SLOWER.items() if variable.path.startswith(path)), 1.0)
            for variable in variables
        ]
        self._velocities = self.add_optimizer_variables(variables, "velocity")
        self._momentums, self._last_steps = [], []
        for variable in variables:
            by_row = variable.path in bag_of_words.BY_TOKEN
            self._momentums.append(None if by_row else self.add_variable_from_reference(variable, name="momentum"))
            self._last_steps.append(self._add_last_step(variable) if by_row else None)

    def _add_last_step(self, table):
        """Adds the step in which each row was last updated, int64 [rows], on the devices of its table."""
        with self._distribution_strategy.extended.colocate_vars_with(table.value):
            # Not int32, which TensorFlow keeps off GPUs.
            return self.add_variable(table.shape[:1], dtype="int64", name=f"{table.path.replace('/', '_')}_last_step")

    def update_step(self, gradient, variable, learning_rate):
        index = self._get_variable_index(variable)
        rate = learning_rate * self._factors[index]
        if self._last_steps[index] is None:
            super().update_step(tf.convert_to_tensor(gradient), variable, rate)
        else:
            self._update_rows(*_sum_by_row(gradient), variable, rate)

    def _update_rows(self, rows, gradient, table, rate):
        """Updates some rows of a table, int [rows], each of them once, by their gradient, [rows, ...]."""
        index = self._get_variable_index(table)
        step, last_step, velocity = self.iterations + 1, self._last_steps[index].value, self._velocities[index].value
        decay = tf.pow(self.beta_2, tf.cast(step - tf.gather(last_step, rows), table.dtype))
        decay = tf.reshape(decay, [-1] + [1] * (len(table.shape) - 1))
        square = decay * tf.gather(velocity, rows) + (1 - self.beta_2) * gradient**2
        # As in Adam, at first there are few squares to take the mean of.
        rate *= tf.sqrt(1 - tf.pow(self.beta_2, tf.cast(step, table.dtype)))
        self.assign(last_step, tf.IndexedSlices(tf.fill(tf.shape(rows), step), rows))
        self.assign(velocity, tf.IndexedSlices(square, rows))
        self.assign_sub(table, tf.IndexedSlices(rate * gradient / (tf.sqrt(square) + self.epsilon), rows))


def _sum_by_row(gradient: tf.Tensor | tf.IndexedSlices) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the rows that a gradient has, int [rows], each of them once, and their gradient, [rows, ...]."""
    if not isinstance(gradient, tf.IndexedSlices):
        return tf.range(tf.shape(gradient)[0]), gradient
    # Of a token that a batch holds twice, the squares of the parts are not that of their sum.
    rows, places = tf.unique(gradient.indices)
    return rows, tf.math.unsorted_segment_sum(gradient.values, places, tf.size(rows))


def compile_model(model: keras.Model, head: Head, learning_rate: float, *, decay_steps: int | None) -> None:
    """Prepares a model for fitting.

    Args:
      model: Of an architecture.
      head: Its head, whose loss is fitted.
      learning_rate: Of the first step.
      decay_steps: Over how many steps it falls to nearly zero, along a cosine; None keeps it.
    """
    rate: float | keras.optimizers.schedules.LearningRateSchedule = learning_rate
    if decay_steps:
        rate = keras.optimizers.schedules.CosineDecay(learning_rate, decay_steps, alpha=0.02)
    # XLA would compile anew for every padded length.
    model.compile(optimizer=BranchAdam(rate), loss=head.loss, jit_compile=False)


@contextlib.contextmanager
def precision(*, mixed: bool) -> Iterator[None]:
    """Within it, layers compute in half precision where they are asked to; what sums up stays in float32.

    A GPU may then round the factors of a float32 product to 10 bits (TensorFloat-32), but no longer after
    it: what is evaluated and exported must be what a CPU computes.
    """
    before = keras.config.dtype_policy()
    if mixed:
        keras.config.set_dtype_policy("mixed_float16")
    tf.config.experimental.enable_tensor_float_32_execution(True)
    try:
        yield
    finally:
        tf.config.experimental.enable_tensor_float_32_execution(False)
        keras.config.set_dtype_policy(before)
