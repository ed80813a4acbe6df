"""What a job's flags say of its archive reaches the readers."""

import dataclasses

import pyarrow as pa
import pytest

from beam_pipelines.archive.extents import Sizes
from beam_pipelines.archive.finding.input_files import InputFile
from beam_pipelines.archive.read_options import LookOptions, ReadOptions
from beam_pipelines.archive.rows.dialect import CSV, JSON_LINES, TSV, Dialect
from beam_pipelines.archive.rows.text_format import TextFormat
from beam_pipelines.archive.settings import ArchiveSettings


def file_of(format: str, **more) -> InputFile:
    return InputFile(index=0, path="/in/a", format=format, compression=None, size_bytes=1, **more)


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
    assert [text_format.dialect(file_of(name)) for name in ("csv", "tsv", "jsonl")] == [csv, tsv, JSON_LINES]


def test_what_a_file_says_of_its_delimiter_counts_where_none_is_given():
    assert TextFormat().dialect(file_of("csv", delimiter=";")) == Dialect(";", '"')
    assert TextFormat(delimiter="|").dialect(file_of("csv", delimiter=";")) == Dialect("|", '"')


def test_escapes_and_values_that_open_a_quote_are_of_the_dialect():
    text_format = TextFormat(escape="\\", null_values=('"N', '"NULL"', "NULL"))
    assert text_format.dialect(file_of("csv")) == Dialect(",", '"', "\\", ('"N',))
    assert TextFormat(quote=None, null_values=('"N',)).dialect(file_of("csv")) == Dialect(",")


@pytest.mark.parametrize(
    ("encoding", "reason"),
    [
        ("utf-8", "invalid_utf8"),
        ("utf-8,cp1252", "invalid_utf8_or_cp1252"),
        ("UTF-8", "invalid_utf8"),
        ("utf-8-sig", "invalid_utf8_sig"),
        ("latin-1", "invalid_latin_1"),
        ("cp1252", "invalid_cp1252"),
    ],
)
def test_the_reason_to_reject_a_row_names_its_encoding(encoding, reason):
    assert TextFormat(encodings=tuple(encoding.split(","))).invalid_reason == reason


def test_defaults_are_those_of_the_flags():
    settings, text_format = ArchiveSettings(**GIVEN), TextFormat(null_values=(r"\N",))
    assert TextFormat.of(settings) == text_format
    options = ReadOptions.of(settings, columns=("text",), sizes=Sizes(1 << 20, 1 << 20))
    assert options == ReadOptions(columns=("text",), text_format=text_format)
    assert options.look == LookOptions(text_column="text", text_format=text_format)
    # Before any work, a look goes further than that of the worker that reads the file.
    assert LookOptions.of(settings) == dataclasses.replace(options.look, lines_below=10)


def test_every_flag_is_read():
    settings = ArchiveSettings(
        **GIVEN,
        csv_delimiter=r"\t",
        csv_quote="none",
        csv_escape="\\",
        null_values="NULL,",
        encoding="utf-8, cp1252",
        max_field_mb=0.5,
        input_format="jsonl",
        max_unpacked_gb=2,
    )
    more = {
        "all_columns": True,
        "binary": ("n",),
        "nullable": ("text",),
        "optional": ("n",),
        "types": (("n", pa.binary()),),
    }
    options = ReadOptions.of(settings, columns=("text", "n"), sizes=Sizes(7, 70), **more)
    assert options == ReadOptions(
        columns=("text", "n"),
        text_format=TextFormat(
            encodings=("utf-8", "cp1252"), delimiter="\t", quote=None, escape="\\", null_values=("NULL",)
        ),
        block_bytes=7,
        extent_bytes=70,
        max_row_bytes=1 << 19,
        input_format="jsonl",
        max_unpacked_bytes=2e9,
        **more,
    )
    assert LookOptions.of(settings) == dataclasses.replace(options.look, lines_below=10)


def test_a_column_without_a_type_is_text():
    options = ReadOptions(columns=("text", "n"), types=(("n", pa.int8()),))
    assert [options.type_of(name) for name in options.columns] == [pa.string(), pa.int8()]


def test_some_columns_are_not_read_of_a_file_that_lacks_them():
    options = ReadOptions(columns=("text", "stars", "n"), optional=("n",))
    assert options.without({"stars"}) == ReadOptions(columns=("text", "n"), optional=("n",))
