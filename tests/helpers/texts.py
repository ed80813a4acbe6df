"""Texts that a scorer may stumble over, and how far their scores may lie apart."""

TEXTS = [
    "",
    " \t\n ",
    "a",
    "excellent",
    "\U0001f918\U0001f525 brilliant \U0001f525",
    "boring\x00and terrible",
    "<br /><br />",
    "!!!",
    "a stunning record, wonderful in every way; the last song is dull",
    "x" * 100_000,
    "excellent terrible " * 10_000,
]
WITHIN = 1e-5 * 100
