"""What each character is to the tokeniser: a letter, white space, nothing, or a token of its own.

All forms of the tokeniser are made of these kinds: the operations of the graph, the compiled loops and Python's own.
They are part of every export, so they must be the same on every machine: of Unicode's categories the version 3.2 is
asked, which all versions of Python have, and what is newer stands here.
"""

import functools
import re
import unicodedata

import numpy as np

from beam_pipelines.artifacts.tokenizer import AS_TYPED, PLAIN, Tokenizer

# Part of a token; not there at all; between tokens, as the apostrophe is, which is also within words.
LETTER, INVISIBLE, SPACE, APOSTROPHE = range(4)
# Tokens of their own; of the two letters that make up a flag, the first takes the second along.
EXCLAMATION, QUESTION, PICTOGRAPH, FLAG = range(4, 8)
MARKS = (EXCLAMATION, QUESTION, PICTOGRAPH, FLAG)
# All of a kind are one token; the others are tokens as they are.
WRITTEN = {EXCLAMATION: "!", QUESTION: "?"}

# The filter of the notebook's Keras tokeniser, and NUL: `tf.strings.lower` with UTF-8 (TensorFlow 2.21) reads its
# input as a C string and would drop all that follows a NUL.
FILTERED = "\x00!\"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n\r'"
# The white space that `tf.strings.split` splits at and the filter does not replace.
WHITE_SPACE = " \v\f"
_CODES = 0x110000
_LAST_OF_PLANE_0 = 0xFFFF

# Of the kinds below each overrules those before it. First, blocks of punctuation and symbols that grew after
# Unicode 3.2: general punctuation, currencies, arrows to pictographs but for circled numbers, more punctuation.
_SPACES = [(0x2000, 0x206F), (0x20A0, 0x20CF), (0x2190, 0x245F), (0x2500, 0x2775), (0x2794, 0x2BFF), (0x2E00, 0x2E7F)]
# U+0091 and U+0092 are the single quotes of Windows where its bytes were read as Latin-1.
_APOSTROPHES = [(0x91, 0x92), (0xB4, 0xB4), (0x2BC, 0x2BC), (0x2018, 0x201B), (0x2032, 0x2032), (0xFF07, 0xFF07)]
_EXCLAMATIONS, _QUESTIONS = "\u203c\u2049\u2755\u2757\ufe57\uff01", "\u061f\u2047\u2048\u2753\u2754\ufe56\uff1f"
# Clocks and buttons, symbols and dingbats without their quotes and brackets, plus to divided by, stars and circles.
_PICTOGRAPHS = [
    *[(0x231A, 0x231B), (0x23E9, 0x23F3), (0x23F8, 0x23FA), (0x2600, 0x2752), (0x2756, 0x275A), (0x275F, 0x2767)],
    *[(0x2795, 0x2797), (0x2B50, 0x2B50), (0x2B55, 0x2B55), (0x1F000, 0x1FAFF)],
]
_FLAGS = [(0x1F1E6, 0x1F1FF)]
# Soft hyphens, joiners, zero-width spaces, marks of direction, selectors of a variant, skin tones, keycaps, tags.
_INVISIBLE = [
    *[(0xAD, 0xAD), (0x34F, 0x34F), (0x61C, 0x61C), (0x180B, 0x180F), (0x200B, 0x200F), (0x202A, 0x202E)],
    *[(0x2060, 0x206F), (0x20E3, 0x20E3), (0xFE00, 0xFE0F), (0xFEFF, 0xFEFF), (0xFFF9, 0xFFFB), (0x1F3FB, 0x1F3FF)],
    *[(0xE0000, 0xE007F), (0xE0100, 0xE01EF)],
]


