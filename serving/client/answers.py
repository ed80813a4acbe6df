"""What a server says of texts and of itself, whichever protocol it was asked by."""

import dataclasses
import math
import struct
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from serving.client.errors import ServingError

_FLOATS = ("score", "score_low", "score_high", "known_share")
# Exports of earlier versions do not answer these.
_OF_SCALE = ("score_min", "score_max")
_OF_EXPLANATION = ("explained_score", "explained_rest")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Score:
    """The score of a text.

    Attributes:
      score: In the archive's unit.
      score_low: The lower end of its interval.
      score_high: The upper end.
      tokens: How many tokens the text has.
      known_share: The share of them that have a word vector, in [0, 1].
      truncated: Whether the text has more tokens than the model reads.
      score_min: The lower end of the scale; None of an export that does not tell.
      score_max: The upper end, likewise.
      model_version: The export's number, likewise.
    """

    score: float
    score_low: float
    score_high: float
    tokens: int
    known_share: float
    truncated: bool
    score_min: float | None = None
    score_max: float | None = None
    model_version: int | None = None


@dataclasses.dataclass(frozen=True)
class Phrase:
    """A phrase of a text.

    Attributes:
      phrase: As it stands there.
      points: What it moved the score by, in the archive's unit.
      start: The offset of its first byte in the text's UTF-8; None of an export of an earlier version.
    """

    phrase: str
    points: float
    start: int | None = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Explanation(Score):
    """A score and the phrases that moved it most.

    Attributes:
      phrases: The strongest first.
      explained_score: The score that the phrases explain, which may be another statistic of the model's answer.
      explained_rest: What it would be without the phrases; None of a model whose parts do not add up to it.
    """

    phrases: tuple[Phrase, ...] = ()
    explained_score: float | None = None
    explained_rest: float | None = None


@dataclasses.dataclass(frozen=True)
class VersionStatus:
    """A version of the model on the server.

    Attributes:
      version: Its number.
      state: START, LOADING, AVAILABLE, UNLOADING or END.
      error: Why it could not be loaded; empty where it could.
    """

    version: int
    state: str
    error: str = ""

    @property
    def is_available(self) -> bool:
        return self.state == "AVAILABLE"


@dataclasses.dataclass(frozen=True)
class Tensor:
    """An input or an output of a signature: its type, such as "DT_FLOAT", and its shape, -1 for what may vary."""

    dtype: str
    shape: tuple[int, ...]


@dataclasses.dataclass(frozen=True)
class Metadata:
    """What the server knows of a version.

    Attributes:
      version: Its number.
      inputs: For each signature its inputs by name.
      outputs: Likewise.
    """

    version: int
    inputs: dict[str, dict[str, Tensor]]
    outputs: dict[str, dict[str, Tensor]]


def has_scores(columns: Mapping[str, Sequence]) -> bool:
    """Whether outputs hold the scores, which those of an explanation by an export of an earlier version do not."""
    return all(name in columns for name in (*_FLOATS, "tokens", "truncated"))


def scores_of(columns: Mapping[str, Sequence], rows: int) -> list[Score]:
    """Makes scores of outputs by name, [rows] each.

    Raises:
      ServingError: Some are missing, or of another length, or a number is not finite.
    """
    return [Score(**values) for values in _rows_of(columns, rows)]


def explanations_of(columns: Mapping[str, Sequence], rows: int) -> list[Explanation]:
    """Makes explanations of outputs by name, [rows] each, those of phrases [rows, phrases].

    Raises:
      ServingError: Some are missing, or of another length, or a number is not finite.
    """
    _check(columns, ("phrases", "points"), rows)
    explained = [name for name in _OF_EXPLANATION if name in columns]
    _refuse_not_finite({name: columns[name] for name in explained})
    _refuse_not_finite({"points": [points for row in columns["points"] for points in row]})
    answers = []
    for row, values in enumerate(_rows_of(columns, rows)):
        values |= {name: shortest(columns[name][row]) for name in explained}
        answers.append(Explanation(**values, phrases=_phrases(columns, row)))
    return answers


def _rows_of(columns: Mapping[str, Sequence], rows: int) -> list[dict[str, Any]]:
    _check(columns, (*_FLOATS, "tokens", "truncated"), rows)
    readers: dict[str, Callable] = {
        **dict.fromkeys((*_FLOATS, *_OF_SCALE), shortest),
        **dict.fromkeys(("tokens", "model_version"), int),
        "truncated": bool,
    }
    given = {name: read for name, read in readers.items() if name in columns}
    _refuse_not_finite({name: columns[name] for name in given})
    return [{name: read(columns[name][row]) for name, read in given.items()} for row in range(rows)]


def _check(columns: Mapping[str, Sequence], names: Sequence[str], rows: int) -> None:
    missing = [name for name in names if name not in columns]
    if missing:
        raise ServingError(
            f"the server's answer lacks {', '.join(missing)}: it serves another model, or an export of an earlier "
            "version"
        )
    for name, values in sorted(columns.items()):
        if len(values) != rows:
            raise ServingError(f"the server's answer has {len(values)} values of {name} for {rows} texts")


def _refuse_not_finite(columns: Mapping[str, Sequence]) -> None:
    for name, values in columns.items():
        for value in values:
            if not math.isfinite(value):
                raise ServingError(f"the server's answer has {value} as {name}; expected a finite number")


def _phrases(columns: Mapping[str, Sequence], row: int) -> tuple[Phrase, ...]:
    phrases, points = columns["phrases"][row], columns["points"][row]
    # Exports of earlier versions do not tell the places.
    starts = columns["phrase_starts"][row] if "phrase_starts" in columns else [None] * len(phrases)
    found = [Phrase(*values) for values in zip(phrases, map(shortest, points), starts, strict=True) if values[0]]
    return tuple(sorted(found, key=lambda phrase: -abs(phrase.points)))


def shortest(value: float) -> float:
    """Returns the number of fewest digits that is the same float32: over gRPC, 0.9 comes as 0.8999999761581421.

    >>> shortest(0.8999999761581421), shortest(0.1234567), shortest(float("inf"))
    (0.9, 0.1234567, inf)
    """
    packed = struct.pack("<f", value)
    for digits in range(6, 9):
        short = float(f"{value:.{digits}g}")
        if struct.pack("<f", short) == packed:
            return short
    return float(f"{value:.9g}")
