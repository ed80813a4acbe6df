"""How lines of vectors are made is found from most of the first ones."""

import pytest

from beam_pipelines.errors import UserError
from beam_pipelines.preparing.embeddings import text_lines
from beam_pipelines.preparing.embeddings.text_lines import Layout


@pytest.mark.parametrize(
    ("lines", "layout"),
    [
        (["a 1 2", "b 3 4"], Layout(2)),
        (["7 2", "a 1 2", "b 3 4"], Layout(2, 1, 7)),
        (["", "7  2", "a 1 2"], Layout(2, 2, 7)),
        (["2004 1 2", "1 3 4"], Layout(2)),  # A word may be a number.
        ([". . . 1 2", "a 1 2", "b 5"], Layout(2)),
        (["a nan -inf", "b 1e5 .5"], Layout(2)),
    ],
)
def test_most_lines_decide(lines, layout):
    assert text_lines.layout_of([line.encode() for line in lines], "some.vec") == layout


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([], "some.vec holds no vectors"),
        (["", ""], "some.vec holds no vectors"),
        (["2 3"], "some.vec holds no vectors"),
        (["the 500", "good 20"], "some.vec, line 1: 1 number, where a word and its vector should be"),
        (["", "the film was", "good"], "some.vec, line 2: 0 numbers, where a word and its vector should be"),
        (["the,1,2"], "some.vec, line 1: 0 numbers, where a word and its vector should be"),
        (["the 0,5 1,25"], "some.vec, line 1: the number 0,5 has a decimal comma; write it with a point"),
        (["2 300", "a 1 2", "b 3 4"], "some.vec, line 2: 2 numbers, where line 1 announces 300"),
    ],
)
def test_what_is_no_text_of_vectors_is_named(lines, message):
    with pytest.raises(UserError, match=message):
        text_lines.layout_of([line.encode() for line in lines], "some.vec")


def test_numbers_that_need_no_look():
    usual = [b"1 -2.5 0", b"1e-30 2E-5", b"1e9"]
    assert [text_lines.are_usual(numbers) for numbers in usual] == [True] * 3
    assert [text_lines.are_usual(numbers) for numbers in (b"1 nan", b"-Inf", b"NAN 1", b"1e39", b"1E+10")] == [
        False
    ] * 5
