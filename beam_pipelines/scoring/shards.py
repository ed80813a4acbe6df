"""The shards of a bulk job: what a block becomes, and how it is written."""

import io
import json

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from beam_pipelines.archive.blocks import Block
from beam_pipelines.exports import Export
from beam_pipelines.flags import UserError
from beam_pipelines.score_settings import ScoreSettings

ROW_ID = "id"
UNIT, COUNT, SHARE = "score", "tokens", "share in [0, 1]"
# Column -> what the field's metadata say of it, and its unit; that of a score is the archive's range.
RESULTS = {
    "score": ("the score", UNIT),
    "score_low": ("the least score of the interval", UNIT),
    "score_high": ("the greatest score of the interval", UNIT),
    "tokens": ("tokens of the text, before it was cut", COUNT),
    "known_share": ("share of the tokens with a vector", SHARE),
    "truncated": ("whether the text was cut after the model's max_tokens", ""),
    "explained_score": ("what the reasons explain: see the README", UNIT),
    "explained_rest": ("explained_score less the points of the reasons", UNIT),
    "reasons": ("the phrases that moved the score most; points are in the unit of the score", ""),
    "model_version": ("version of the exported model", ""),
}
EXPLANATION = {
    "explained_score": pa.float32(),
    "explained_rest": pa.float32(),
    "reasons": pa.list_(pa.struct([("phrase", pa.string()), ("points", pa.float32())])),
}


def check_names(settings: ScoreSettings) -> None:
    """Refuses kept columns that have the name of a result.

    Raises:
      UserError: Names the column.
    """
    for name in settings.kept_columns:
        clashes = name in RESULTS and (settings.explain or name not in EXPLANATION)
        if clashes or (name == ROW_ID and settings.id_column is None):
            raise UserError(f"the column {name!r} that is to be kept has the name of one of the results; rename it")


def score_table(block: Block, scored: dict[str, np.ndarray], settings: ScoreSettings, export: Export) -> pa.Table:
    """The rows of a block's shard: the id and the kept columns as they were, then the results."""
    columns = {name: block.rows.column(name) for name in settings.kept_columns}
    if settings.id_column is None:
        names = [f"{block.file.name}:{place}" for place in block.places]
        columns = {ROW_ID: pa.array(names, pa.string()), **columns}
    for name in RESULTS:
        if name in scored:
            columns[name] = pa.array(scored[name], EXPLANATION.get(name))
    columns["model_version"] = pa.array(np.full(block.rows.num_rows, export.version, np.int64))
    unit = f"{export.about['score_min']:g} to {export.about['score_max']:g}"
    fields = []
    for name, values in columns.items():
        about, kind = RESULTS.get(name, ("", ""))
        metadata = {"description": about, "unit": unit if kind == UNIT else kind} if about else None
        fields.append(pa.field(name, values.type, metadata=metadata))
    return pa.table(list(columns.values()), schema=pa.schema(fields))


def encode(table: pa.Table, output_format: str) -> bytes:
    """The bytes of a shard: "parquet", "jsonl" or "csv"."""
    sink = io.BytesIO()
    if output_format == "parquet":
        pq.write_table(table, sink, compression="zstd")
    elif output_format == "csv":
        pa.csv.write_csv(_with_json_text(table), sink)
    else:
        rows = _with_short_floats(table).to_pylist()
        sink.write("".join(json.dumps(row, ensure_ascii=False, default=str) + "\n" for row in rows).encode())
    return sink.getvalue()


def _with_json_text(table: pa.Table) -> pa.Table:
    """Lists and structs as JSON, since a CSV field is text."""
    for place, field in enumerate(table.schema):
        if pa.types.is_nested(field.type):
            texts = [json.dumps(value, ensure_ascii=False, default=str) for value in table.column(place).to_pylist()]
            table = table.set_column(place, field.name, pa.array(texts, pa.string()))
    return table


def _with_short_floats(table: pa.Table) -> pa.Table:
    """float32 as the float64 of fewest digits that rounds to it, so that 7.3 is written 7.3; NaN as null."""
    for place, field in enumerate(table.schema):
        if pa.types.is_float32(field.type):
            short = table.column(place).to_numpy().astype(str).astype(np.float64)
            table = table.set_column(place, field.name, pa.array(short, from_pandas=True))
        elif pa.types.is_floating(field.type):
            table = table.set_column(place, field.name, pa.array(table.column(place).to_pandas(), from_pandas=True))
    return table
