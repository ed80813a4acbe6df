"""Reasons: what they add up to, which phrases they pick, and that their words are the review's own."""

import re

import numpy as np
import pytest
import tensorflow as tf

from beam_pipelines.text import tokens
from tests.helpers.exports import serve, signatures, version
from tests.helpers.texts import TEXTS
from trainer import explanation

OWN_WORDS = [
    "It's an EXCELLENT, truly brilliant record; the drums...\n\nbut the last song was DULL (and awful)!",
    "Boring. Terrible. A waste!",
    "café brilliant İstanbul excellent 🤘🔥 <br /><br />stunning\u00a0voice",
]


def strongest(points: list[float], length: int | None = None, joined: tuple[int, ...] = ()):
    length = len(points) if length is None else length
    joined = tf.constant([np.isin(np.arange(len(points)), joined)])
    found = explanation.strongest(tf.constant([points], tf.float32), tf.constant([length], tf.int64), joined)
    spans = zip(found.starts.numpy()[0], found.lengths.numpy()[0], found.points.numpy()[0], strict=True)
    return [(int(start), int(size), round(float(point), 4)) for start, size, point in spans if size]


def test_the_strongest_phrases_up_then_down():
    assert strongest([0, 3, 2, -1, 0, -4, -1, 0, 1]) == [(1, 2, 5), (8, 1, 1), (3, 4, -6)]


def test_a_phrase_is_never_longer_than_allowed_and_none_overlap():
    random = np.random.default_rng(0)
    for _ in range(20):
        points = random.normal(size=60).tolist()
        found = strongest(points)
        assert [np.sign(point) for _, _, point in found] == [1, 1, 1, -1, -1, -1]
        taken = [token for start, size, _ in found for token in range(start, start + size)]
        assert len(set(taken)) == len(taken)
        for start, size, point in found:
            assert 1 <= size <= explanation.LONGEST_PHRASE
            assert point == pytest.approx(sum(points[start : start + size]), abs=1e-3)
        best = max(sum(points[i : i + size]) for size in range(1, 6) for i in range(61 - size))
        assert found[0][2] == pytest.approx(best, abs=1e-3)


def test_padding_is_in_no_phrase():
    assert strongest([1, 1, 9, 9, 9], length=2) == [(0, 2, 2)]


def test_a_phrase_holds_whole_words():
    """Tokens 2 and 3 belong to the word that begins at 1."""
    assert strongest([0, -1, 5, 0, -1], joined=(2, 3)) == [(1, 3, 4), (4, 1, -1)]
    assert strongest([0, -1, 5, -2, 1], joined=(2, 3)) == [(1, 4, 3)]


def test_taking_out_tells_the_change_of_the_score():
    """A score that counts tokens 7, less tokens 8: what is gone is what it changes by."""

    def score(ids):
        return tf.reduce_sum(tf.cast(ids == 7, tf.float32) - tf.cast(ids == 8, tf.float32), axis=1)

    review = [7, 7, 2, 2, 8, 2, 2, 2, 2, 2, 7]
    ids = np.zeros((2, 15), np.int64)
    ids[0, :11], ids[1, :2] = review, [7, 2]
    found = explanation.taken_out(score, tf.constant(ids), tf.constant([11, 2], tf.int64), tf.zeros([2, 15], bool))
    assert found.points.numpy().tolist() == [[2, 1, 0, -1, 0, 0], [1, 0, 0, 0, 0, 0]]
    assert found.starts.numpy()[0, [0, 1, 3]].tolist() == [0, 8, 4]
    assert found.lengths.numpy()[0].tolist() == [4, 3, 0, 4, 0, 0]
    assert found.lengths.numpy()[1].tolist() == [2, 0, 0, 0, 0, 0]


