"""A rejected row is told with its place, its reason and enough of its text to find it."""

import datetime
import json

import pyarrow as pa
import pytest

from beam_pipelines.archive import rejects
from beam_pipelines.archive.rejects import Reject


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("as it was\n", "as it was\n"),
        (b"caf\xc3\xa9\n", "café\n"),
        (b"caf\xe9", "caf\\xe9"),
        ("é" * 2001, "é" * 2000),
        ("\U0001f600".encode() * 2001, "\U0001f600" * 2000),
        (b"a" * 10_000, "a" * 2000),
        (b"\xff" * 10_000, "\\xff" * 500),
        ({"text": "café", "n": None}, '{"text": "café", "n": null}'),
        ({"day": datetime.date(2024, 2, 29)}, '{"day": "2024-02-29"}'),
        ({"text": "a" * 3000}, '{"text": "' + "a" * 1990),
    ],
)
def test_a_reject_keeps_the_start_of_what_stood_there(raw, expected):
    assert Reject.of("a.csv", 7, "why", raw) == Reject("a.csv", 7, "why", expected)


def test_json_lines_are_in_the_order_of_the_file():
    found = rejects.json_lines([Reject("a.csv", 10, "late", "c"), Reject("a.csv", 9, "early", 'é\n"')])
    assert found.decode().endswith("\n")
    assert "é" in found.decode()
    assert [json.loads(line) for line in found.decode().splitlines()] == [
        {"file": "a.csv", "place": 9, "reason": "early", "raw": 'é\n"'},
        {"file": "a.csv", "place": 10, "reason": "late", "raw": "c"},
    ]


def test_json_lines_of_half_a_surrogate_pair_are_still_utf_8():
    line = rejects.json_lines([Reject("a.jsonl", 1, "why", "a\ud800b")])
    assert json.loads(line.decode())["raw"] == "a?b"


def test_json_lines_of_nothing():
    assert rejects.json_lines([]) == b""


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string()])
def test_empty_texts(kind):
    texts = ["good", "", None, " \t\r\n", "\u00a0\u3000", " . ", "0"]
    assert rejects.empty_texts(pa.array(texts, kind)) == {
        1: "empty_text",
        2: "missing_text",
        3: "empty_text",
        4: "empty_text",
    }


def test_no_text_is_empty():
    assert rejects.empty_texts(pa.array(["a", "b"])) == {}
    assert rejects.empty_texts(pa.array([], pa.string())) == {}
