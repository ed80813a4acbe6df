"""What a teacher says of a score is read, or there is a reason why not."""

import datetime

import pytest

from beam_pipelines.artifacts.scale import Scale
from beam_pipelines.preparing import soft_scores
from beam_pipelines.preparing.soft_scores import NO_WEIGHTS, NOT_READ, OUT_OF_RANGE, BadTeacher

STARS = Scale(1, 5)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("4", {4: 1}),
        (" 4.5 ", {4.5: 1}),
        (3, {3: 1}),
        ('{"4": 0.2, "5": 0.6}', {4: 0.25, 5: 0.75}),
        # In the order of the scores; those of no weight are left out, and two spellings are one score.
        (' {"5": 1, "1": "2", "3": 0, "1.0": 1}', {1: 0.75, 5: 0.25}),
        # A struct and a map of Parquet.
        ({"4": 1.0, "5": None}, {4: 1}),
        ([("4", 3), ("2", 1)], {2: 0.25, 4: 0.75}),
    ],
)
def test_a_number_or_weights_are_read(raw, expected):
    found = soft_scores.read(raw, STARS)
    assert found == pytest.approx(expected)
    assert list(found) == sorted(found)


@pytest.mark.parametrize("raw", [None, "", "  ", "NaN", "null", float("nan"), "0", 0])
def test_a_teacher_may_say_nothing(raw):
    assert soft_scores.read(raw, STARS, none=(0,)) == {}


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("good", NOT_READ),
        ("inf", NOT_READ),
        (True, NOT_READ),
        ("[4, 5]", NOT_READ),
        ('{"4": 0.2', NOT_READ),
        ('{"good": 1}', NOT_READ),
        ('{"4": 1' + "0" * 400 + "}", NO_WEIGHTS),
        ([4, 5], NOT_READ),
        (datetime.date(2020, 1, 1), NOT_READ),
        ("0", OUT_OF_RANGE),
        ('{"5.5": 1}', OUT_OF_RANGE),
        ("{}", NO_WEIGHTS),
        ('{"4": 0}', NO_WEIGHTS),
        ('{"4": -1, "5": 2}', NO_WEIGHTS),
        ('{"4": "much"}', NO_WEIGHTS),
        ('{"4": NaN}', NO_WEIGHTS),
        ('{"4": 1e308, "5": 1e308}', NO_WEIGHTS),
        ('{"4": {"5": 1}}', NO_WEIGHTS),
    ],
)
def test_what_cannot_be_used_has_a_reason(raw, reason):
    with pytest.raises(BadTeacher, match=f"^{reason}$"):
        soft_scores.read(raw, STARS)
