"""Reasons: what they add up to, which phrases they pick, and that their words are the review's own."""

import re
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from beam_pipelines.text import characters
from tests.helpers.exports import serve, signatures, version
from tests.helpers.texts import TEXTS
from tests.helpers.tokens import RULE
from trainer import explanation

# Prints by how many MB the peak of a process grows when it explains a long review.
PEAK_PROGRAM = """
import resource, sys
import tensorflow as tf
model = tf.saved_model.load(sys.argv[1])
explain = model.signatures["explain"]
def peak(text):
    explain(text=tf.constant([text]))
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform == "linux" else 1024**2)
short = peak("an excellent record")
print(peak("isn't good " * 20_000) - short)
"""

OWN_WORDS = [
    "It's an EXCELLENT, truly brilliant record; the drums...\n\nbut the last song was DULL (and awful)!",
    "Boring. Terrible. A waste!",
    "café brilliant İstanbul excellent 🤘🔥 <br /><br />stunning\u00a0voice",
    "didn\u2019t \u201cexcellent\u201d\u2014brilliant\u2026 so\u00adft stunning😀 dull! awful❤️\u3000boring",
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


def test_where_nothing_lifts_the_score_nothing_takes_the_place_of_what_lowers_it():
    """As in "I didn't like it"."""
    assert strongest([-1, -5, -1, -4, -3], joined=(2,)) == [(0, 5, -14)]


def covered(length: int, joined: tuple[int, ...] = (), *, time: int | None = None) -> list[tuple[int, int]]:
    """The first token and the size of each phrase that a review is cut into."""
    is_joined = tf.constant([np.isin(np.arange(time or max(length, 1)), joined)])
    starts, sizes = explanation.cover(tf.constant([length], tf.int64), is_joined)
    return list(zip(starts.numpy()[0].tolist(), sizes.numpy()[0].tolist(), strict=True))


@pytest.mark.parametrize("length", [1, 3, 4, 5, 8, 9, 256, 257, 300, 4096])
def test_the_phrases_to_take_out_hold_every_token_once(length):
    size = max(explanation.SHORTEST_TAKEN_OUT, -(-length // explanation.TAKEN_OUT))
    assert covered(length) == [(start, min(size, length - start)) for start in range(0, length, size)]
    assert len(covered(length)) <= explanation.TAKEN_OUT


def test_the_phrases_to_take_out_are_whole_words():
    """The fifth token belongs to the word before, as do all of a word that is longer than a phrase."""
    assert covered(8, (4, 5)) == [(0, 3), (3, 5)]
    assert covered(12, tuple(range(1, 11))) == [(0, 0), (0, 0), (0, 12)]
    assert covered(12, tuple(range(3, 9))) == [(0, 2), (2, 0), (2, 10)]


def test_reviews_are_cut_each_by_its_own_length():
    starts, sizes = explanation.cover(tf.constant([9, 0, 5], tf.int64), tf.zeros([3, 9], bool))
    assert starts.numpy().tolist() == [[0, 4, 8], [0, 0, 0], [0, 4, 5]]
    assert sizes.numpy().tolist() == [[4, 4, 1], [0, 0, 0], [4, 1, 0]]
    assert covered(0) == [(0, 0)]
    assert [part.shape for part in explanation.cover(tf.zeros([0], tf.int64), tf.zeros([0, 1], bool))] == [(0, 1)] * 2


def test_the_greatest_changes_are_picked_up_then_down():
    points = tf.constant([[0.5, -1, 9, 2, 0, 3, 1, -2], [0, 0, 9, 0, 0, 0, 0, 0]])
    starts = tf.constant([[0, 4, 8, 8, 12, 16, 20, 24]] * 2)
    sizes = tf.constant([[4, 4, 0, 4, 4, 4, 4, 1], [4, 4, 0, 0, 0, 0, 0, 0]])
    found = explanation.greatest(points, starts, sizes)
    assert found.points.numpy().tolist() == [[3, 2, 1, -2, -1, 0], [0] * 6]
    assert found.starts.numpy()[0, :5].tolist() == [16, 8, 20, 24, 4]
    assert found.lengths.numpy().tolist() == [[4, 4, 4, 1, 4, 0], [0] * 6]
    assert explanation.greatest(points[:, :1], starts[:, :1], sizes[:, :1]).points.numpy()[0].tolist() == [
        0.5,
        *[0] * 5,
    ]


def explained(folder, texts: list[str]) -> dict[str, np.ndarray]:
    found = signatures(folder)["explain"](text=tf.constant(texts, tf.string))
    return {**serve(folder, texts), **{name: values.numpy() for name, values in found.items()}}


def test_phrases_are_the_reviews_own_words(trained):
    found = explained(version(trained), OWN_WORDS)
    for text, phrases in zip(OWN_WORDS, found["phrases"], strict=True):
        assert any(phrases)
        for phrase in (phrase.decode() for phrase in phrases if phrase):
            # A mark has no need of a space beside it.
            mark = characters.any_of(RULE, characters.MARKS)
            apart = characters.any_of(RULE, (characters.SPACE, characters.APOSTROPHE, *characters.MARKS))
            before, after = f"^|{apart}|(?={mark})", f"$|{apart}|(?<={mark})"
            assert re.search(f"({before}){re.escape(phrase)}({after})", text)


def test_only_the_first_tokens_of_a_text_are_found():
    found = explanation.words(tf.constant(["It isn't bad, they're good", "", "ok"]), tf.constant(4), RULE)
    assert found.starts.numpy().tolist() == [[0, 3, 7, 9], [0, 0, 0, 0], [0, 0, 0, 0]]
    assert found.ends.numpy().tolist() == [[2, 6, 8, 12], [0, 0, 0, 0], [2, 0, 0, 0]]
    assert found.joined.numpy().tolist() == [[False, False, True, False], [False] * 4, [False] * 4]


def test_phrases_are_valid_text_whatever_bytes_a_server_is_sent(trained):
    """Each byte that is no UTF-8 becomes U+FFFD; a phrase of a valid text stays as it is."""
    texts = [
        b"an excellent\xff rec\xc3ord",
        b"excellent \xf0\x9f\xa4 boring",
        "caf\u00e9 \x00 \u4e16\u754c\ufeff boring".encode(),
    ]
    found = signatures(version(trained))["explain"](text=tf.constant(texts))["phrases"].numpy()
    for text, phrases in zip(texts, found, strict=True):
        assert any(phrases)
        assert all(phrase.decode() in text.decode(errors="replace") for phrase in phrases)


def test_a_phrase_begins_where_its_place_says(trained):
    text = "na\u00efve, dull \u4e16\u754c and \ufeffexcellent; dull, dull and excellent \U0001f3b8 song"
    found = explained(version(trained), [text, ""])
    pairs = list(zip(found["phrases"][0], found["phrase_starts"][0], strict=True))
    assert sum(bool(phrase) for phrase, _ in pairs) >= 2
    for phrase, start in pairs:
        assert start == -1 if not phrase else text.encode()[start:].startswith(phrase)
    assert len({start for phrase, start in pairs if phrase}) == sum(bool(phrase) for phrase, _ in pairs)
    assert (found["phrase_starts"][1] == -1).all()


def test_of_two_equal_phrases_the_place_is_that_of_the_one_that_is_told():
    """The same words stand twice, and only the second ones have points."""
    text = tf.constant(["dull song. dull song"])
    words = explanation.words(text, tf.constant(4), RULE)
    points = tf.constant([[0.0, 0.0, -2.0, 0.0]])
    found = explanation.strongest(points, tf.constant([4], tf.int64), words.joined)
    phrases, starts = explanation.cut_out(text, words, found)
    assert phrases.numpy().tolist() == [[b"", b"", b"", b"dull", b"", b""]]
    assert starts.numpy().tolist() == [[-1, -1, -1, 11, -1, -1]]


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


def test_what_an_lstm_tells_is_the_change_when_the_phrase_is_gone(trained):
    text = "excellent song and it was dull"
    found = explained(version(trained), [text])
    if "explained_rest" not in found:
        told = [pair for pair in zip(found["phrases"][0], found["points"][0], strict=True) if pair[0]]
        assert told
        for phrase, points in told:
            without = explained(version(trained), [text.replace(phrase.decode(), "")])["explained_score"][0]
            assert found["explained_score"][0] - without == pytest.approx(points, abs=1e-3)


def test_a_long_review_is_not_copied_for_each_of_its_tokens(trained):
    """Of 60,000 tokens and 220 kB: a copy for each would be 13 GB."""
    program = [sys.executable, "-c", PEAK_PROGRAM, str(version(trained))]
    assert float(subprocess.run(program, capture_output=True, text=True, check=True).stdout.splitlines()[-1]) < 100


def test_texts_without_words_have_no_reasons(trained):
    found = explained(version(trained), ["", " \t ", "..."])
    assert (found["phrases"] == b"").all()
    assert (found["points"] == 0).all() or "explained_rest" not in found
    if "explained_rest" in found:
        assert found["explained_rest"] == pytest.approx(found["explained_score"], abs=1e-4)
    assert explained(version(trained), [])["phrases"].shape[0] == 0
