"""The folded form of an LSTM: its embeddings multiplied into the gates, so that only the recurrence is left.

`fold` gives a row for each token, and `finish` makes of the pooled states what the model says.
"""

import keras
import tensorflow as tf

from trainer.architectures import cnn


def fold(model: keras.Model) -> dict[str, tf.Tensor]:
    """Folds an LSTM built by `models.build`.

    Returns:
      `table` float32 [vocab, 8 units + columns], a row for each token: what it adds to the four gates of
      the forward direction, in Keras's order, with their bias, to those of the backward direction, then
      what it adds to the review's sums; `recurrent` float32 [2, units, 4 units], of both directions.
    """
    vectors = model.get_layer("vectors").table()
    cells = [direction.cell for direction in (_lstm(model).forward, _lstm(model).backward)]
    columns = [tf.matmul(vectors, cell.kernel) + cell.bias for cell in cells]
    columns.append(cnn.word_rows(model, tf.range(tf.shape(vectors)[0])))
    recurrent = [tf.convert_to_tensor(cell.recurrent_kernel) for cell in cells]
    return {"table": tf.concat(columns, axis=1), "recurrent": tf.stack(recurrent)}


def finish(model: keras.Model, highest: tf.Tensor, mean: tf.Tensor, last: tf.Tensor, sums: tf.Tensor) -> tf.Tensor:
    """What the model says of reviews, given their pooled states.

    Args:
      model: An LSTM.
      highest: float32 [batch, 2 units], the greatest of the states, of both directions.
      mean: Likewise, their mean.
      last: Likewise, each direction's state after its last token.
      sums: float32 [batch, columns], the sums of the tokens' last columns.

    Returns:
      float32 [batch, outputs], as of the model itself.
    """
    if model.name != "lstm":
        slope, shift = cnn.normalization(model)
        return model.get_layer("score")(slope * last + shift)
    pooled = tf.concat([highest, mean], axis=1)
    return cnn.word_logits(model, sums) + model.get_layer("frozen_logits")(pooled)


def _lstm(model: keras.Model) -> keras.layers.Layer:
    return model.get_layer("frozen_lstm" if model.name == "lstm" else "lstm")
