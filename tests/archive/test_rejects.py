"""A rejected row is told with its place, its reason and enough of its text to find it."""

import datetime
import json
import re

import pyarrow as pa
import pytest

from beam_pipelines.archive import rejects
from beam_pipelines.archive.rejects import Reject
from beam_pipelines.errors import UserError


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


@pytest.mark.parametrize(
    ("by_reason", "rows_read", "allowed"),
    [({}, 0, 0.0), ({}, 10, 0.0), ({"empty_text": 1}, 100, 0.01), ({"empty_text": 2, "open_quote": 1}, 4, 0.75)],
)
def test_as_many_rejects_as_allowed_pass(by_reason, rows_read, allowed):
    rejects.check_share(by_reason, {}, rows_read, allowed=allowed, output="out")


def test_more_rejects_than_allowed_are_an_error_of_its_own_status():
    sentence = (
        "4.0% of the rows were rejected, most often for invalid_utf8 (3); is --encoding right? (utf-8,cp1252 tries "
        "both); see out/rejected, and allow more with --max_rejected_share"
    )
    with pytest.raises(UserError, match=f"(?m)^{re.escape(sentence)}$") as caught:
        rejects.check_share({"empty_text": 1, "invalid_utf8": 3}, {}, 100, allowed=0.0399, output="out")
    assert caught.value.status == rejects.TOO_MANY == 3


def test_a_block_with_rejects_has_a_file_of_them_and_another_has_none(tmp_path):
    rejected = [Reject("a.csv", 9, "why", "text")]
    rejects.write_rejects("one", [], folder=str(tmp_path), with_raw=True)
    rejects.write_rejects("two", rejected, folder=str(tmp_path), with_raw=True)
    rejects.write_rejects("three", rejected, folder=str(tmp_path), with_raw=False)
    written = {path.name: json.loads(path.read_bytes()) for path in (tmp_path / "rejected").iterdir()}
    expected = {"file": "a.csv", "place": 9, "reason": "why", "raw": "text"}
    assert written == {"two.jsonl": expected, "three.jsonl": {**expected, "raw": None}}
