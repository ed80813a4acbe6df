"""Explains scores: picks the phrases of a review that moved its score most, up and down.

Where the parts of tokens add up to the score, as an architecture's `contributions` do, a phrase's part is their sum:
`strongest`. Of any other model, it is the change of the score when the phrase is taken out: the phrases of
`cover`, of which `greatest` picks.
"""

import dataclasses

import tensorflow as tf

from beam_pipelines.artifacts.tokenizer import Tokenizer
from beam_pipelines.text import tokens

# So many phrases up and as many down.
PHRASES = 3
LONGEST_PHRASE = 5
# Phrases to take out are longer in a long review, of which there are at most so many.
TAKEN_OUT = 64
SHORTEST_TAKEN_OUT = 4
# Where the phrase begins that there is not.
NOWHERE = -1


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


@dataclasses.dataclass(frozen=True)
class Words:
    """The tokens of reviews in their texts, each [batch, time]; 0 and False past the last.

    Attributes:
      starts: int32, the offset of each token's first byte.
      ends: int32, that of the byte after its last.
      joined: bool, which tokens belong to the word before, as the second of "isn't" does; no word is cut.
    """

    starts: tf.Tensor
    ends: tf.Tensor
    joined: tf.Tensor


def words(text: tf.Tensor, time: tf.Tensor, rule: Tokenizer) -> Words:
    """Finds the first `time` tokens, by a tokeniser's rule, of texts, string [batch]."""
    spans = tokens.spans(text, rule)

    def first(values: tf.RaggedTensor) -> tf.Tensor:
        # Cut before it is padded: a text that is cut may have many more tokens.
        cut = values[:, :time].to_tensor()
        return tf.pad(cut, [[0, 0], [0, time - tf.shape(cut)[1]]])

    return Words(first(spans.starts), first(spans.ends), first(spans.joined))


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
        # Where none is left, nothing is taken, and takes no place.
        start, size = tf.where(value > 0, start, 0), tf.where(value > 0, size, 0)
        picked[sign].append((start, size, sign * value))
        start, size = (part[:, tf.newaxis, tf.newaxis] for part in (start, size))
        # What overlaps with the picked phrase is out.
        windows = tf.where((starts + sizes <= start) | (starts >= start + size), windows, 0)
    return Phrases(*(tf.stack(part, axis=1) for part in zip(*picked[1.0], *picked[-1.0], strict=True)))


def cover(lengths: tf.Tensor, joined: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Cuts reviews into phrases to take out: at most `TAKEN_OUT`, that hold every token once.

    Args:
      lengths: int64 [batch], the tokens of each review.
      joined: bool [batch, time], which tokens belong to the word before; no word is cut.

    Returns:
      The first token of each phrase and its number of tokens, int32 [batch, phrases] each; a phrase may be empty.
    """
    length = tf.cast(lengths, tf.int32)[:, tf.newaxis]
    size = tf.maximum(SHORTEST_TAKEN_OUT, -(-length // TAKEN_OUT))
    starts = size * tf.range(tf.reduce_max(tf.concat([[[1]], -(-length // size)], axis=0)))
    # Moved back to where the word begins.
    words = tf.cumsum(tf.cast(~joined, tf.int32), axis=1)
    word = tf.gather(words, tf.minimum(starts, tf.shape(words)[1] - 1), batch_dims=1)
    starts = tf.where(starts < length, tf.searchsorted(words, word), length)
    return starts, tf.concat([starts[:, 1:], length], axis=1) - starts


def greatest(points: tf.Tensor, starts: tf.Tensor, sizes: tf.Tensor) -> Phrases:
    """Picks the phrases with the greatest points, up and down.

    Args:
      points: float32 [batch, phrases], how much lower the score is without each.
      starts: int32 [batch, phrases], the first token of each.
      sizes: int32 [batch, phrases], how many it has; an empty one is not picked.
    """
    # At least as many as are picked.
    points, starts, sizes = (tf.pad(values, [[0, 0], [0, PHRASES]]) for values in (points, starts, sizes))
    picked = []
    for sign in (1.0, -1.0):
        values, best = tf.math.top_k(tf.where(sizes > 0, sign * points, 0), PHRASES)
        size = tf.where(values > 0, tf.gather(sizes, best, batch_dims=1), 0)
        picked.append((tf.gather(starts, best, batch_dims=1), size, tf.where(values > 0, sign * values, 0)))
    return Phrases(*(tf.concat(parts, axis=1) for parts in zip(*picked, strict=True)))


def cut_out(text: tf.Tensor, words: Words, phrases: Phrases) -> tuple[tf.Tensor, tf.Tensor]:
    """Cuts the phrases out of the texts.

    Returns:
      The phrases, string [batch, phrases], valid UTF-8; empty where there is none. Where each begins, int64 [batch,
      phrases], in bytes of the text; `NOWHERE` where there is none.
    """
    is_phrase = phrases.lengths > 0
    last = tf.maximum(phrases.starts + phrases.lengths - 1, 0)
    begins = tf.gather(words.starts, phrases.starts, batch_dims=1)
    sizes = tf.where(is_phrase, tf.gather(words.ends, last, batch_dims=1) - begins, 0)
    # One phrase of each text at a time: for several at once, the operation copies the texts.
    columns = [
        tf.strings.substr(text, begin, size)
        for begin, size in zip(tf.unstack(begins, 2 * PHRASES, 1), tf.unstack(sizes, 2 * PHRASES, 1), strict=True)
    ]
    # A server takes any bytes, but can answer only with text.
    cut = tf.strings.unicode_transcode(tf.stack(columns, axis=1), "UTF-8", "UTF-8")
    return cut, tf.cast(tf.where(is_phrase, begins, NOWHERE), tf.int64)
