"""The rules of the tokeniser, texts with their tokens, texts at random, and the tokeniser in plain Python."""

import re
import string

from hypothesis import strategies as st

from beam_pipelines.artifacts.tokenizer import AS_TYPED, OLDER, PLAIN, Tokenizer
from beam_pipelines.text import characters

RULE = Tokenizer(PLAIN, punctuation_tokens=True)
WITHOUT_MARKS = Tokenizer(PLAIN, punctuation_tokens=False)
RULES = [RULE, WITHOUT_MARKS, OLDER, Tokenizer(AS_TYPED, punctuation_tokens=True)]

CASES = [
    ("Good FILM", ["good", "film"]),
    ("Good! Really?!", ["good", "!", "really", "?", "!"]),
    ("!!! a!b", ["!", "!", "!", "a", "!", "b"]),
    ("don't", ["don", "t"]),
    ("a\tb\nc\rd\x0be\x0cf", ["a", "b", "c", "d", "e", "f"]),
    ("", []),
    ("%#.", []),
    ("<br />", ["br"]),
    ("NUL\x00inside AND after", ["nul", "inside", "and", "after"]),
    ("CAF\u00c9 \u0416\u0418\u0417\u041d\u042c", ["caf\u00e9", "\u0436\u0438\u0437\u043d\u044c"]),
    ("\u0130STANBUL TITLE", ["i\u0307stanbul", "title"]),
    # Curly, low, reversed, modifier and wide apostrophes, the accent and the prime that are typed for one, and those
    # of Windows where its bytes were read as Latin-1.
    *[(f"didn{sign}t", ["didn", "t"]) for sign in "\u2019\u2018\u201a\u201b\u02bc\uff07\u00b4\u2032\u0092\ufffd"],
    *[(f"{sign}so{sign}", ["so"]) for sign in "\u201c\u201d\u201e\u201f\u00ab\u00bb\u2039\u203a\u2033\uff02\u300c"],
    *[
        (f"no{space}break", ["no", "break"])
        for space in "\u00a0\u1680\u2000\u2009\u200a\u2028\u2029\u202f\u205f\u3000\x85"
    ],
    *[(f"a{dash}b", ["a", "b"]) for dash in "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\uff0d"],
    ("bad\u2026 \u2022 good\u00b7 \u3001worse\u3002", ["bad", "good", "worse"]),
    ("\u00a1ol\u00e9! \u00bfque\uff1f \u597d\uff01", ["ol\u00e9", "!", "que", "?", "\u597d", "!"]),
    ("wow\u2757\ufe0f \u2753 \u203c\u2049 \u061f", ["wow", "!", "?", "!", "!", "?"]),
    ("20\u20ac 5\u00b0 \u00a9me\u2122 x\u00d72", ["20", "5", "me", "x", "2"]),
    # What cannot be seen is not there: soft hyphen, zero-width space and joiners, byte order mark, directions.
    *[
        (f"{sign}won{sign}derful{sign} {sign}", ["wonderful"])
        for sign in "\u00ad\u200b\u200c\u200d\ufeff\u2060\u200f\ufe0f"
    ],
    ("great\U0001f600film \U0001f44d\U0001f44d", ["great", "\U0001f600", "film", "\U0001f44d", "\U0001f44d"]),
    # A skin tone, a selector, a family joined by joiners, a keycap, two flags and a half, a flag of tags.
    ("\U0001f44d\U0001f3fdok\u2764\ufe0f", ["\U0001f44d", "ok", "\u2764"]),
    ("\U0001f468\u200d\U0001f469\u200d\U0001f467", ["\U0001f468", "\U0001f469", "\U0001f467"]),
    ("1\ufe0f\u20e3", ["1"]),
    (
        "\U0001f1e9\U0001f1ea\U0001f1eb\u200b\U0001f1f7\U0001f1ee x\U0001f1ee",
        ["\U0001f1e9\U0001f1ea", "\U0001f1eb\U0001f1f7", "\U0001f1ee", "x", "\U0001f1ee"],
    ),
    ("\U0001f3f4\U000e0067\U000e0062\U000e007f", ["\U0001f3f4"]),
    ("\u2605\u2605\u2606 10/10", ["\u2605", "\u2605", "\u2606", "10", "10"]),
    ("x" * 100_000, ["x" * 100_000]),
]
CASES_WITHOUT_MARKS = [
    ("Good! Really?!", ["good", "really"]),
    ("!?#", []),
    ("didn\u2019t\u00a0work\uff01", ["didn", "t", "work"]),
    ("great\U0001f600film\u2764\ufe0f \U0001f1e9\U0001f1ea so\u00adft", ["great", "film", "soft"]),
]
# As exports that name no rule have it: beyond ASCII all are letters.
CASES_OF_OLDER = [
    ("Good FILM!", ["good", "film"]),
    ("didn\u2019t", ["didn\u2019t"]),
    ("no-break\u00a0space next\u0085line \u2028", ["no", "break\u00a0space", "next\u0085line", "\u2028"]),
    ("so\u00adft \U0001f918\U0001f525 10/10", ["so\u00adft", "\U0001f918\U0001f525", "10", "10"]),
]
ALL_CASES = [
    *((RULE, *case) for case in CASES),
    *((WITHOUT_MARKS, *case) for case in CASES_WITHOUT_MARKS),
    *((OLDER, *case) for case in CASES_OF_OLDER),
]


def plain_tokens(text: str) -> list[str]:
    """The tokens of a text of ASCII, in plain Python."""
    table = {ord(character): " " for character in set(characters.FILTERED) - {"!", "?"}}
    return re.sub("[!?]", r" \g<0> ", text.translate(table).lower()).split()


# Letters whose lower case is longer, shorter, depends on its neighbours or on the locale; what could be
# taken for white space; what is no letter.
LETTERS = "\u0130I\u0131i\u03a3\u03c3\u03c2A\u0307\u1e9e\u212a\U0001f918\u01c5\u1fbc"
SPACES = "\u00a0\u0085\u2028\u3000\ufeff\u00ad\u0345"
# One or two of each kind that has its own way through the tokeniser, of every number of bytes.
SIGNS = "\u2019\u02bc'\u2014\u2026\ufffd\u00a9!?\uff01\u2753\u2764\U0001f600\U0001f1e9\U0001f1ea"
SIGNS += "\ufe0f\u200d\U0001f3fd\U000e0067"
VOCABULARY = ["good", "film", "caf\u00e9", "i\u0307", "\u03c3\u03c2", "x" * 16, "x" * 17, "a-b", "Never", "\u00fc" * 9]
VOCABULARY += ["!", "\u2764", "\U0001f1e9\U0001f1ea"]
anything = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
awkward = st.text(LETTERS + SPACES + string.printable, max_size=60)
signs = st.text(SIGNS + "ab \u03a3\u00e9", max_size=150)
texts_of = st.lists(anything | awkward | signs | st.text("ab \u00fc", max_size=60), max_size=6)
