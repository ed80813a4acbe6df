"""The settings of the three commands: what they refuse, and which columns the jobs read for them."""

import re

import pytest

from beam_pipelines.preparing.settings import PreprocessSettings
from beam_pipelines.scoring.settings import ScoreSettings
from trainer.settings import TrainerSettings

BASE = {
    PreprocessSettings: {"input": ("a.csv",), "output": "o", "text_column": "text", "score_column": "s"},
    ScoreSettings: {"input": ("a.csv",), "model": "m", "output": "o", "text_column": "text"},
    TrainerSettings: {"data": "d", "output": "o"},
}
NAN, INFINITY = float("nan"), float("inf")
NOTHING_LEFT = "--test_share and --validation_share together leave nothing to train on"
NOT_ROW_BY_ROW = "--encoding {} cannot be read row by row; convert the files to UTF-8 first, as iconv does"
ONE_OF_TWO = "give exactly one of --score_column and --title_column"


@pytest.mark.parametrize(
    ("settings_class", "changes", "sentence"),
    [
        (PreprocessSettings, {"score_column": None}, ONE_OF_TWO),
        (PreprocessSettings, {"title_column": "t"}, ONE_OF_TWO),
        (PreprocessSettings, {"score_min": 100.0}, "--score_min 100.0 must be less than --score_max 100.0"),
        (PreprocessSettings, {"score_min": 5, "score_max": 1}, "--score_min 5 must be less than --score_max 1"),
        (PreprocessSettings, {"score_min": NAN}, "--score_min nan must be less than --score_max 100.0"),
        (PreprocessSettings, {"score_max": INFINITY}, "--score_min 0.0 must be less than --score_max inf"),
        (PreprocessSettings, {"test_share": -0.1}, "--test_share -0.1 is not in [0, 1]"),
        (PreprocessSettings, {"validation_share": 1.5}, "--validation_share 1.5 is not in [0, 1]"),
        (PreprocessSettings, {"sample_share": NAN}, "--sample_share nan is not in [0, 1]"),
        (PreprocessSettings, {"max_rejected_share": 1.01}, "--max_rejected_share 1.01 is not in [0, 1]"),
        (PreprocessSettings, {"test_share": 0.5, "validation_share": 0.5}, NOTHING_LEFT),
        (PreprocessSettings, {"test_share": 1.0, "validation_share": 0.0}, NOTHING_LEFT),
        (PreprocessSettings, {"max_tokens": 0}, "--max_tokens 0 must be at least 1"),
        (PreprocessSettings, {"vector_size": 0}, "--vector_size 0 must be at least 1"),
        (PreprocessSettings, {"unrated_rows": 0}, "--unrated_rows 0 must be at least 1"),
        (
            PreprocessSettings,
            {"teacher_column": "judge"},
            "--teacher_column judge is a column of --unrated, which is not given",
        ),
        (
            PreprocessSettings,
            {"unrated_rows": 50},
            "--unrated_rows 50 are rows of --unrated, which is not given",
        ),
        (
            PreprocessSettings,
            {"teacher_column": "", "unrated": ("b.csv",)},
            "--teacher_column names no column; one without a name cannot be read",
        ),
        (PreprocessSettings, {"trained_tokens": -1}, "--trained_tokens -1 must not be negative"),
        (PreprocessSettings, {"max_field_mb": 0.0}, "--max_field_mb 0.0 is not in (0, 16]"),
        (PreprocessSettings, {"max_field_mb": 16.5}, "--max_field_mb 16.5 is not in (0, 16]"),
        (
            PreprocessSettings,
            {"score_pattern": "("},
            "--score_pattern '(' is no regular expression: missing ), unterminated subpattern at position 0",
        ),
        (PreprocessSettings, {"score_pattern": r"\d+%"}, r"--score_pattern '\\d+%' has no group for the score"),
        (TrainerSettings, {"folds": 1}, "--folds 1 must be 0, or at least 2"),
        (TrainerSettings, {"folds": -2}, "--folds -2 must be 0, or at least 2"),
        (
            TrainerSettings,
            {"preset": "notebook"},
            "--preset notebook scores without a distribution, which --ngrams on would need; leave one of them out",
        ),
        (ScoreSettings, {"max_rejected_share": -0.5}, "--max_rejected_share -0.5 is not in [0, 1]"),
        (ScoreSettings, {"max_rejected_share": NAN}, "--max_rejected_share nan is not in [0, 1]"),
        (ScoreSettings, {"max_field_mb": 17.0}, "--max_field_mb 17.0 is not in (0, 16]"),
        (ScoreSettings, {"max_field_mb": NAN}, "--max_field_mb nan is not in (0, 16]"),
        (ScoreSettings, {"csv_delimiter": ""}, "--csv_delimiter '' is not one ASCII character within a line"),
        (ScoreSettings, {"csv_delimiter": "||"}, "--csv_delimiter '||' is not one ASCII character within a line"),
        (ScoreSettings, {"csv_delimiter": "\n"}, r"--csv_delimiter '\n' is not one ASCII character within a line"),
        (ScoreSettings, {"csv_quote": "\u201c"}, "--csv_quote '\u201c' is not one ASCII character within a line"),
        (ScoreSettings, {"csv_delimiter": '"'}, "--csv_quote and --csv_delimiter are both '\"'"),
        (
            ScoreSettings,
            {"encoding": "gbk", "csv_delimiter": "|"},
            "--csv_delimiter | may be a part of a character in gbk; convert the files to UTF-8 first, as iconv does",
        ),
        (
            ScoreSettings,
            {"encoding": "latin-1,utf-8"},
            "--encoding latin-1,utf-8: every row is valid in latin-1; name it last",
        ),
        (ScoreSettings, {"id_column": ""}, "--id_column names no column; one without a name cannot be read"),
        (ScoreSettings, {"encoding": "latin-11"}, "--encoding latin-11 is not known; try utf-8, latin-1 or cp1252"),
        (PreprocessSettings, {"encoding": "utf-16"}, NOT_ROW_BY_ROW.format("utf-16")),
        (PreprocessSettings, {"encoding": "cp037"}, NOT_ROW_BY_ROW.format("cp037")),
        (PreprocessSettings, {"max_unpacked_gb": 0.0}, "--max_unpacked_gb 0.0 must be more than 0"),
        (
            ScoreSettings,
            {"resume": True, "overwrite": True},
            "--resume goes on with an earlier job and --overwrite deletes it; give one of them",
        ),
        (TrainerSettings, {"epochs": 0}, "--epochs 0 must be at least 1"),
        (TrainerSettings, {"batch_size": -1}, "--batch_size -1 must be at least 1"),
        (TrainerSettings, {"patience": 0}, "--patience 0 must be at least 1"),
        (TrainerSettings, {"learning_rate": 0.0}, "--learning_rate 0.0 must be greater than 0"),
        (TrainerSettings, {"learning_rate": NAN}, "--learning_rate nan must be greater than 0"),
    ],
)
def test_settings_that_contradict_themselves_are_refused(settings_class, changes, sentence):
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        settings_class(**{**BASE[settings_class], **changes})


