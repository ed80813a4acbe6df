"""Writes an extent block by block: memory holds one of them, whatever the size of the extent."""

import dataclasses

import pyarrow as pa

from beam_pipelines.archive import rejects
from beam_pipelines.archive.positions import Position
from beam_pipelines.artifacts.exports import Export
from beam_pipelines.files import storage
from beam_pipelines.files.staged import StagedFile
from beam_pipelines.scoring import output_columns
from beam_pipelines.scoring.output_formats import TableWriter
from beam_pipelines.scoring.score_rows import ScoredBlock
from beam_pipelines.scoring.shards import Shards
from beam_pipelines.scoring.summary.finished_extent import FileContents, FileRows, FinishedExtent
from beam_pipelines.scoring.summary.statistics import UNKNOWN_TOKENS, StatisticsOptions, describe_block
from beam_pipelines.scoring.summary.totals import Totals


@dataclasses.dataclass(frozen=True, kw_only=True)
class ShardOptions:
    """How and where extents are written.

    Attributes:
      shards: Where.
      with_raw: Whether a reject holds what stood in its row.
      statistics: What the statistics may say of a row.
    """

    shards: Shards
    with_raw: bool
    statistics: StatisticsOptions


class ExtentWriter:
    """Writes one extent.

    Args:
      begin: Where it begins.
      export: The model.
      options: How it is written.
    """

    def __init__(self, begin: Position, export: Export, options: ShardOptions):
        self._begin, self._export, self._options = begin, export, options
        self._scores = StagedFile(options.shards.folder)
        self._rejects: StagedFile | None = None
        self._tables = TableWriter(self._scores.stream, options.shards.output_format)
        self._totals, self._blocks = Totals(), 0
        self._files: dict[str, FileRows] = {}

    def add(self, scored: ScoredBlock) -> None:
        """Appends a block: its scores, its rejects, its statistics."""
        block, statistics = scored.block, self._options.statistics
        names = {} if statistics.id_column else {output_columns.ROW_ID: pa.array(block.row_names, pa.string())}
        scale = self._export.info.scale
        self._tables.write(
            output_columns.score_table(names | scored.carried, scored.results, self._export.version, scale)
        )
        if block.rejects:
            self._rejects = self._rejects or StagedFile(self._options.shards.folder)
            self._rejects.stream.write(rejects.json_lines(block.rejects, with_raw=self._options.with_raw))
        self._totals.add(describe_block(scored, scale, statistics), self._blocks)
        self._blocks += 1
        counts = block.count_by_file()
        for file in block.files:
            before = self._files.get(file.label) or FileRows(file.label, list(file.position), 0, 0)
            rows, rejected = counts[file.label]
            self._files[file.label] = dataclasses.replace(
                before, rows_scored=before.rows_scored + rows, rows_rejected=before.rows_rejected + rejected
            )

    def commit(self, next_extent: Position) -> FinishedExtent:
        """Publishes the rejects, then the statistics, then the scores.

        Args:
          next_extent: Where the next one begins.
        """
        shards = self._options.shards
        name = shards.name(self._begin)
        self._tables.close()
        rejected = FileContents.of(self._rejects.close()) if self._rejects else None
        finished = FinishedExtent(
            job=shards.job,
            begin=list(self._begin),
            next=list(next_extent),
            scores=FileContents.of(self._scores.close()),
            rejects=rejected,
            files=list(self._files.values()),
            statistics=self._totals.statistics(UNKNOWN_TOKENS),
        )
        if self._rejects:
            self._rejects.publish(shards.rejects(name))
        storage.write_json(shards.folder, shards.statistics(name), finished.to_json())
        self._scores.publish(shards.scores(name))
        return finished

    def discard(self) -> None:
        """Removes what was written and not published."""
        self._tables.discard()
        for file in filter(None, (self._scores, self._rejects)):
            file.discard()
