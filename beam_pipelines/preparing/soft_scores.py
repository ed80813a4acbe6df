"""Reads what a teacher, another judge of reviews, says of a score: a number, or how likely it takes several to be."""

import json
import math
from collections.abc import Iterable, Mapping

from beam_pipelines.artifacts.scale import Scale, is_blank, parse_score

NOT_READ, OUT_OF_RANGE, NO_WEIGHTS = "teacher_not_read", "teacher_out_of_range", "teacher_weights_not_usable"
# By score, in rising order, the weights, which add up to 1.
SoftScore = dict[float, float]


class BadTeacher(Exception):
    """What the teacher says cannot be used; its text is the reason."""


def read(raw: object, scale: Scale, none: tuple[float, ...] = ()) -> SoftScore:
    """Reads a teacher's score.

    Args:
      raw: A number, or scores with weights: JSON, or of Parquet a struct or a map.
      scale: The range of the scores.
      none: Numbers that stand for no score.

    Returns:
      Nothing where it says nothing.

    Raises:
      BadTeacher: It is neither, a score is off the scale, or the weights are not finite, are negative or are all 0.

    >>> read("4", Scale(1, 5)), read('{"5": 3, "4": 1}', Scale(1, 5)), read(" ", Scale(1, 5))
    ({4.0: 1.0}, {4.0: 0.25, 5.0: 0.75}, {})
    """
    value = _parsed(raw)
    if is_blank(value):
        return {}
    if isinstance(value, Mapping):
        return _weighted(value.items(), scale)
    if isinstance(value, list):
        return _weighted(_pairs(value), scale)
    score = parse_score(value)
    return {} if score in none else {_checked(score, scale): 1.0}


def _parsed(raw: object) -> object:
    if not isinstance(raw, str) or not raw.lstrip().startswith("{"):
        return raw
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        raise BadTeacher(NOT_READ) from None


def _pairs(items: list) -> list[tuple[object, object]]:
    """The entries of a map of Parquet."""
    if not all(isinstance(item, tuple) and len(item) == 2 for item in items):
        raise BadTeacher(NOT_READ)
    return items


def _weighted(items: Iterable[tuple[object, object]], scale: Scale) -> SoftScore:
    weights: SoftScore = {}
    for raw_score, raw_weight in items:
        # A struct of Parquet has all scores in each row.
        weight = 0.0 if raw_weight is None else parse_score(raw_weight)
        score = _checked(parse_score(raw_score), scale)
        if not (math.isfinite(weight) and weight >= 0):
            raise BadTeacher(NO_WEIGHTS)
        # "5" and "5.0" are one score.
        weights[score] = weights.get(score, 0.0) + weight
    total = sum(weights.values())
    if not 0 < total < math.inf:
        raise BadTeacher(NO_WEIGHTS)
    return {score: weight / total for score, weight in sorted(weights.items()) if weight}


def _checked(score: float, scale: Scale) -> float:
    if not math.isfinite(score):
        raise BadTeacher(NOT_READ)
    if not scale.low <= score <= scale.high:
        raise BadTeacher(OUT_OF_RANGE)
    return score
