"""The shards of a bulk job: their columns, where they lie, and which blocks are done."""

import concurrent.futures
import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from beam_pipelines.archive.block_names import BLOCK_GLOBS, is_block_name
from beam_pipelines.artifacts.scale import Scale
from beam_pipelines.errors import UserError
from beam_pipelines.files import storage
from beam_pipelines.scoring.carried_columns import CarriedColumn
from beam_pipelines.scoring.encoders import encode_table
from beam_pipelines.scoring.summary.block_statistics import BlockStatistics

# Object stores answer slowly, so that many are asked at a time.
READERS = 16
_SCORES, _STATISTICS = "scores/{block}.{format}", "statistics/{block}.json"
FORMATS = ("parquet", "jsonl", "csv")
# What a job may write for its blocks, as patterns.
OUTPUTS = [
    *(_SCORES.format(block=block, format=format) for block in BLOCK_GLOBS for format in FORMATS),
    *(f"rejected/{block}.jsonl" for block in BLOCK_GLOBS),
    *(_STATISTICS.format(block=block) for block in BLOCK_GLOBS),
]
ROW_ID = "id"
UNIT, COUNT, SHARE = "score", "tokens", "share in [0, 1]"
# Column -> what the field's metadata say of it, and its unit; that of a score is the archive's range.
RESULT_COLUMNS = {
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


def check_names(carried: tuple[CarriedColumn, ...], *, explain: bool, more: tuple[str, ...] = ()) -> None:
    """Refuses carried columns that have the name of a result, or one of `more`.

    Raises:
      UserError: Names the column.
    """
    taken = {*more, *RESULT_COLUMNS} if explain else {*more, *RESULT_COLUMNS} - EXPLANATION.keys()
    clashes = [column.name for column in carried if column.name in taken]
    if clashes:
        way = f"give another name, as in --keep_columns {','.join(f'input_{name}={name}' for name in clashes)}"
        if ROW_ID in clashes:
            way = f"name rows by it with --id_column {ROW_ID}, or {way}"
        names = ", ".join(map(repr, clashes))
        raise UserError(f"results have the names of these columns, which are to be kept: {names}; {way}")


def score_table(carried: dict[str, pa.Array], results: Mapping[str, Any], version: int, scale: Scale) -> pa.Table:
    """Joins the carried columns of some rows, then the results.

    Args:
      carried: By name, the columns that are carried along.
      results: By name, an array or list of [rows] each.
      version: Of the model.
      scale: Of the scores.
    """
    columns = dict(carried)
    for name in RESULT_COLUMNS:
        if name in results:
            columns[name] = pa.array(results[name], EXPLANATION.get(name))
    columns["model_version"] = pa.array(np.full(len(results["score"]), version, np.int64))
    score_range = f"{scale.low:g} to {scale.high:g}"
    fields = []
    for name, values in columns.items():
        description, unit = RESULT_COLUMNS.get(name, ("", ""))
        metadata = {"description": description, "unit": score_range if unit == UNIT else unit} if description else None
        fields.append(pa.field(name, values.type, metadata=metadata))
    return pa.table(list(columns.values()), schema=pa.schema(fields))


def write_shard(folder: str, block: str, statistics: BlockStatistics, table: pa.Table, output_format: str) -> None:
    """Writes a block's statistics, then its scores: a shard of scores that stands is a block that is done."""
    storage.write_json(folder, _STATISTICS.format(block=block), statistics.to_json())
    data = encode_table(table, output_format)
    storage.write_bytes(folder, _SCORES.format(block=block, format=output_format), data)


def finished_blocks(folder: str, output_format: str) -> list[str]:
    """The names of the blocks whose shards stand in a job's folder, in the order of the archive."""
    listed = storage.listing(storage.join(folder, "scores"))
    scored = {name.removesuffix(f".{output_format}") for name in listed if name.endswith(f".{output_format}")}
    described = {name.removesuffix(".json") for name in storage.listing(storage.join(folder, "statistics"))}
    return sorted(name for name in scored & described if is_block_name(name))


def read_statistics(folder: str, names: list[str]) -> Iterator[tuple[str, BlockStatistics]]:
    """Yields the names and the statistics of blocks, never holding those of all."""
    with concurrent.futures.ThreadPoolExecutor(READERS) as pool:
        for start in range(0, len(names), READERS):
            part = names[start : start + READERS]
            paths = [storage.join(folder, _STATISTICS.format(block=name)) for name in part]
            yield from zip(part, map(BlockStatistics.from_json, pool.map(storage.read_json, paths)), strict=True)


@dataclasses.dataclass(frozen=True)
class FinishedBlock:
    """What resuming and the progress line need of a block that is done.

    Attributes:
      end: Where the next block of its file starts; None where the file ends.
      engine: What scored it.
      rows: The rows that it had.
      rejected: How many of them were rejected.
      stored_bytes: The bytes of the archive that it took.
    """

    end: int | None
    engine: str
    rows: int
    rejected: int
    stored_bytes: int

    @classmethod
    def of(cls, block: BlockStatistics) -> "FinishedBlock":
        return cls(block.end, block.engine, block.rows_read, block.rows_rejected, block.stored_bytes)


class NewlyFinishedBlocks:
    """Returns, at each call, the blocks that were finished since the last one.

    Args:
      folder: The job's.
      output_format: Of its shards.
    """

    def __init__(self, folder: str, output_format: str):
        self._folder, self._format = folder, output_format
        self._known: set[str] = set()

    def __call__(self) -> dict[str, FinishedBlock]:
        names = [name for name in finished_blocks(self._folder, self._format) if name not in self._known]
        self._known.update(names)
        return {name: FinishedBlock.of(block) for name, block in read_statistics(self._folder, names)}
