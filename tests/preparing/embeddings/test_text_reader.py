"""Lines that hold no vector are passed over and told where they are few, and refused where they are not."""

import io

import pytest

from beam_pipelines.errors import UserError
from beam_pipelines.preparing.embeddings.text_reader import TextReader
from beam_pipelines.preparing.embeddings.word_choice import WordChoice
from tests.helpers.tokens import RULE

MANY = "".join(f"word{number} 1 2 3\n" for number in range(300))


def read(text: str, wanted=("good", "caf\u00e9", "x"), unseen: int = 0) -> dict[str, list[float]]:
    choice = WordChoice(wanted, RULE, unseen)
    assert TextReader("some.vec", choice).read(io.BufferedReader(io.BytesIO(text.encode()))) == 3
    return {word: vector.tolist() for word, vector in choice.vectors.items()}


@pytest.mark.parametrize("number", ["nan", "-nan", "NaN", "inf", "-Infinity", "1e39", "-1E+39", "1.#QNAN", "-nan(ind)"])
@pytest.mark.parametrize("word", ["good", "nobody"])
def test_a_vector_that_is_not_finite_is_none(caplog, number, word):
    """Whether its word is wanted or not: the dump may hold it."""
    assert read(f"{MANY}{word} 1 {number} 3\nx 1 2 3\n") == {"x": [1, 2, 3]}
    assert f"--embeddings some.vec, line 301 ({word}): its numbers are not finite" in caplog.text
    assert "these words count as unknown" in caplog.text


def test_more_than_one_in_a_hundred_are_refused_by_the_first():
    text = MANY + "bad nan nan nan\n" * 3
    assert read(text) == {}
    with pytest.raises(UserError, match=r"some.vec, line 301 \(bad\): .* so it is in 4 of 304 lines; such a file is"):
        read(text + "bad nan nan nan\n")


def test_an_unseen_word_that_is_not_finite_takes_no_place():
    assert read(f"first inf 1 1\nsecond 1e39 1 1\nthird 1 1 1\nfourth 1 1 1\n{MANY}", unseen=1) == {"third": [1, 1, 1]}


def test_small_numbers_with_exponents_are_finite(caplog):
    assert read("good 1e-45 -2.5E-05 1e9\nnobody 1e-39 1e-10 1\n")["good"] == pytest.approx([0, -2.5e-5, 1e9])
    assert not caplog.text


@pytest.mark.parametrize("space", ["\u00a0", "\u2028", "\u0085", "\u3000", "\x1c"])
def test_a_word_may_hold_white_space_that_is_not_ascii(space):
    word = f"caf{space}"
    assert read(f"{word} 1 2 3\ngood 4 5 6\n{word}x 7 8 9\n", (word, "good")) == {word: [1, 2, 3], "good": [4, 5, 6]}


def test_a_word_with_spaces_is_no_token_and_no_fault(caplog):
    assert read("good 1 2 3\nat me.com 4 5 6\n. . . 7 8 9\nx 1 1 1\n") == {"good": [1, 2, 3], "x": [1, 1, 1]}
    assert not caplog.text


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("good 1 2", "2 numbers, where most lines have 3"),
        ("good 1 2 3 4", "4 numbers, where most lines have 3"),
        ("good 1 2 x", "0 numbers, where most lines have 3"),
        ("good 1 2,5 3", "the number 2,5 has a decimal comma; write it with a point"),
    ],
)
def test_a_broken_line_is_passed_over_once_and_refused_often(caplog, line, message):
    assert read(f"{MANY}{line}\nx 1 2 3\n") == {"x": [1, 2, 3]}
    assert f"--embeddings some.vec, line 301: {message}; these words count as unknown" in caplog.text
    with pytest.raises(UserError, match=rf"some.vec, line 2: {message}; each line should hold a word and its numbers"):
        read(f"x 1 2 3\n{line}\n")


def test_the_marks_of_a_merge_conflict_are_named():
    for marker in ("<<<<<<< HEAD", "=======", ">>>>>>> other"):
        with pytest.raises(UserError, match=f"some.vec, line 301: {marker[:7]} marks a merge conflict"):
            read(f"{MANY}{marker}\n{MANY}")
    assert read("x 1 2 3\n<<<<<<< 4 5 6\n") == {"x": [1, 2, 3]}  # A word like any other.


def test_a_file_shorter_than_its_header_says(caplog):
    assert read("320 3\ngood 1 2 3\nx 4 5 6\n") == {"good": [1, 2, 3], "x": [4, 5, 6]}
    assert "--embeddings some.vec holds 2 of 320 announced words: if its download broke off, get it" in caplog.text


def test_a_file_as_long_as_its_header_says(caplog):
    read("2 3\ngood 1 2 3\nx 4 5 6\n")
    assert not caplog.text


@pytest.mark.parametrize("header", ["", "9 3\n"])
def test_a_last_line_that_breaks_off(caplog, header):
    assert read(f"{header}good 1 2 3\nx 4 5") == {"good": [1, 2, 3]}
    told = "holds 2 of 9 announced words" if header else "breaks off in line 2: get it anew"
    assert f"--embeddings some.vec {told}" in caplog.text
