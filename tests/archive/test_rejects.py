"""A rejected row is told with its place, its reason and enough of its text to find it."""

import datetime
import json
import re

import pyarrow as pa
import pytest

from beam_pipelines.archive import rejects
from beam_pipelines.archive.finding.input_files import InputFile
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
    file = InputFile(3, "/in/a.zip", "csv", None, 10, member="a.csv", member_number=2)
    assert Reject.of(file, 7, "why", raw) == Reject("/in/a.zip:a.csv", 7, "why", expected, (3, 2))


def test_json_lines_are_in_the_order_of_the_archive():
    """Not in that of names: of a .zip, members are read as they lie."""
    found = rejects.json_lines(
        [
            Reject("a.zip:0.csv", 2, "last", "d", (0, 1)),
            Reject("a.zip:1.csv", 10, "late", "c", (0, 0)),
            Reject("a.zip:1.csv", 9, "early", 'é\n"', (0, 0)),
        ]
    )
    assert found.decode().endswith("\n")
    assert "é" in found.decode()
    assert [json.loads(line) for line in found.decode().splitlines()] == [
        {"file": "a.zip:1.csv", "place": 9, "reason": "early", "raw": 'é\n"'},
        {"file": "a.zip:1.csv", "place": 10, "reason": "late", "raw": "c"},
        {"file": "a.zip:0.csv", "place": 2, "reason": "last", "raw": "d"},
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


def test_what_stood_there_is_left_out_where_it_is_not_wanted():
    rejected = [Reject("a.csv", 9, "why", "text")]
    assert json.loads(rejects.json_lines(rejected, with_raw=False)) == {
        "file": "a.csv",
        "place": 9,
        "reason": "why",
        "raw": None,
    }


@pytest.mark.parametrize(
    ("by_reason", "rows_read", "unread_share", "share"),
    [
        ({"damaged_file": 1}, 1, 0.0, "100.0%"),
        ({"damaged_file": 1}, 100, 0.5, "50.5%"),
        ({"damaged_file": 1, "empty_text": 9}, 100, 0.1, "19.0%"),
    ],
)
def test_what_cannot_be_read_counts_as_if_rows_were_rejected_there(by_reason, rows_read, unread_share, share):
    """A file cut short after a tenth loses nine tenths of its rows, though it has one reject."""
    words = {"allowed": 0.05, "output": "out", "unread_share": unread_share}
    with pytest.raises(UserError, match=rf"^{share} of the rows were rejected, most often for") as caught:
        rejects.check_share(by_reason, {}, rows_read, **words)
    told = f", {unread_share:.1%} of the archive cannot be read; "
    assert (told in caught.value.args[0]) is bool(unread_share)
    rejects.check_share(by_reason, {}, rows_read, **words | {"allowed": float(share.rstrip("%")) / 100})


@pytest.mark.parametrize(
    ("by_reason", "rows_read", "allowed"),
    [
        ({}, 0, 0.0),
        ({"empty_text": 19}, 20, 0.01),
        ({"empty_text": 20}, 1000, 0.01),
        ({"repeated_header": 500}, 1000, 0.01),
        ({"empty_text": 1000}, 1000, 1.0),
    ],
)
def test_a_sample_with_few_rejects_passes(by_reason, rows_read, allowed):
    rejects.check_sample(by_reason, {}, rows_read, allowed=allowed)


def test_a_sample_with_more_than_twice_the_rejects_stops_the_job():
    sentence = (
        "2.1% of 1,000 rows of a sample would be rejected, most often for empty_text (21); allow more with "
        "--max_rejected_share"
    )
    with pytest.raises(UserError, match=f"(?m)^{re.escape(sentence)}$") as caught:
        rejects.check_sample({"empty_text": 21}, {}, 1000, allowed=0.01)
    assert caught.value.status == rejects.TOO_MANY


@pytest.mark.parametrize(("damaged", "mode"), [({}, "stop"), ({}, "reject"), ({"/in/a.gz": "damaged"}, "reject")])
def test_damaged_files_that_may_be_rejected_pass(damaged, mode):
    rejects.check_damage(damaged, mode, "add --resume")


@pytest.mark.parametrize(
    ("others", "more"), [(0, ""), (1, ", and so are 1 more files"), (1200, ", and so are 1,200 more files")]
)
def test_damaged_files_end_a_job_that_does_not_allow_them(others, more):
    damaged = {"/in/a.gz": "damaged behind byte 7"} | {f"/in/{index}.gz": "damaged" for index in range(others)}
    with pytest.raises(UserError, match=rf"^/in/a\.gz is damaged behind byte 7{more}; all else is written: ") as caught:
        rejects.check_damage(damaged, "stop", "add --resume and")
    assert caught.value.args[0].endswith("or add --resume and --damaged_files reject to do without the rest of it")
    assert caught.value.status == 2
