"""Columns that stand in the names of folders, as Hive and Spark write them: `stars=5/part-0.parquet`."""

import dataclasses
import re
import urllib.parse

import pyarrow as pa

from beam_pipelines.archive.columns import Columns
from beam_pipelines.archive.finding.input_files import InputFile

_NULL = "__HIVE_DEFAULT_PARTITION__"


def columns_of(path: str) -> dict[str, str | None]:
    """The values that the folders of a path tell, by their column.

    >>> columns_of("reviews/lang=en/title=a%2Fb/date=__HIVE_DEFAULT_PARTITION__/part-0.csv")
    {'lang': 'en', 'title': 'a/b', 'date': None}
    """
    if "=" not in path:
        return {}
    pairs = [match.groups() for folder in path.split("/")[:-1] if (match := re.fullmatch(r"(?s)([^=]+)=(.*)", folder))]
    unquote = urllib.parse.unquote
    return {unquote(name): None if value == _NULL else unquote(value) for name, value in pairs}


def added(file: InputFile, columns: Columns | None, text_column: str) -> tuple[InputFile, Columns | None]:
    """Adds the columns that a file's folders tell and that it does not hold itself; its text has to be in it."""
    told = columns_of(file.path) | columns_of(file.member or "")
    if not told:
        return file, columns
    held = columns or Columns(())
    partitions = tuple((name, value) for name, value in told.items() if name not in held and name != text_column)
    if columns is not None:
        columns = dataclasses.replace(columns, names=columns.names + tuple(name for name, _ in partitions))
    return dataclasses.replace(file, partitions=partitions), columns


def fill(rows: pa.RecordBatch, file: InputFile, columns: tuple[str, ...]) -> pa.RecordBatch:
    """Makes rows of some columns from those that were read: what the folders tell is equal in all."""
    told = dict(file.partitions)
    arrays = [
        rows.column(name) if name not in told else pa.array([told[name]] * rows.num_rows, pa.string())
        for name in columns
    ]
    return pa.RecordBatch.from_arrays(arrays, names=list(columns))
