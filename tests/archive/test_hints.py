"""A hint follows from what the rejected rows showed, and none is given that cannot help."""

import json
import re
import subprocess

import pytest

from beam_pipelines.archive import hints
from beam_pipelines.archive.rows import faults, remarks, score_faults


def hint_of(reason: str, *found: str, rows: int = 10, rows_read: int = 100) -> str:
    noticed = {remarks.fault(reason, fault): rows for fault in found}
    return hints.hint({reason: rows, "empty_text": 1}, noticed, rows_read)


@pytest.mark.parametrize(
    ("reason", "fault", "flag"),
    [
        ("too_many_fields", faults.BACKSLASH, r"add --csv_escape '\'; "),
        ("too_few_fields", faults.TEXT_IN_QUOTES, "add --csv_quote none; "),
        ("too_many_fields", faults.OTHER_QUOTE, "name them with --csv_quote; "),
        ("too_many_fields", faults.QUOTES, "leave out --csv_quote none; "),
        ("broken_json", faults.PRETTY, "as jq -c . does; "),
        ("score_not_a_number", score_faults.OUT_OF, "--score_pattern '(-?[0-9.]+) out of' in place of --score_column"),
        ("score_not_a_number", score_faults.DECIMAL_COMMA, "write them with points; "),
        ("score_out_of_range", score_faults.value(0.0), "where that stands for no score, add --unrated_values 0; "),
    ],
)
def test_a_fault_leads_to_what_helps(reason, fault, flag):
    assert flag in hint_of(reason, fault)


def test_rows_that_were_split_wrongly_lead_to_one_cause():
    """A quote that is not closed costs fields in one row and gives them to the next."""
    noticed = {"too_many_fields/backslash": 4, "too_few_fields/one_field_more": 1}
    assert "--csv_escape" in hints.hint({"too_few_fields": 5, "too_many_fields": 4}, noticed, 100)


def test_one_field_more_is_believed_where_it_is_the_rule():
    assert "row names" in hint_of("too_many_fields", faults.ONE_FIELD_MORE, rows=99)
    assert hint_of("too_many_fields", faults.ONE_FIELD_MORE, rows=10) == ""


def test_scores_of_several_values_off_the_scale_are_no_sign_of_unrated_rows():
    found = (score_faults.value(0.0), score_faults.value(11.0))
    assert hint_of("score_out_of_range", *found) == "are --score_min and --score_max right? "


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("too_few_fields", ""),
        ("empty_text", ""),
        ("row_too_long", ""),
        ("invalid_utf8_or_cp1252", "is --encoding right? "),
        ("invalid_cp1252", "is --encoding right? (utf-8,cp1252 tries both); "),
        ("text_not_a_string", "is --text_column right? "),
    ],
)
def test_without_a_fault_a_question_is_asked_only_if_its_answer_can_help(reason, expected):
    assert hint_of(reason) == expected


def test_a_quote_that_stays_open_among_others_that_are_marks_is_to_be_mended():
    assert "--csv_quote none" in hints.hint({"open_quote": 3}, {}, 100)
    assert hints.hint({"open_quote": 3}, {remarks.QUOTED: 80}, 100).startswith(
        "some texts hold quotes that are neither"
    )


def test_some_missing_texts_are_no_wrong_column():
    assert hint_of("missing_text", rows=10) == ""
    assert hint_of("missing_text", rows=90) == "is --text_column right? "
    assert hints.hint({}, {}, 0) == ""


def test_what_is_told_of_rows_that_were_read():
    noticed = {remarks.TEXT_AFTER_QUOTE: 1200, remarks.ROW_IN_QUOTES: 1, remarks.read_as("cp1252"): 7}
    assert hints.remark_lines(noticed, 100_000) == [
        "in 1,200 rows text goes on behind a closing quote, so one may hold others; where quotes are characters like "
        "any other, add --csv_quote none",
        "1 lines within quotes have the fields of a row, and may be rows; where quotes are characters like any other, "
        "add --csv_quote none",
        "7 rows were read as cp1252",
    ]
    assert hints.remark_lines({}, 10) == []


def test_escapes_are_told_where_they_are_no_exception():
    """One path of Windows among many reviews is no dump of a database."""
    assert hints.remark_lines({remarks.BACKSLASHES: 1}, 100) == []
    [line] = hints.remark_lines({remarks.BACKSLASHES: 2}, 100)
    assert line.endswith(r"add --csv_escape '\'")


ROWS = [{"body": "a", "stars": 1}, {"body": "b", "stars": 2}]


@pytest.mark.parametrize(
    ("fault", "content"),
    [
        (faults.PRETTY, "\n".join(json.dumps(row, indent=2) for row in ROWS)),
        (faults.GLUED, "".join(map(json.dumps, ROWS))),
        (faults.COMMA, ",\n".join(map(json.dumps, ROWS))),
        (faults.COMMA, "[" + ",\n".join(map(json.dumps, ROWS)) + "]"),
        (faults.ARRAY, json.dumps(ROWS, indent=1)),
        (faults.COLUMNS, json.dumps({"body": {"0": "a", "1": "b"}, "stars": {"0": 1, "1": 2}})),
    ],
)
def test_the_named_command_makes_json_lines(tmp_path, fault, content):
    command = re.search(r"as ((?:jq|sed) .+) does$", hints.of_fault(fault))[1]
    if command.startswith("jq") and subprocess.run("command -v jq", shell=True, capture_output=True).returncode:
        pytest.skip("jq is not installed")
    done = subprocess.run(command, shell=True, input=content, capture_output=True, text=True, check=True)
    assert [json.loads(line) for line in done.stdout.splitlines()] == ROWS
