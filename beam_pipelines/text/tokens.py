"""The one tokeniser: the TensorFlow operations that split text into tokens.

The tf.Transform graph runs these operations, and serving runs the graph. Preprocessing and bulk scoring run the
compiled twin, `compiled_tokenizer`.
"""

import dataclasses
import functools
import itertools
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import tensorflow as tf

from beam_pipelines.artifacts.tokenizer import AS_TYPED, Tokenizer
from beam_pipelines.text import characters

# TensorFlow's tokens take many times the memory of their text, so a block is tokenised in batches of this size.
BATCH_BYTES = 1 << 20

# Lower case with UTF-8 follows the process's locale (a Turkish one lowers I to a dotless i). ASCII and the dotted
# capital I, the letters on which locales differ, are lowered before it.
_DOTTED_CAPITAL_I, _DOTTED_I = "\u0130", "i\u0307"


def batches_by_bytes(texts: pa.Array, max_bytes: int = BATCH_BYTES) -> Iterator[pa.Array]:
    """Cuts texts, string [batch], into batches of about `max_bytes`, at least one batch and one text each.

    >>> [len(batch) for batch in batches_by_bytes(pa.array(["a" * 10] * 5), 60)]
    [4, 1]
    """
    rows = max(max_bytes * len(texts) // max(texts.nbytes, 1), 1)
    for first in range(0, max(len(texts), 1), rows):
        yield texts.slice(first, rows)


def cut(text: str, max_tokens: int, rule: Tokenizer) -> str:
    """Cuts a text after so many of the tokens of `tokenize`.

    >>> cut("It isn't bad.", 3, Tokenizer("plain_1", punctuation_tokens=True))
    "It isn't"
    """
    found = characters.token_pattern(rule).finditer(text)
    last = next(itertools.islice(found, max_tokens - 1, None), None)
    return text[: last.end()] if last else text


def tokenize(texts: tf.Tensor, rule: Tokenizer) -> tf.RaggedTensor:
    """Makes typography plain, replaces what parts tokens by spaces, lowers (Unicode) and splits at the spaces.

    Args:
      texts: string [batch], UTF-8.
      rule: What each character is.

    Returns:
      Ragged string [batch, tokens].
    """
    any_of = functools.partial(characters.any_of, rule)
    if rule.typography != AS_TYPED:
        texts = tf.strings.regex_replace(texts, any_of((characters.INVISIBLE,)), "")
    between = any_of((characters.SPACE, characters.APOSTROPHE), beside=characters.WHITE_SPACE)
    texts = tf.strings.regex_replace(texts, between, " ")
    if rule.punctuation_tokens:
        for kind, mark in characters.WRITTEN.items():
            texts = tf.strings.regex_replace(texts, any_of((kind,)), f" {mark} ")
        if rule.typography != AS_TYPED:
            flag, pictograph = any_of((characters.FLAG,)), any_of((characters.PICTOGRAPH, characters.FLAG))
            texts = tf.strings.regex_replace(texts, f"{flag}{{2}}|{pictograph}", r" \0 ")
    return tf.strings.split(lower_case(texts))


def lower_case(texts: tf.Tensor) -> tf.Tensor:
    """Lowers texts without NUL, string [batch], which neither makes nor joins tokens."""
    texts = tf.strings.lower(texts)
    texts = tf.strings.regex_replace(texts, _DOTTED_CAPITAL_I, _DOTTED_I)
    return tf.strings.lower(texts, encoding="utf-8")


@dataclasses.dataclass(frozen=True)
class Spans:
    """Where the tokens of texts stand, each ragged [batch, tokens].

    Attributes:
      starts: int32, the offset of each token's first byte.
      ends: int32, that of the byte after its last, and after what is invisible behind it.
      joined: bool, whether an apostrophe alone parts it from the token before, as in "isn't".
    """

    starts: tf.RaggedTensor
    ends: tf.RaggedTensor
    joined: tf.RaggedTensor


def spans(texts: tf.Tensor, rule: Tokenizer) -> Spans:
    """Finds the spans of the tokens of `tokenize` in the texts.

    Lower case moves offsets and is left out, as it neither makes nor joins tokens.

    Args:
      texts: string [batch], UTF-8.
      rule: What each character is.
    """
    # With a space after each text, all can be one row. Bytes that are not UTF-8 are letters, as in `tokenize`.
    spaced = tf.strings.join([texts, " "])
    codes, offsets = tf.strings.unicode_decode_with_offsets(spaced, "UTF-8", replacement_char=ord("a"))
    visible, kinds = _visible_kinds(codes.flat_values, rule)
    starts, lasts = _edges(kinds)
    joined = starts - tf.concat([[-2], lasts], axis=0)[:-1] == 2
    joined &= tf.gather(kinds, tf.maximum(starts - 1, 0)) == characters.APOSTROPHE
    rows = tf.gather(codes.value_rowids(), tf.gather(visible, starts))
    # The first place of a character that is not in the token, nor invisible behind it.
    starts, ends = (tf.gather(offsets.flat_values, tf.gather(visible, places)) for places in (starts, lasts + 1))
    ragged = functools.partial(tf.RaggedTensor.from_value_rowids, value_rowids=rows, nrows=codes.nrows())
    return Spans(ragged(tf.cast(starts, tf.int32)), ragged(tf.cast(ends, tf.int32)), ragged(joined))


def _visible_kinds(codes: tf.Tensor, rule: Tokenizer) -> tuple[tf.Tensor, tf.Tensor]:
    """Gives the places of the visible characters, int64 [visible], and their kinds, int32 [visible]."""
    firsts, kinds_of_runs = characters.runs_of_kinds(rule)
    run = tf.searchsorted(tf.constant(firsts), codes, side="right") - 1
    kinds = tf.gather(tf.constant(kinds_of_runs.astype(np.int32)), run)
    visible = tf.where(kinds != characters.INVISIBLE)[:, 0]
    return visible, tf.gather(kinds, visible)


def _edges(kinds: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Finds the first and the last character of each token, int64 [tokens], by the characters' kinds."""
    is_letter, is_flag = kinds == characters.LETTER, kinds == characters.FLAG
    is_mark = kinds >= min(characters.MARKS)
    # Every second one in a row of flag letters ends a flag: their number from the last other character is even.
    others = tf.concat([[-1], tf.where(~is_flag)[:, 0]], axis=0)
    places = tf.range(tf.size(kinds, tf.int64))
    ends_flag = is_flag & ((places - tf.gather(others, tf.cumsum(tf.cast(~is_flag, tf.int32)))) % 2 == 0)
    starts_flag = tf.concat([ends_flag, [False]], axis=0)[1:]
    after_letter = tf.concat([[False], is_letter], axis=0)[:-1]
    before_letter = tf.concat([is_letter, [False]], axis=0)[1:]
    starts = is_letter & ~after_letter | is_mark & ~ends_flag
    lasts = is_letter & ~before_letter | is_mark & ~starts_flag
    return tf.where(starts)[:, 0], tf.where(lasts)[:, 0]
