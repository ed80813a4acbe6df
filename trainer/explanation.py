"""Why a review got its score: the phrases that moved it most, up and down.

A CNN is a constant and one term for each token or window, up to its last layer, so what its phrases
add can be told exactly. Of any other model we tell how its score changes when a phrase is taken out.
"""

import dataclasses
import typing

import keras
import tensorflow as tf

from beam_pipelines.text import tokens, vocabulary
from trainer.architectures import build, cnn

# So many phrases up and as many down.
PHRASES = 3
LONGEST_PHRASE = 5
# Phrases to take out are longer in a long review, of which there are at most so many.
TAKEN_OUT = 64
SHORTEST_TAKEN_OUT = 4


@dataclasses.dataclass(frozen=True)
class Phrases:
    """Phrases of reviews, the first half up, the second down, each by falling size.

    Attributes:
      starts: int32 [batch, phrases], the place of the first token.
      lengths: int32 [batch, phrases], in tokens; 0 where there is no such phrase.
      points: float32 [batch, phrases], what the phrase adds, in shares of the scale.
    """

    starts: tf.Tensor
    lengths: tf.Tensor
    points: tf.Tensor


def contributions(model: keras.Model, rows: cnn.Rows, ids: tf.RaggedTensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Splits what a CNN says into its tokens' parts.

    A window's part is shared out evenly among its tokens.

    Args:
      model: A CNN of `models.build`.
      rows: The model's.
      ids: int64 [batch, time], at least one in each review.

    Returns:
      float32 [batch, time, outputs], which over time add up, with the constants, to the model's
      outputs; the constants, float32 [outputs].
    """
    windows = _padded(ids.with_flat_values(tf.nn.relu(rows.windows(ids))))
    mask = tf.sequence_mask(ids.row_lengths(), tf.shape(windows)[1])
    if model.name != "cnn":
        hidden, score = model.get_layer("hidden"), model.get_layer("score")
        slope, shift = cnn.normalization(model)
        parts = _greatest(windows * slope, mask) @ hidden.kernel @ score.kernel
        constants = score(hidden(shift[tf.newaxis]))[0]
        return _to_tokens(parts, mask, rows.widths.max()), constants
    sums = _padded(ids.with_flat_values(rows.to_sums(ids.flat_values)))
    total = sums[..., :-1] / tf.sqrt(tf.reduce_sum(sums[..., -1:], axis=1, keepdims=True))
    count = tf.cast(ids.row_lengths(), tf.float32)[:, tf.newaxis, tf.newaxis]
    kernels = tf.split(model.get_layer("frozen_logits").kernel, 2 * len(build.WIDTHS))
    by_width = tf.split(windows, len(build.WIDTHS), axis=2)
    for width, windows, of_greatest, of_mean in zip(build.WIDTHS, by_width, kernels[::2], kernels[1::2], strict=True):
        parts = _greatest(windows, mask) @ of_greatest + windows / count @ of_mean
        total += _to_tokens(parts, mask, width)
    return total, tf.convert_to_tensor(model.get_layer("words_logits").bias)


def _padded(values: tf.RaggedTensor) -> tf.Tensor:
    """Of ragged float32 [batch, time, dim]; one column at least: an empty batch has no longest review."""
    padded = values.to_tensor()
    return tf.pad(padded, [[0, 0], [0, tf.maximum(1 - tf.shape(padded)[1], 0)], [0, 0]])


def _greatest(windows: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
    """Keeps each filter's greatest window, zeros the others: float32 [batch, time, filters]."""
    lifted = tf.where(mask[..., tf.newaxis], windows, windows.dtype.min)
    return windows * tf.one_hot(tf.argmax(lifted, axis=1), tf.shape(windows)[1], axis=1)


def _to_tokens(parts: tf.Tensor, mask: tf.Tensor, width: int) -> tf.Tensor:
    """Shares each window's part out among its tokens that are no padding: float32 [batch, time, outputs]."""
    ones = tf.pad(tf.cast(mask, tf.float32), [[0, 0], [0, width - 1]])
    time = tf.shape(mask)[1]
    tokens_of_window = tf.add_n([ones[:, place : place + time] for place in range(width)])
    parts /= tf.maximum(tokens_of_window, 1)[..., tf.newaxis]
    # A token stands at place k of the window that starts k tokens before it.
    parts = tf.pad(parts, [[0, 0], [width - 1, 0], [0, 0]])
    total = tf.add_n([parts[:, width - 1 - place : width - 1 - place + time] for place in range(width)])
    return tf.where(mask[..., tf.newaxis], total, 0)


def joined(text: tf.Tensor, time: tf.Tensor) -> tf.Tensor:
    """Whether an apostrophe alone stands between a token and the one before, as in "isn't": bool [batch, time]."""
    starts, ends = tokens.spans(text)
    none = tf.zeros([tf.shape(text)[0], 1], tf.int32)
    previous = tf.concat([none, ends], axis=1)[:, :-1].flat_values
    near = starts.flat_values - previous == 1
    texts = tf.gather(text, starts.value_rowids())
    between = tf.strings.substr(texts, tf.where(near, previous, 0), tf.where(near, 1, 0))
    first = tf.ragged.range(tf.cast(starts.row_lengths(), tf.int32)).flat_values == 0
    found = starts.with_flat_values((between == "'") & ~first).to_tensor()
    # Of a cut text, there are more tokens than ids.
    return tf.pad(found, [[0, 0], [0, time]])[:, :time]


def strongest(points: tf.Tensor, lengths: tf.Tensor, joined: tf.Tensor) -> Phrases:
    """Picks the phrases of up to `LONGEST_PHRASE` tokens whose sums are greatest, none overlapping.

    Args:
      points: float32 [batch, time], of each token.
      lengths: int64 [batch], the tokens of each review.
      joined: bool [batch, time], which tokens belong to the word before; no word is cut.
    """
    time = tf.shape(points)[1]
    sums = tf.cumsum(tf.pad(points, [[0, 0], [1, LONGEST_PHRASE]]), axis=1)
    places = tf.range(time)[tf.newaxis, tf.newaxis]
    sizes = tf.range(1, LONGEST_PHRASE + 1)[tf.newaxis, :, tf.newaxis]
    windows = tf.stack([sums[:, size : size + time] - sums[:, :time] for size in range(1, LONGEST_PHRASE + 1)], axis=1)
    whole = ~tf.pad(joined, [[0, 0], [0, LONGEST_PHRASE]])
    words = tf.stack([whole[:, :time] & whole[:, size : size + time] for size in range(1, LONGEST_PHRASE + 1)], axis=1)
    windows = tf.where(words & (places + sizes <= tf.cast(lengths, tf.int32)[:, tf.newaxis, tf.newaxis]), windows, 0)
    picked = {1.0: [], -1.0: []}
    for sign in [*picked] * PHRASES:
        flat = tf.reshape(sign * windows, [tf.shape(windows)[0], -1])
        best, value = tf.argmax(flat, axis=1, output_type=tf.int32), tf.reduce_max(flat, axis=1)
        start, size = best % time, best // time + 1
        picked[sign].append((start, tf.where(value > 0, size, 0), sign * value))
        start, size = (part[:, tf.newaxis, tf.newaxis] for part in (start, size))
        windows = tf.where((places + sizes <= start) | (places >= start + size), windows, 0)
    return Phrases(*(tf.stack(part, axis=1) for part in zip(*picked[1.0], *picked[-1.0], strict=True)))


def taken_out(
    score: typing.Callable[[tf.Tensor], tf.Tensor], ids: tf.Tensor, lengths: tf.Tensor, joined: tf.Tensor
) -> Phrases:
    """Tells how the score changes when a phrase is taken out, for phrases that cover the review.

    Args:
      score: ids int64 [batch, time] -> float32 [batch].
      ids: int64 [batch, time].
      lengths: int64 [batch].
      joined: bool [batch, time], which tokens belong to the word before; no word is cut.
    """

    def of_review(review):
        ids, length, joined = review
        length = tf.cast(length, tf.int32)
        ids, joined, places = ids[:length], joined[:length], tf.range(length)
        starts = tf.range(0, length, tf.maximum(SHORTEST_TAKEN_OUT, -(-length // TAKEN_OUT)))
        # Moved back to where the word begins.
        begins = tf.where(~joined & (places <= starts[:, tf.newaxis]), places, 0)
        starts = tf.reduce_max(begins, axis=1)
        sizes = tf.concat([starts[1:], [length]], axis=0) - starts
        # Past the end of a shortened review there is padding.
        left = places + tf.where(places >= starts[:, tf.newaxis], sizes[:, tf.newaxis], 0)
        # Nothing left is what an empty review is: one unknown token.
        padding = tf.fill([tf.reduce_max(sizes)], tf.constant(vocabulary.PADDING_ID, tf.int64))
        filled = tf.concat([ids, padding], axis=0)
        without = tf.gather(filled, left)
        unknown = tf.constant(vocabulary.UNKNOWN_ID, tf.int64)
        first = tf.where(without[:, :1] == vocabulary.PADDING_ID, unknown, without[:, :1])
        without = tf.concat([first, without[:, 1:]], axis=1)
        points = score(ids[tf.newaxis]) - score(without)
        # At least as many as are picked.
        points, starts, sizes = (tf.pad(values, [[0, PHRASES]]) for values in (points, starts, sizes))
        picked = []
        for sign in (1.0, -1.0):
            values, best = tf.math.top_k(sign * points, PHRASES)
            size = tf.gather(sizes, best)
            real = (values > 0) & (size > 0)
            picked.append((tf.gather(starts, best), tf.where(real, size, 0), tf.where(real, sign * values, 0)))
        return tuple(tf.concat(parts, axis=0) for parts in zip(*picked, strict=True))

    shape = [2 * PHRASES]
    signature = tuple(tf.TensorSpec(shape, kind) for kind in (tf.int32, tf.int32, tf.float32))
    return Phrases(*tf.map_fn(of_review, (ids, lengths, joined), fn_output_signature=signature))


def words_of(text: tf.Tensor, phrases: Phrases) -> tf.Tensor:
    """The phrases as they stand in the text, string [batch, phrases]; empty where there is none."""
    starts, ends = (spans.to_tensor() for spans in tokens.spans(text))
    # A column at least, for texts without any token.
    starts, ends = (tf.pad(spans, [[0, 0], [0, 1]]) for spans in (starts, ends))
    first = tf.minimum(phrases.starts, tf.shape(starts)[1] - 1)
    last = tf.minimum(tf.maximum(phrases.starts + phrases.lengths - 1, 0), tf.shape(starts)[1] - 1)
    begin = tf.gather(starts, first, batch_dims=1)
    size = tf.where(phrases.lengths > 0, tf.gather(ends, last, batch_dims=1) - begin, 0)
    texts = tf.tile(text[:, tf.newaxis], [1, tf.shape(first)[1]])
    return tf.strings.substr(texts, begin, tf.maximum(size, 0))