@functools.cache
def kinds(rule: Tokenizer) -> np.ndarray:
    """Tells the kind of each character by its code, uint8 [0x110000], not to be written to.

    Raises:
      ValueError: A newer version made the rule.
    """
    if rule.typography not in (AS_TYPED, PLAIN):
        raise ValueError(f"typography {rule.typography} is not known to this version")
    kinds_by_code = np.full(_CODES, LETTER, np.uint8)
    if rule.typography == PLAIN:
        _add_typography(kinds_by_code)
    kinds_by_code[list((FILTERED + WHITE_SPACE).encode())] = SPACE
    for character, kind in {"'": APOSTROPHE, "!": EXCLAMATION, "?": QUESTION}.items():
        kinds_by_code[ord(character)] = kind
    if not rule.punctuation_tokens:
        kinds_by_code[np.isin(kinds_by_code, MARKS)] = SPACE
    kinds_by_code.flags.writeable = False
    return kinds_by_code


def _add_typography(kinds_by_code: np.ndarray) -> None:
    """Fills in the kinds beyond ASCII: punctuation, symbols, white space and controls are as those of ASCII."""
    for code in range(0x80, _LAST_OF_PLANE_0 + 1):
        category = unicodedata.ucd_3_2_0.category(chr(code))
        if category[0] in "PSZ" or category == "Cc":
            kinds_by_code[code] = SPACE
    by_kind = {SPACE: _SPACES, APOSTROPHE: _APOSTROPHES, PICTOGRAPH: _PICTOGRAPHS, FLAG: _FLAGS, INVISIBLE: _INVISIBLE}
    for kind, runs in by_kind.items():
        for first, last in runs:
            kinds_by_code[first : last + 1] = kind
    for kind, characters in {EXCLAMATION: _EXCLAMATIONS, QUESTION: _QUESTIONS}.items():
        kinds_by_code[list(map(ord, characters))] = kind


def runs_of_kinds(rule: Tokenizer) -> tuple[np.ndarray, np.ndarray]:
    """Finds the first code of each run of one kind, int32 [runs], and that kind, uint8 [runs]."""
    by_code = kinds(rule)
    firsts = np.flatnonzero(np.diff(by_code, prepend=by_code[0] + 1)).astype(np.int32)
    return firsts, by_code[firsts]


@functools.cache
def any_of(rule: Tokenizer, kinds_in_class: tuple[int, ...], *, beside: str = "") -> str:
    """Makes the regular expression of one character of some kinds, for RE2 and Python's `re`.

    Args:
      rule: The tokeniser's.
      kinds_in_class: The kinds; there must be such characters.
      beside: Characters that are left out.
    """
    is_in = np.isin(kinds(rule), kinds_in_class)
    is_in[list(map(ord, beside))] = False
    edges = np.flatnonzero(np.diff(is_in, prepend=False, append=False)).tolist()
    return "[" + "".join(map(_run, edges[::2], edges[1::2])) + "]"


def _run(first: int, end: int) -> str:
    return _escaped(first) + (f"-{_escaped(end - 1)}" if end - first > 1 else "")


def _escaped(code: int) -> str:
    return f"\\x{code:02x}" if code < 0x80 else chr(code)


@functools.cache
def token_pattern(rule: Tokenizer) -> re.Pattern:
    """Compiles what matches the tokens of a text in their order, each with what is invisible in it or behind it."""
    has = set(np.unique(kinds(rule)).tolist())
    invisible = f"{any_of(rule, (INVISIBLE,))}*" if INVISIBLE in has else ""
    alternatives = [f"(?:{any_of(rule, (LETTER,))}{invisible})+"]
    if FLAG in has:
        flag = any_of(rule, (FLAG,))
        alternatives.append(f"{flag}{invisible}{flag}{invisible}")
    if has & set(MARKS):
        alternatives.append(f"{any_of(rule, MARKS)}{invisible}")
    return re.compile("|".join(alternatives))


def is_token(word: str, rule: Tokenizer) -> bool:
    """Tells whether a word of lower case is a token as the tokeniser makes them.

    >>> rule = Tokenizer(PLAIN, punctuation_tokens=True)
    >>> [word for word in ("good", "!", "!!", "isn't", "a\\u00adb", "") if is_token(word, rule)]
    ['good', '!']
    """
    of_word = kinds(rule)[list(map(ord, word))].tolist()
    if len(word) == 1 and of_word[0] in MARKS:
        return word == WRITTEN.get(of_word[0], word)
    return of_word == [FLAG, FLAG] or (word != "" and set(of_word) == {LETTER})
