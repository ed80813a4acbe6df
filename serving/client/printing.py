"""Answers as lines that a person reads at a terminal."""

from serving.client.answers import Explanation, Score

BAR_COLUMNS = 41
_EXCERPT_CHARACTERS = 100
# From this span on, a hundredth of a point tells nobody anything.
WIDE_SPAN = 50


def printed(text: str, answer: Score) -> str:
    """Returns a score with its interval and place on the scale, how the text begins, and what moved it."""
    digits = _digits(answer)
    lines = [_headline(answer, digits), f"    {_excerpt(text)}"]
    if answer.truncated:
        lines.append("    (cut: the model reads no more than the beginning of a text this long)")
    if answer.known_share == 0:
        lines.append("    (no known word: this score says nothing)")
    if isinstance(answer, Explanation):
        lines += [f"    {phrase.points:+7.{digits}f}  {_on_one_line(phrase.phrase)}" for phrase in answer.phrases]
    return "\n".join(lines)


def _headline(answer: Score, digits: int) -> str:
    interval = f"{answer.score_low:.{digits}f} to {answer.score_high:.{digits}f}"
    line = f"{answer.score:7.{digits}f}  likely {interval}"
    bar = _bar(answer)
    return f"{line:<36}{bar}" if bar else line


def _bar(answer: Score) -> str:
    """The scale as a line: `=` is the interval and `#` the score; empty where the export does not tell the scale."""
    low, high = answer.score_min, answer.score_max
    if low is None or high is None or not low < high:
        return ""

    def column(score: float) -> int:
        return round((BAR_COLUMNS - 1) * min(max((score - low) / (high - low), 0), 1))

    first, last = column(answer.score_low), column(answer.score_high)
    cells = ["=" if first <= place <= last else "." for place in range(BAR_COLUMNS)]
    cells[column(answer.score)] = "#"
    return f"{low:g} [{''.join(cells)}] {high:g}"


def _digits(answer: Score) -> int:
    span = (answer.score_max or 0) - (answer.score_min or 0)
    return 1 if span >= WIDE_SPAN else 2


def _excerpt(text: str) -> str:
    shown = _on_one_line(text)
    return shown if len(shown) <= _EXCERPT_CHARACTERS else f"{shown[: _EXCERPT_CHARACTERS - 3]}..."


def _on_one_line(text: str) -> str:
    # A text may hold what a terminal would obey.
    return " ".join("".join(character if character.isprintable() else " " for character in text).split())
