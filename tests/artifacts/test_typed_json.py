"""A dataclass goes to JSON and back by the names of its fields, in their order."""

import dataclasses
import json
from typing import ClassVar

import pytest

from beam_pipelines.artifacts.typed_json import TypedJson


@dataclasses.dataclass(frozen=True)
class Point(TypedJson):
    KEYS: ClassVar = {"row_number": "place"}
    OMITTED_IF_NONE: ClassVar = ("label",)

    x: float
    row_number: int
    label: str | None = None


@dataclasses.dataclass(frozen=True)
class Shape(TypedJson):
    name: str
    first: Point
    others: list[Point]
    by_name: dict[str, list[Point]]
    end: Point | None
    numbers: list[int]
    limit: int | None = None


POINT = Point(1.5, 7)
SHAPE = Shape("line", POINT, [Point(2, 8, "b")], {"a": [POINT]}, None, [1, 2])


def test_a_value_comes_back_as_it_was():
    written = SHAPE.to_json()
    assert written == {
        "name": "line",
        "first": {"x": 1.5, "place": 7},
        "others": [{"x": 2, "place": 8, "label": "b"}],
        "by_name": {"a": [{"x": 1.5, "place": 7}]},
        "end": None,
        "numbers": [1, 2],
        "limit": None,
    }
    assert [*written] == ["name", "first", "others", "by_name", "end", "numbers", "limit"]
    assert Shape.from_json(json.loads(json.dumps(written))) == SHAPE
    ended = dataclasses.replace(SHAPE, end=POINT)
    assert Shape.from_json(ended.to_json()) == ended


def test_keys_of_newer_versions_are_passed_over_and_missing_ones_have_their_default():
    assert Point.from_json({"x": 1.5, "place": 7, "color": "red"}) == POINT
    with pytest.raises(TypeError, match="row_number"):
        Point.from_json({"x": 1.5})
