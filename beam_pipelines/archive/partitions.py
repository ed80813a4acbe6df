"""Columns that stand in the names of folders, as Hive and Spark write them: `stars=5/part-0.parquet`."""

import dataclasses
import re
import urllib.parse

import numpy as np
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


def fill(
    rows: pa.RecordBatch, files: tuple[InputFile, ...], file_of_row: np.ndarray, columns: tuple[str, ...]
) -> pa.RecordBatch:
    """Makes rows of some columns from those that were read: what its folders tell is equal in all rows of a file.

    Args:
      rows: With the columns that the files hold themselves, of several files the same ones.
      files: Where they stand.
      file_of_row: int [rows], the index of each row's file.
      columns: The names of the columns.
    """
    told = [dict(file.partitions) for file in files]
    if not told or not told[0]:
        return rows
    by_file = {name: pa.array([values[name] for values in told], pa.string()) for name in told[0]}
    arrays = [by_file[name].take(pa.array(file_of_row)) if name in by_file else rows.column(name) for name in columns]
    return pa.RecordBatch.from_arrays(arrays, names=list(columns))
