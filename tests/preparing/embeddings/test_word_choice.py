"""Tokens are of lower case, words of files are not always."""

import numpy as np
import pytest

from beam_pipelines.artifacts.tokenizer import Tokenizer
from beam_pipelines.preparing.embeddings.word_choice import WordChoice, WordList
from tests.helpers.tokens import RULE, WITHOUT_MARKS


def chosen(words: list[str], wanted=(), unseen: int = 0, rule: Tokenizer = RULE) -> dict[str, int]:
    """By token, the index of the word whose vector it gets."""
    choice = WordChoice(wanted, rule, unseen)
    for index, word in enumerate(words):
        token = choice.token(word)
        if token is not None:
            choice.keep(word, token, np.array([index], np.float32))
    return {token: int(vector[0]) for token, vector in choice.vectors.items()}


@pytest.mark.parametrize(
    ("words", "index"),
    [
        (["film", "Film"], 0),
        (["Film", "FILM"], 0),  # The first of several forms with capitals.
        (["FILM", "Film", "film", "film"], 2),  # One of lower case, the first, wherever it stands.
    ],
)
@pytest.mark.parametrize("how", [{"wanted": {"film"}}, {"unseen": 1}])
def test_a_form_with_capitals_counts_where_there_is_none_of_lower_case(words, index, how):
    assert chosen(words, **how) == {"film": index}


def test_capitals_beyond_ascii():
    assert chosen(
        ["\u00c9t\u00e9", "\u0416\u0418\u0417\u041d\u042c"], {"\u00e9t\u00e9", "\u0436\u0438\u0437\u043d\u044c"}
    ) == {
        "\u00e9t\u00e9": 0,
        "\u0436\u0438\u0437\u043d\u044c": 1,
    }


def test_so_many_other_words_are_kept_in_the_order_of_the_file():
    words = ["The", "", "won't", "mr_x", "good", "film", "the", "Band", "later"]
    assert chosen(words, {"good"}, unseen=3) == {"the": 6, "good": 4, "film": 5, "band": 7}
    assert chosen(words, {"good"}) == {"good": 4}


def test_other_words_that_no_text_can_reach_are_passed_over():
    """Each holds a character that parts or leaves a token, or is written otherwise there."""
    unreachable = ["didn\u2019t", "don\u02bct", "a\u2014b", "no\u00a0break", "so\u00adft", "a\U0001f600"]
    unreachable += ["!!", "\uff01", "\u2764\ufe0f"]
    assert chosen([*unreachable, "film", "!", "\u2764", "\U0001f1e9\U0001f1ea", "\u0939\u093f"], unseen=99) == {
        "film": 9,
        "!": 10,
        "\u2764": 11,
        "\U0001f1e9\U0001f1ea": 12,
        "\u0939\u093f": 13,
    }
    assert chosen(["!", "\u2764", "film"], unseen=99, rule=WITHOUT_MARKS) == {"film": 2}


def test_a_list_of_words_holds_all_that_a_choice_may_ask_for(monkeypatch):
    monkeypatch.setattr("beam_pipelines.preparing.embeddings.word_choice._LISTED_WORDS", 3)
    listed = WordList()
    assert [listed.token(word) for word in ("The", "film", "\u00c9t\u00e9", "", "x", "FILM")] == [None] * 6
    expected = ["The", "the", "film", "\u00c9t\u00e9", "\u00e9t\u00e9", "", "x", "FILM", "film"]
    assert [token.decode() for token in listed.tokens().to_pylist()] == expected
    assert WordList().tokens().to_pylist() == []
