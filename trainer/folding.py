"""The folded form of the CNN: the embedding multiplied into the convolution, and all that is linear.

With frozen vectors, a window's sum is a sum of rows looked up in one table for each place in the
window; after the pooling the net is linear up to the score. So a score is a constant and one term
for each filter, and no window needs a multiplication.
"""

import keras
import tensorflow as tf


def fold(model: keras.Model) -> dict[str, tf.Tensor]:
    """Folds a CNN built by `models.build`.

    Returns:
      `tables` float32 [width, vocab, filters], the sums that a token adds to a window by its place;
      `bias` float32 [filters], added to each window; `slope` and `shift` float32 [filters], the
      normalisation; `weights` float32 [filters] and `constant` float32 [], from the pooled filters to
      the score in [0, 1].
    """
    vectors, convolution, normalization, hidden, score = (
        model.get_layer(name) for name in ("vectors", "convolution", "normalization", "hidden", "score")
    )
    table = tf.convert_to_tensor(vectors.table())
    slope = normalization.gamma / tf.sqrt(normalization.moving_variance + normalization.epsilon)
    weights = tf.linalg.matmul(hidden.kernel, score.kernel)
    constant = tf.linalg.matmul(hidden.bias[tf.newaxis], score.kernel) + score.bias
    return {
        "tables": tf.einsum("vd,wdf->wvf", table, convolution.kernel),
        "bias": tf.identity(convolution.bias),
        "slope": slope,
        "shift": normalization.beta - slope * normalization.moving_mean,
        "weights": weights[:, 0],
        "constant": constant[0, 0],
    }
