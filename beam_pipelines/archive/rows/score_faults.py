"""Looks at what stands where a score should for why it is none."""

import re

PERCENT, FRACTION, OUT_OF = "percent", "fraction", "out_of"
IN_TEXT, AMONG_OTHERS = "number_in_text", "number_among_others"
DECIMAL_COMMA, THOUSANDS, NO_NUMBER = "decimal_comma", "thousands", "no_number"
# Shapes with the number that the score is a part of: it has to be the same in all.
WITH_WHOLE = (FRACTION, OUT_OF)
_VALUE, _WORD = "value ", "word "
_NUMBER = r"[-+]?\d+(?:\.\d+)?"
_SHAPES = {
    THOUSANDS: r"[-+]?\d{1,3}(?:,\d{3})+(?:\.\d+)?",
    # In a text too, of which a pattern would take what stands before the comma.
    DECIMAL_COMMA: r".*\d,\d.*",
    PERCENT: r".*\d *%.*",
    OUT_OF: rf"[^\d]*{_NUMBER} out of (\d+)[^\d]*",
    FRACTION: rf"[^\d]*{_NUMBER} */ *(\d+)[^\d]*",
    IN_TEXT: rf"\D*{_NUMBER}\D*",
    AMONG_OTHERS: r".*\d.*",
}
# The pattern of the number in each shape, for --score_pattern.
PATTERNS = {
    PERCENT: r"(-?[0-9.]+) *%",
    FRACTION: r"(-?[0-9.]+) */",
    OUT_OF: r"(-?[0-9.]+) out of",
    IN_TEXT: r"(-?[0-9.]+)",
}
# Most of what is rejected: a few stray values are no other cause.
_MAIN_SHARE = 0.9
_LONGEST_WORD = 12


def fault_of(raw: object) -> str:
    """Names what is no number: its shape, with the whole that it is a part of, or a short word itself.

    >>> [fault_of(raw) for raw in ("4.0 out of 5 stars", "8/10", "80%", "4,5", "1,000", "$5", "good")]
    ['out_of 5', 'fraction 10', 'percent', 'decimal_comma', 'thousands', 'number_in_text', 'word good']
    """
    text = str(raw).strip()
    # Numbers that no pattern of ASCII digits finds whole, such as one half or stars in a circle.
    if any(character.isnumeric() and not character.isascii() for character in text):
        return NO_NUMBER
    for name, shape in _SHAPES.items():
        if match := re.fullmatch(shape, text, re.DOTALL):
            return f"{name} {match[1]}" if match.groups() else name
    return word(text) if len(text) <= _LONGEST_WORD and len(text.split()) == 1 else NO_NUMBER


def word(text: str) -> str:
    """Names a word in place of a score."""
    return f"{_WORD}{text}"


def only_word(found: dict[str, int]) -> str | None:
    """Returns the one word that all such names hold, if it is one.

    >>> only_word({word("unrated"): 50}), only_word({word("good"): 50, word("bad"): 1})
    ('unrated', None)
    """
    name = next(iter(found))
    return name.removeprefix(_WORD) if len(found) == 1 and name.startswith(_WORD) else None


def main_shape(found: dict[str, int]) -> tuple[str, int]:
    """Returns the shape that most have, and how many wholes the scores are parts of."""
    counts: dict[str, int] = {}
    for name, count in found.items():
        shape = NO_NUMBER if name.startswith(_WORD) else name.partition(" ")[0]
        counts[shape] = counts.get(shape, 0) + count
    shape = max(counts, key=lambda name: counts[name])
    return shape, sum(name.startswith(f"{shape} ") for name in found)


def value(score: float) -> str:
    """Names a score that lies outside the range."""
    return f"{_VALUE}{score:g}"


def main_value(found: dict[str, int]) -> str | None:
    """Returns the score that nearly all such names hold, if there is one.

    >>> main_value({value(0.0): 50, value(11.0): 1}), main_value({value(0.0): 50, value(11.0): 50})
    ('0', None)
    """
    name = max(found, key=lambda name: found[name])
    return name.removeprefix(_VALUE) if found[name] >= _MAIN_SHARE * sum(found.values()) else None
