"""Answers for a terminal."""

from serving.client.answers import Explanation, Phrase, Score
from serving.client.printing import printed

ANSWER = {"score": -2.643, "score_low": -2.723, "score_high": -1.773, "tokens": 16, "known_share": 1.0}


def test_a_score_stands_on_its_scale():
    answer = Score(**ANSWER, truncated=False, score_min=-4.0, score_max=4.0)
    headline = "  -2.64  likely -2.72 to -1.77      -4 [......=#====.............................] 4"
    assert printed("no comment", answer) == f"{headline}\n    no comment"


def test_the_text_is_cut_and_cannot_steer_the_terminal():
    answer = Score(**ANSWER, truncated=True)
    headline, text, cut = printed("\x1b[2J a\nb\u202e " + "long " * 100, answer).splitlines()
    assert headline == "  -2.64  likely -2.72 to -1.77"
    assert text == "    " + ("[2J a b " + "long " * 100)[:97] + "..."
    assert cut == "    (cut: the model reads no more than the beginning of a text this long)"


def test_a_wide_scale_needs_fewer_digits_and_phrases_have_signs():
    wide = {**ANSWER, "score": 71.26, "score_low": 60.0, "score_high": 80.0, "score_min": 10.0, "score_max": 100.0}
    answer = Explanation(**wide, truncated=False, phrases=(Phrase("so good", 12.34), Phrase("too\x1b[2J\nlong", -1.0)))
    headline, _, *phrases = printed("text", answer).splitlines()
    assert headline == "   71.3  likely 60.0 to 80.0        10 [......................=====#====.........] 100"
    assert phrases == ["      +12.3  so good", "       -1.0  too [2J long"]


def test_a_text_without_a_known_word_is_told():
    answer = Score(**{**ANSWER, "known_share": 0.0}, truncated=False)
    assert printed("xyzzy", answer).splitlines()[2:] == ["    (no known word: this score says nothing)"]
