"""The shards of a bulk job: what a block becomes, and how it is written."""

import concurrent.futures
import io
import json
import math
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from beam_pipelines.archive.block_names import is_block_name
from beam_pipelines.artifacts.exports import Export
from beam_pipelines.commands.progress import Done
from beam_pipelines.errors import UserError
from beam_pipelines.files import storage
from beam_pipelines.scoring.carried_columns import Kept

READERS = 16
SCORES, STATISTICS = "scores/{}.{}", "statistics/{}.json"
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
    "reasons": pa.list_(pa.struct([("phrase", pa.string()), ("points", pa.float64())])),
}


def check_names(kept: tuple[Kept, ...], *, explain: bool, more: tuple[str, ...] = ()) -> None:
    """Refuses kept columns that have the name of a result, or one of `more`.

    Raises:
      UserError: Names the column.
    """
    taken = {*more, *RESULTS} if explain else {*more, *RESULTS} - EXPLANATION.keys()
    clashes = [one.name for one in kept if one.name in taken]
    if clashes:
        way = f"give another name, as in --keep_columns {','.join(f'input_{name}={name}' for name in clashes)}"
        if ROW_ID in clashes:
            way = f"name rows by it with --id_column {ROW_ID}, or {way}"
        names = ", ".join(map(repr, clashes))
        raise UserError(f"results have the names of these columns, which are to be kept: {names}; {way}")


def score_table(kept: dict[str, pa.Array], scored: dict, export: Export) -> pa.Table:
    """The kept columns of some rows, then the results.

    Args:
      kept: By name, the columns that are carried along.
      scored: By name, the results.
      export: The model.
    """
    columns = dict(kept)
    for name in RESULTS:
        if name in scored:
            columns[name] = pa.array(scored[name], EXPLANATION.get(name))
    columns["model_version"] = pa.array(np.full(len(scored["score"]), export.version, np.int64))
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
        pa.csv.write_csv(_without_formulas(_with_json_text(table)), sink)
    else:
        rows = _with_short_floats(table).to_pylist()
        sink.write("".join(_json(row) + "\n" for row in rows).encode())
    return sink.getvalue()


def _json(value: object) -> str:
    """A value as JSON, which has no NaN and no infinity."""
    try:
        return json.dumps(value, ensure_ascii=False, default=_told, allow_nan=False)
    except ValueError:
        return json.dumps(_finite(value), ensure_ascii=False, default=_told)


def _told(value: object) -> str:
    """A value that JSON and CSV have no form for: bytes as the text that they are, or as hexadecimal digits."""
    try:
        return value.decode() if isinstance(value, bytes) else str(value)
    except UnicodeDecodeError:
        return value.hex()


def _finite(value: object) -> object:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {name: _finite(one) for name, one in value.items()}
    return [_finite(one) for one in value] if isinstance(value, list) else value


def _with_json_text(table: pa.Table) -> pa.Table:
    """Lists and structs as JSON, and bytes as text, since a CSV field is text."""
    for place, field in enumerate(table.schema):
        as_text = _json if pa.types.is_nested(field.type) else _told
        if pa.types.is_nested(field.type) or "binary" in str(field.type):
            texts = [None if value is None else as_text(value) for value in table.column(place).to_pylist()]
            table = table.set_column(place, field.name, pa.array(texts, pa.string()))
    return table


def _without_formulas(table: pa.Table) -> pa.Table:
    """Puts ' before what a spreadsheet would run as a formula: text that begins with = + - or @ and is no number.

    So advises OWASP, "CSV Injection"; it names the tab and the carriage return too.
    """
    names = [_harmless(pa.array([name]))[0].as_py() for name in table.column_names]
    columns = [_harmless(column) if pa.types.is_string(column.type) else column for column in table.columns]
    return pa.table(columns, names=names)


def _harmless(texts):
    runs = pc.match_substring_regex(texts, r"^[=+\-@\t\r]")
    number = pc.match_substring_regex(texts, r"^[+\-]?(\d+\.?\d*|\.\d+)([eE][+\-]?\d+)?$")
    return pc.if_else(pc.and_not(runs, number), pc.binary_join_element_wise("'", texts, ""), texts)


def _with_short_floats(table: pa.Table) -> pa.Table:
    """float32 as the float64 of fewest digits that rounds to it, so that 7.3 is written 7.3; NaN as null."""
    for place, field in enumerate(table.schema):
        if pa.types.is_float32(field.type):
            short = table.column(place).to_numpy().astype(str).astype(np.float64)
            table = table.set_column(place, field.name, pa.array(short, from_pandas=True))
        elif pa.types.is_floating(field.type):
            table = table.set_column(place, field.name, pa.array(table.column(place).to_pandas(), from_pandas=True))
    return table


def finished(folder: str, output_format: str) -> list[str]:
    """The names of the blocks whose shards stand in a job's folder, in the order of the archive."""
    listed = storage.listing(storage.join(folder, "scores"))
    names = {name.removesuffix(f".{output_format}") for name in listed if name.endswith(f".{output_format}")}
    told = {name.removesuffix(".json") for name in storage.listing(storage.join(folder, "statistics"))}
    return sorted(name for name in names & told if is_block_name(name))


def read_statistics(folder: str, names: list[str]) -> Iterator[tuple[str, dict]]:
    """Yields the names and the statistics of blocks, never holding those of all."""
    with concurrent.futures.ThreadPoolExecutor(READERS) as pool:
        for start in range(0, len(names), READERS):
            part = names[start : start + READERS]
            paths = [storage.join(folder, STATISTICS.format(name)) for name in part]
            yield from zip(part, pool.map(storage.read_json, paths), strict=True)


class Newly:
    """Tells, at each call, of the blocks that were finished since the last one.

    Args:
      folder: The job's.
      output_format: Of its shards.
    """

    def __init__(self, folder: str, output_format: str):
        self._folder, self._format = folder, output_format
        self._known: set[str] = set()

    def __call__(self) -> dict[str, Done]:
        """What is told of them, by name."""
        names = [name for name in finished(self._folder, self._format) if name not in self._known]
        self._known.update(names)
        return {name: Done.of(block) for name, block in read_statistics(self._folder, names)}
