"""Texts with their tokens, texts at random, and the tokeniser in plain Python."""

import string

from hypothesis import strategies as st

from beam_pipelines.text import tokens

CASES = [
    ("Good FILM!", ["good", "film"]),
    ("don't", ["don", "t"]),
    ("a\tb\nc\rd\x0be\x0cf", ["a", "b", "c", "d", "e", "f"]),
    ("", []),
    ("!?#", []),
    ("<br />", ["br"]),
    ("NUL\x00inside AND after", ["nul", "inside", "and", "after"]),
    ("CAF\u00c9 \u0416\u0418\u0417\u041d\u042c", ["caf\u00e9", "\u0436\u0438\u0437\u043d\u044c"]),
    ("\u0130STANBUL TITLE", ["i\u0307stanbul", "title"]),
    ("no-break\u00a0space next\u0085line \u2028", ["no", "break\u00a0space", "next\u0085line", "\u2028"]),
    ("\U0001f918\U0001f525 10/10", ["\U0001f918\U0001f525", "10", "10"]),
    ("x" * 100_000, ["x" * 100_000]),
]


def plain_tokens(text: str) -> list[str]:
    """The tokens of a text of ASCII, in plain Python."""
    table = {ord(character): " " for character in tokens.FILTERED}
    return text.translate(table).lower().split()


# Letters whose lower case is longer, shorter, depends on its neighbours or on the locale; what could be
# taken for white space; what is no letter.
LETTERS = "\u0130I\u0131i\u03a3\u03c3\u03c2A\u0307\u1e9e\u212a\U0001f918\u01c5\u1fbc"
SPACES = "\u00a0\u0085\u2028\u3000\ufeff\u00ad\u0345"
VOCABULARY = ["good", "film", "caf\u00e9", "i\u0307", "\u03c3\u03c2", "x" * 16, "x" * 17, "a-b", "Never", "\u00fc" * 9]
anything = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
awkward = st.text(LETTERS + SPACES + string.printable, max_size=60)
texts_of = st.lists(anything | awkward | st.text("ab \u00fc", max_size=60), max_size=6)
