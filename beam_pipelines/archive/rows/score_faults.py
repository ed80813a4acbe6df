"""Looks at what stands where a score should for why it is none."""

import re

PERCENT, FRACTION, OUT_OF = "percent", "fraction", "out_of"
IN_TEXT, AMONG_OTHERS = "number_in_text", "number_among_others"
DECIMAL_COMMA, THOUSANDS, NO_NUMBER = "decimal_comma", "thousands", "no_number"
_VALUE = "value "
_NUMBER = r"[-+]?\d+(?:\.\d+)?"
_SHAPES = {
    THOUSANDS: r"[-+]?\d{1,3}(?:,\d{3})+(?:\.\d+)?",
    # In a text too, of which a pattern would take what stands before the comma.
    DECIMAL_COMMA: r".*\d,\d.*",
    PERCENT: r".*\d *%.*",
    OUT_OF: r".*\d out of .*",
    FRACTION: r".*\d */ *\d.*",
    IN_TEXT: rf"\D*{_NUMBER}\D*",
    AMONG_OTHERS: r".*\d.*",
}
# The pattern of the number in each shape, for --score_pattern.
PATTERNS = {PERCENT: r"([0-9.]+) *%", FRACTION: r"([0-9.]+) */", OUT_OF: r"([0-9.]+) out of", IN_TEXT: r"([0-9.]+)"}


def shape_of(raw: object) -> str:
    """Tells the shape of what is no number.

    >>> [shape_of(raw) for raw in ("4.0 out of 5 stars", "8/10", "80%", "4,5", "1,000", "$5", "good")]
    ['out_of', 'fraction', 'percent', 'decimal_comma', 'thousands', 'number_in_text', 'no_number']
    """
    text = str(raw).strip()
    return next((name for name, shape in _SHAPES.items() if re.fullmatch(shape, text, re.DOTALL)), NO_NUMBER)


def value(score: float) -> str:
    """Names a score that lies outside the range."""
    return f"{_VALUE}{score:g}"


def only_value(found: dict[str, int]) -> str | None:
    """Returns the one score that all such names hold, if it is one.

    >>> only_value({value(0.0): 50}), only_value({value(0.0): 50, value(11.0): 1})
    ('0', None)
    """
    return next(iter(found)).removeprefix(_VALUE) if len(found) == 1 else None
