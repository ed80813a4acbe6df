"""A large batch is answered in slices: as each of its texts alone, within the memory of a small batch."""

import json
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from tests.helpers.exports import signatures, version
from trainer import row_slices

MEMORY = """
import json, pathlib, re, sys
import tensorflow as tf

signatures = tf.saved_model.load(sys.argv[1]).signatures
short, long = ["a"] * 20_000, ["good " * 4_000]
peak = lambda: int(re.search(r"VmHWM:\\s+(\\d+) kB", pathlib.Path("/proc/self/status").read_text())[1]) // 1024
answer = lambda texts: len(signatures["serving_default"](text=tf.constant(texts))["score"])
answer(long * 32)
before = peak()
print(json.dumps([answer(short + long), peak() - before]))
"""


@tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
def padded(text):
    """Returns texts, and what the batch that they came in was padded to, if 50 bytes of a text are read."""
    longest = tf.reduce_max(tf.concat([[0], tf.minimum(tf.strings.length(text), 50)], axis=0))
    return {"text": text, "cells": tf.fill([tf.size(text), 2], tf.size(text) * longest)}


def answered(texts: list[bytes]) -> dict[str, np.ndarray]:
    call = tf.function(lambda text: row_slices.answer(padded, text, 50), input_signature=padded.input_signature)
    return {name: values.numpy() for name, values in call(tf.constant(texts, tf.string)).items()}


def test_slices_are_padded_to_the_bound_at_most_and_stay_in_order():
    texts = [b"%d" % place for place in range(5_000)] + [b"x" * 1_000]
    found = answered(texts)
    assert found["text"].tolist() == texts
    assert found["cells"].shape == (5_001, 2)
    # 1,159 texts of 50 tokens, of 32 that a text takes in any case, and of 31 for its bytes: the first, and those with
    # the longest of the others. The rest is shorter, and fits into a slice.
    cells = [1_159 * 4] * 1_159 + [1_159 * 50] * 1_158 + [2_683 * 4] * 2_683 + [1_159 * 50]
    assert found["cells"][:, 0].tolist() == cells


def test_short_texts_beside_a_very_long_one_are_not_answered_one_by_one():
    texts = [b"x"] * 10_000
    texts[5_000] *= 4_000_000
    cells = answered(texts)["cells"][:, 0]
    # That one alone, once with the first text, and 3,971 of the others.
    assert (cells == 3_971).sum() == 2 * 3_971
    assert (cells[0], cells[5_000], (cells == 1).sum()) == (1, 50, 1)


def test_texts_of_many_lengths_stay_in_order():
    texts = [b"x" * (place * 7919 % 3_001) for place in range(3_000)]
    assert answered(texts)["text"].tolist() == texts


@pytest.mark.parametrize("texts", [[], [b""], [b"", b"x" * 1_000]])
def test_a_small_batch_is_one_slice(texts):
    found = answered(texts)
    assert found["text"].tolist() == texts
    assert found["cells"].shape == (len(texts), 2)


def test_more_texts_than_an_answer_should_hold_are_refused():
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"Send at most 65,536 texts in a request\."):
        answered([b""] * 65_537)


@pytest.mark.parametrize("signature", ["serving_default", "explain"])
def test_a_review_is_answered_in_slices_as_in_a_small_batch(trained, signature):
    call = signatures(version(trained))[signature]
    texts = [
        "an excellent record",
        "",
        "boring " * 30,
        "it isn't good \u2014 a dull voice!",
        "excellent unheardof",
    ] * 140
    # Its 5,100 bytes are cut after 200 tokens, and 335 such reviews make a slice.
    texts[333] = "excellent boring " * 300
    found = call(text=tf.constant(texts))
    small = {place: call(text=tf.constant(texts[place : place + 5])) for place in (0, 330, 333, 667, 695)}
    for place, expected in small.items():
        for name, values in expected.items():
            part = found[name][place : place + 5].numpy()
            if values.dtype == tf.string:
                assert part.tolist() == values.numpy().tolist()
            else:
                assert part == pytest.approx(values.numpy(), abs=1e-3), name


@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak of the memory from /proc")
def test_many_short_reviews_beside_a_long_one_take_no_more_memory_than_a_few_long_ones(trained_once):
    command = [sys.executable, "-c", MEMORY, version(trained_once("lstm"))]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    answers, mib = json.loads(printed)
    assert answers == 20_001
    # Padded at once they take 8 GB.
    assert mib < 500
