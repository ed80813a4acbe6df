"""The folded form of a CNN: its embeddings multiplied into all that follows them linearly.

With frozen vectors a window's sum is a sum of rows, looked up in one table for each place in the
window; the bag of words is a row of logits for each token. So no window needs a multiplication, and
a bulk job can pool reviews of any lengths without padding: `fold` gives the rows, and `finish` makes
of the pooled sums what the model says.
"""

import keras
import numpy as np
import tensorflow as tf

from trainer import models


def fold(model: keras.Model) -> dict[str, tf.Tensor]:
    """Folds a CNN built by `models.build`.

    Returns:
      `table` float32 [vocab, columns], a row for each token: what it adds to the filters at the
      first place of a window, at the second, and so on, then what it adds to the review's sums.
      A place has columns only for the filters that reach it, which are the last ones.
      `widths` int64 [filters], ascending, and `bias` float32 [filters], added to each window.
    """
    convolutions = _convolutions(model)
    vectors = model.get_layer("vectors").table()
    widths = np.repeat([layer.kernel_size[0] for layer in convolutions], [layer.filters for layer in convolutions])
    columns = [
        tf.matmul(vectors, layer.kernel[place])
        for place in range(widths.max())
        for layer in convolutions
        if layer.kernel_size[0] > place
    ]
    if model.name == "cnn":
        words, logits = model.get_layer("words"), model.get_layer("words_logits")
        weights = tf.exp(words.log_weights)[:, tf.newaxis]
        columns += [words.SCALE * weights * tf.matmul(words.vectors, logits.kernel), weights**2]
    return {
        "table": tf.concat(columns, axis=1),
        "widths": tf.constant(widths, tf.int64),
        "bias": tf.concat([layer.bias for layer in convolutions], axis=0),
    }


def finish(model: keras.Model, highest: tf.Tensor, lowest: tf.Tensor, mean: tf.Tensor, sums: tf.Tensor) -> tf.Tensor:
    """What the model says of reviews, given their pooled windows.

    Args:
      model: A CNN.
      highest: float32 [batch, filters], the greatest sum of a window.
      lowest: Likewise, the least.
      mean: Likewise, the mean over all windows of what the rectifier leaves of a sum.
      sums: float32 [batch, columns], the sums of the tokens' last columns.

    Returns:
      float32 [batch, outputs], as of the model itself.
    """
    if model.name != "cnn":
        slope, shift = normalization(model)
        # The rectifier keeps order and the normalisation keeps or turns it, so both can wait for the pooling.
        pooled = slope * tf.nn.relu(tf.where(slope >= 0, highest, lowest)) + shift
        return model.get_layer("score")(model.get_layer("hidden")(pooled))
    counts = [layer.filters for layer in _convolutions(model)]
    parts = zip(tf.split(tf.nn.relu(highest), counts, axis=1), tf.split(mean, counts, axis=1), strict=True)
    pooled = tf.concat([pooled for pair in parts for pooled in pair], axis=1)
    logits = model.get_layer("words_logits")
    words = sums[:, :-1] / tf.sqrt(sums[:, -1:]) + logits.bias
    return words + model.get_layer("frozen_logits")(pooled)


def normalization(model: keras.Model) -> tuple[tf.Tensor, tf.Tensor]:
    """The slope and the shift of the notebook's batch normalisation, float32 [filters] each."""
    layer = model.get_layer("normalization")
    slope = layer.gamma / tf.sqrt(layer.moving_variance + layer.epsilon)
    return slope, layer.beta - slope * layer.moving_mean


def _convolutions(model: keras.Model) -> list[keras.layers.Layer]:
    names = [f"frozen_convolution_{width}" for width in models.WIDTHS] if model.name == "cnn" else ["convolution"]
    return [model.get_layer(name) for name in names]
