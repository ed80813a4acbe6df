"""Writes the tables of a shard in each output format."""

import json
import math
from typing import IO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq


class TableWriter:
    """Writes tables of one schema behind each other; of Parquet, each is a row group.

    Args:
      sink: What is written to.
      output_format: "parquet", "jsonl" or "csv".
    """

    def __init__(self, sink: IO[bytes], output_format: str):
        self._sink, self._format = sink, output_format
        self._parquet: pq.ParquetWriter | None = None
        self._is_first = True

    def write(self, table: pa.Table) -> None:
        if self._format == "parquet":
            self._parquet = self._parquet or pq.ParquetWriter(self._sink, table.schema, compression="zstd")
            # Of an extent without a row, the schema is all.
            if table.num_rows:
                self._parquet.write_table(table, row_group_size=table.num_rows)
        elif self._format == "csv":
            options = pa.csv.WriteOptions(include_header=self._is_first)
            pa.csv.write_csv(_without_formulas(_with_json_text(table)), self._sink, options)
        else:
            rows = _with_short_floats(table).to_pylist()
            self._sink.write("".join(_json(row) + "\n" for row in rows).encode())
        self._is_first = False

    def close(self) -> None:
        """Writes what ends the file; the sink stays open."""
        if self._parquet:
            self._parquet.close()

    def discard(self) -> None:
        """Leaves the file as it is, without its end."""
        if self._parquet:
            # Else it would try to write that when it is collected, and complain of a sink that is closed.
            self._parquet.is_open = False


def _json(value: object) -> str:
    """A value as JSON, which has no NaN and no infinity."""
    try:
        return json.dumps(value, ensure_ascii=False, default=_bytes_as_text, allow_nan=False)
    except ValueError:
        return json.dumps(_finite(value), ensure_ascii=False, default=_bytes_as_text)


def _bytes_as_text(value: object) -> str:
    """A value that JSON and CSV have no form for: bytes as UTF-8 text, or else as hexadecimal digits."""
    if not isinstance(value, bytes):
        return str(value)
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.hex()


def _finite(value: object) -> object:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {name: _finite(item) for name, item in value.items()}
    return [_finite(item) for item in value] if isinstance(value, list) else value


def _with_json_text(table: pa.Table) -> pa.Table:
    """Lists and structs as JSON, and bytes as text, since a CSV field is text."""
    for index, field in enumerate(table.schema):
        as_text = _json if pa.types.is_nested(field.type) else _bytes_as_text
        if pa.types.is_nested(field.type) or "binary" in str(field.type):
            texts = [None if value is None else as_text(value) for value in table.column(index).to_pylist()]
            table = table.set_column(index, field.name, pa.array(texts, pa.string()))
    return table


def _without_formulas(table: pa.Table) -> pa.Table:
    """Puts ' before what a spreadsheet would run as a formula: text that begins with = + - or @ and is no number.

    So advises OWASP, "CSV Injection"; it names the tab and the carriage return too.
    """
    names = [_quote_formulas(pa.array([name]))[0].as_py() for name in table.column_names]
    columns = [_quote_formulas(column) if pa.types.is_string(column.type) else column for column in table.columns]
    return pa.table(columns, names=names)


def _quote_formulas(texts):
    is_formula = pc.match_substring_regex(texts, r"^[=+\-@\t\r]")
    is_number = pc.match_substring_regex(texts, r"^[+\-]?(\d+\.?\d*|\.\d+)([eE][+\-]?\d+)?$")
    return pc.if_else(pc.and_not(is_formula, is_number), pc.binary_join_element_wise("'", texts, ""), texts)


def _with_short_floats(table: pa.Table) -> pa.Table:
    """float32 as the float64 of fewest digits that rounds to it, so that 7.3 is written 7.3; NaN as null."""
    for index, field in enumerate(table.schema):
        if pa.types.is_float32(field.type):
            short = table.column(index).to_numpy().astype(str).astype(np.float64)
            table = table.set_column(index, field.name, pa.array(short, from_pandas=True))
        elif pa.types.is_floating(field.type):
            table = table.set_column(index, field.name, pa.array(table.column(index).to_pandas(), from_pandas=True))
    return table