@pytest.mark.parametrize(
    ("settings_class", "changes"),
    [
        (PreprocessSettings, {"test_share": 0.0, "validation_share": 0.0, "sample_share": 0.0, "trained_tokens": 0}),
        (PreprocessSettings, {"max_rejected_share": 1.0, "max_field_mb": 16.0, "max_tokens": 1, "score_min": -1e9}),
        (ScoreSettings, {"max_rejected_share": 0.0, "max_field_mb": 0.001}),
        (TrainerSettings, {"epochs": 1, "batch_size": 1, "patience": 1, "learning_rate": 1e-9}),
    ],
)
def test_settings_at_the_edge_are_accepted(settings_class, changes):
    settings = settings_class(**{**BASE[settings_class], **changes})
    assert {name: getattr(settings, name) for name in changes} == changes


TITLED = {"score_column": None, "title_column": "title"}


@pytest.mark.parametrize(
    ("changes", "columns", "title_groups"),
    [
        ({}, ("text", "s"), ()),
        ({"id_column": "id", "split_column": "album"}, ("text", "s", "id", "album"), ()),
        ({"id_column": "s", "split_column": "text"}, ("text", "s"), ()),
        (TITLED, ("text", "title"), ("title",)),
        ({**TITLED, "split_column": "title"}, ("text", "title"), ("title",)),
        ({**TITLED, "score_pattern": r"(\d+)%"}, ("text", "title"), ()),
        (
            {**TITLED, "score_pattern": r"(?P<album>.*) - (?P<score>\d+)%", "split_column": "album"},
            ("text", "title"),
            ("album",),
        ),
        ({**TITLED, "split_column": "album"}, ("text", "title", "album"), ("title",)),
        ({**TITLED, "score_pattern": r"(?P<a>.)(?P<b>.)(.*)"}, ("text", "title"), ("a", "b")),
    ],
)
def test_the_columns_that_preprocess_reads(changes, columns, title_groups):
    settings = PreprocessSettings(**{**BASE[PreprocessSettings], **changes})
    assert settings.columns == columns
    assert settings.title_groups == title_groups


@pytest.mark.parametrize(
    ("flag", "character", "found"),
    [
        ("csv_delimiter", ";", ";"),
        ("csv_delimiter", "\t", "\t"),
        ("csv_delimiter", r"\t", "\t"),
        ("csv_delimiter", r"\x01", "\x01"),
        ("csv_quote", "'", "'"),
        ("csv_quote", "none", None),
    ],
)
def test_a_character_may_be_written_as_an_escape(flag, character, found):
    settings = ScoreSettings(**{**BASE[ScoreSettings], flag: character})
    assert getattr(settings, flag.removeprefix("csv_")) == found


def test_what_decides_the_shards_leaves_out_where_they_lie_and_how_a_job_ends():
    settings = ScoreSettings(**BASE[ScoreSettings])
    same = {"output": "p", "model": "n", "resume": True, "max_rejected_share": 0.5}
    assert ScoreSettings(**{**BASE[ScoreSettings], **same}).outcome == settings.outcome
    for name, value in {"text_column": "t", "explain": True, "empty_text": "score", "engine": "compiled"}.items():
        assert ScoreSettings(**{**BASE[ScoreSettings], name: value}).outcome != settings.outcome
