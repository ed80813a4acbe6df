"""What a job's flags say of its archive reaches the readers."""

import pytest

from beam_pipelines.archive.read_options import ReadOptions, TextFormat
from beam_pipelines.archive.row_scanner import CSV, JSON_LINES, TSV, Dialect
from beam_pipelines.archive.settings import ArchiveSettings

GIVEN = {"input": ("a.csv",), "output": "out", "text_column": "text"}


@pytest.mark.parametrize(
    ("text_format", "csv", "tsv"),
    [
        (TextFormat(), CSV, TSV),
        (TextFormat(delimiter=";"), Dialect(";", '"'), Dialect(";", '"')),
        (TextFormat(quote="'"), Dialect(",", "'"), Dialect("\t", "'")),
        (TextFormat(quote=None), Dialect(","), Dialect("\t")),
    ],
)
def test_a_format_has_its_own_delimiter_unless_one_is_given(text_format, csv, tsv):
    assert text_format.dialect("csv") == csv
    assert text_format.dialect("tsv") == tsv
    assert text_format.dialect("jsonl") == JSON_LINES


@pytest.mark.parametrize(
    ("encoding", "reason"),
    [
        ("utf-8", "invalid_utf8"),
        ("UTF-8", "invalid_utf8"),
        ("utf-8-sig", "invalid_utf8_sig"),
        ("latin-1", "invalid_latin_1"),
        ("cp1252", "invalid_cp1252"),
    ],
)
def test_the_reason_to_reject_a_row_names_its_encoding(encoding, reason):
    assert TextFormat(encoding=encoding).invalid_reason == reason


def test_defaults_are_those_of_the_flags():
    settings = ArchiveSettings(**GIVEN)
    assert TextFormat.of(settings) == TextFormat()
    assert ReadOptions.of(settings, columns=("text",), block_bytes=1 << 20) == ReadOptions(columns=("text",))


def test_every_flag_is_read():
    settings = ArchiveSettings(**GIVEN, csv_delimiter=r"\t", csv_quote="none", encoding="cp1252", max_field_mb=0.5)
    assert ReadOptions.of(
        settings, columns=("text", "n"), block_bytes=7, all_columns=True, binary=("n",)
    ) == ReadOptions(
        columns=("text", "n"),
        text_format=TextFormat(encoding="cp1252", delimiter="\t", quote=None),
        block_bytes=7,
        max_row_bytes=1 << 19,
        all_columns=True,
        binary=("n",),
    )