@pytest.mark.parametrize("length", [1, 3, 4, 5, 6, 7, 8, 9, 300])
def test_every_phrase_that_is_taken_out_leaves_all_the_others(length):
    """Against removing each phrase by hand; a score that depends on every token and its place among them."""
    ids = np.random.default_rng(length).integers(2, 50, length)

    def score(ids):
        weights = tf.cast(ids, tf.float32) / 50
        return tf.reduce_sum(weights, axis=1) / tf.cast(tf.math.count_nonzero(ids, axis=1), tf.float32)

    found = explanation.taken_out(
        score, tf.constant([[*ids, 0, 0]], tf.int64), tf.constant([length], tf.int64), tf.zeros([1, length + 2], bool)
    )
    size = max(explanation.SHORTEST_TAKEN_OUT, -(-length // explanation.TAKEN_OUT))
    expected = {}
    for start in range(0, length, size):
        left = np.delete(ids, slice(start, start + size))
        expected[start] = (ids / 50).mean() - ((left if len(left) else np.array([1])) / 50).mean()
    ups = sorted((point for point in expected.values() if point > 0), reverse=True)[: explanation.PHRASES]
    assert found.points.numpy()[0, : len(ups)] == pytest.approx(ups, abs=1e-5)
    for start, size_found, point in zip(*(part.numpy()[0] for part in vars(found).values()), strict=True):
        if size_found:
            assert point == pytest.approx(expected[start], abs=1e-5)


def explained(folder, texts: list[str]) -> dict[str, np.ndarray]:
    found = signatures(folder)["explain"](text=tf.constant(texts, tf.string))
    return {**serve(folder, texts), **{name: values.numpy() for name, values in found.items()}}


def test_phrases_are_the_reviews_own_words(trained):
    found = explained(version(trained), OWN_WORDS)
    for text, phrases in zip(OWN_WORDS, found["phrases"], strict=True):
        assert any(phrases)
        for phrase in (phrase.decode() for phrase in phrases if phrase):
            apart = "[" + re.escape(tokens.FILTERED) + " \\v\\f]"
            assert re.search(f"(^|{apart}){re.escape(phrase)}($|{apart})", text)


def test_what_is_taken_out_are_whole_words():
    """Eight tokens, of which the fifth belongs to the word before: it goes with that word."""

    def score(ids):
        return tf.reduce_sum(tf.cast(ids, tf.float32), axis=1)

    joined = tf.constant([[False, False, False, False, True, True, False, False]])
    ids = tf.constant([[2, 3, 4, 5, 6, 7, 8, 9]], tf.int64)
    found = explanation.taken_out(score, ids, tf.constant([8], tf.int64), joined)
    assert found.starts.numpy()[0, :2].tolist() == [3, 0]
    assert found.lengths.numpy()[0].tolist() == [5, 3, 0, 0, 0, 0]
    assert found.points.numpy()[0, :2].tolist() == [35, 9]


def test_an_apostrophe_joins_the_tokens_of_a_word():
    text = tf.constant(["It isn't bad, they're good", "rock'n'roll", "'x' 'y", "", "a' b"])
    found = explanation.joined(text, tf.constant(8)).numpy()
    assert [np.flatnonzero(row).tolist() for row in found] == [[2, 5], [1, 2], [], [], []]
    assert explanation.joined(text, tf.constant(2)).numpy().shape == (5, 2)


def test_good_words_lift_and_bad_ones_lower(trained):
    if "notebook" in str(trained):
        pytest.skip("the notebook's models learn little from so few reviews")
    found = explained(version(trained), [OWN_WORDS[0]])
    up, down = (b" ".join(found["phrases"][0, part]).decode() for part in (slice(3), slice(3, 6)))
    assert "EXCELLENT" in up or "brilliant" in up
    assert "DULL" in down or "awful" in down
    assert (found["points"][0, :3] >= 0).all()
    assert (found["points"][0, 3:] <= 0).all()


def test_points_and_rest_are_the_explained_score_near_the_score(trained):
    found = explained(version(trained), TEXTS + OWN_WORDS)
    if "explained_rest" in found:
        assert found["explained_rest"] + found["points"].sum(axis=1) == pytest.approx(
            found["explained_score"], abs=1e-2
        )
        assert np.abs(found["explained_score"].clip(0, 100) - found["score"]).mean() < 10
    else:
        assert found["explained_score"] == pytest.approx(found["score"], abs=1e-3)


def test_what_an_lstm_tells_is_the_change_when_the_phrase_is_gone(trained):
    text = "excellent song and it was dull"
    found = explained(version(trained), [text])
    if "explained_rest" not in found:
        told = [pair for pair in zip(found["phrases"][0], found["points"][0], strict=True) if pair[0]]
        assert told
        for phrase, points in told:
            without = explained(version(trained), [text.replace(phrase.decode(), "")])["score"][0]
            assert found["score"][0] - without == pytest.approx(points, abs=1e-3)


def test_texts_without_words_have_no_reasons(trained):
    found = explained(version(trained), ["", " \t ", "!!!"])
    assert (found["phrases"] == b"").all()
    assert (found["points"] == 0).all() or "explained_rest" not in found
    if "explained_rest" in found:
        assert found["explained_rest"] == pytest.approx(found["explained_score"], abs=1e-4)
    assert explained(version(trained), [])["phrases"].shape[0] == 0
