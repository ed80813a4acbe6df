"""Explains scores: picks the phrases of a review that moved its score most, up and down.

Where the parts of tokens add up to the score, as an architecture's `contributions` do, a phrase's part is their sum:
`strongest`. Of any other model, it is the change of the score when the phrase is taken out: `taken_out`.
"""

import dataclasses
import typing

import tensorflow as tf

from beam_pipelines.text import tokens, vocabulary

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
      starts: int32 [batch, phrases], the index of the first token.
      lengths: int32 [batch, phrases], in tokens; 0 where there is no such phrase.
      points: float32 [batch, phrases], what the phrase adds, in shares of the scale.
    """

    starts: tf.Tensor
    lengths: tf.Tensor
    points: tf.Tensor


def joined(text: tf.Tensor, time: tf.Tensor) -> tf.Tensor:
    """Marks the tokens that an apostrophe alone parts from the one before, as in "isn't": bool [batch, time]."""
    starts, ends = tokens.spans(text)
    none = tf.zeros([tf.shape(text)[0], 1], tf.int32)
    previous = tf.concat([none, ends], axis=1)[:, :-1].flat_values
    near = starts.flat_values - previous == 1
    texts = tf.gather(text, starts.value_rowids())
    between = tf.strings.substr(texts, tf.where(near, previous, 0), tf.where(near, 1, 0))
    first = tf.ragged.range(tf.cast(starts.row_lengths(), tf.int32)).flat_values == 0
    is_joined = starts.with_flat_values((between == "'") & ~first).to_tensor()
    # Of a cut text, there are more tokens than ids.
    return tf.pad(is_joined, [[0, 0], [0, time]])[:, :time]


def strongest(points: tf.Tensor, lengths: tf.Tensor, joined: tf.Tensor) -> Phrases:
    """Picks the phrases of up to `LONGEST_PHRASE` tokens whose sums are greatest, none overlapping.

    Args:
      points: float32 [batch, time], of each token.
      lengths: int64 [batch], the tokens of each review.
      joined: bool [batch, time], which tokens belong to the word before; no word is cut.
    """
    time = tf.shape(points)[1]
    # The sum of a phrase is the difference of two sums from the start of the review.
    sums = tf.cumsum(tf.pad(points, [[0, 0], [1, LONGEST_PHRASE]]), axis=1)
    starts = tf.range(time)[tf.newaxis, tf.newaxis]
    sizes = tf.range(1, LONGEST_PHRASE + 1)[tf.newaxis, :, tf.newaxis]
    windows = tf.stack([sums[:, size : size + time] - sums[:, :time] for size in range(1, LONGEST_PHRASE + 1)], axis=1)
    whole = ~tf.pad(joined, [[0, 0], [0, LONGEST_PHRASE]])
    words = tf.stack([whole[:, :time] & whole[:, size : size + time] for size in range(1, LONGEST_PHRASE + 1)], axis=1)
    windows = tf.where(words & (starts + sizes <= tf.cast(lengths, tf.int32)[:, tf.newaxis, tf.newaxis]), windows, 0)
    picked: dict[float, list[tuple[tf.Tensor, ...]]] = {1.0: [], -1.0: []}
    for sign in [*picked] * PHRASES:
        flat = tf.reshape(sign * windows, [tf.shape(windows)[0], -1])
        best, value = tf.argmax(flat, axis=1, output_type=tf.int32), tf.reduce_max(flat, axis=1)
        start, size = best % time, best // time + 1
        picked[sign].append((start, tf.where(value > 0, size, 0), sign * value))
        start, size = (part[:, tf.newaxis, tf.newaxis] for part in (start, size))
        # What overlaps with the picked phrase is out.
        windows = tf.where((starts + sizes <= start) | (starts >= start + size), windows, 0)
    return Phrases(*(tf.stack(part, axis=1) for part in zip(*picked[1.0], *picked[-1.0], strict=True)))


def taken_out(
    score: typing.Callable[[tf.Tensor], tf.Tensor], ids: tf.Tensor, lengths: tf.Tensor, joined: tf.Tensor
) -> Phrases:
    """Measures how the score changes when a phrase is taken out, for phrases that cover the review.

    Args:
      score: ids int64 [batch, time] -> float32 [batch].
      ids: int64 [batch, time].
      lengths: int64 [batch].
      joined: bool [batch, time], which tokens belong to the word before; no word is cut.
    """

    def of_review(review):
        ids, length, joined = review
        length = tf.cast(length, tf.int32)
        ids, joined, indices = ids[:length], joined[:length], tf.range(length)
        starts = tf.range(0, length, tf.maximum(SHORTEST_TAKEN_OUT, -(-length // TAKEN_OUT)))
        # Moved back to where the word begins.
        begins = tf.where(~joined & (indices <= starts[:, tf.newaxis]), indices, 0)
        starts = tf.reduce_max(begins, axis=1)
        sizes = tf.concat([starts[1:], [length]], axis=0) - starts
        # A row for each phrase: the indices of the tokens that stay, then some past the end, of padding.
        kept = indices + tf.where(indices >= starts[:, tf.newaxis], sizes[:, tf.newaxis], 0)
        padding = tf.fill([tf.reduce_max(sizes)], tf.constant(vocabulary.PADDING_ID, tf.int64))
        filled = tf.concat([ids, padding], axis=0)
        without = tf.gather(filled, kept)
        # Without any token left, a review is what an empty one is: one unknown token.
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
    """Cuts the phrases out of the text, string [batch, phrases]; empty where there is none."""
    starts, ends = (spans.to_tensor() for spans in tokens.spans(text))
    # A column at least, for texts without any token.
    starts, ends = (tf.pad(spans, [[0, 0], [0, 1]]) for spans in (starts, ends))
    first = tf.minimum(phrases.starts, tf.shape(starts)[1] - 1)
    last = tf.minimum(tf.maximum(phrases.starts + phrases.lengths - 1, 0), tf.shape(starts)[1] - 1)
    begin = tf.gather(starts, first, batch_dims=1)
    size = tf.where(phrases.lengths > 0, tf.gather(ends, last, batch_dims=1) - begin, 0)
    texts = tf.tile(text[:, tf.newaxis], [1, tf.shape(first)[1]])
    return tf.strings.substr(texts, begin, tf.maximum(size, 0))
