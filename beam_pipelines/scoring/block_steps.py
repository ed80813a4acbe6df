"""The steps of the bulk job: a block is scored, then written with its rejects and statistics."""

import dataclasses

import pyarrow as pa

from beam_pipelines.archive import rejects
from beam_pipelines.archive.blocks import Block
from beam_pipelines.archive.finding.input_files import InputFile
from beam_pipelines.artifacts.exports import Export
from beam_pipelines.execution import counters
from beam_pipelines.execution.overlapped_dofn import OverlappedDoFn
from beam_pipelines.execution.stopwatch import Stopwatch
from beam_pipelines.scoring import output_columns, shards
from beam_pipelines.scoring.carried_columns import CarriedColumn
from beam_pipelines.scoring.engines.scorer import Scorer
from beam_pipelines.scoring.score_rows import RowOptions, ScoredBlock, score_rows
from beam_pipelines.scoring.summary.block_statistics import StatisticsOptions, describe_block


class ScoreBlock(OverlappedDoFn):
    """Scores the rows of a block: PCollection[Block] -> PCollection[ScoredBlock].

    Args:
      export: The model.
      engine: What runs it; see `Scorer`.
      carried: The columns to carry along.
      options: How rows are scored.
    """

    # What has to be done by one core, such as TensorFlow's part, is done for one block beside another.
    threads = 2

    def __init__(self, export: Export, *, engine: str, carried: tuple[CarriedColumn, ...], options: RowOptions):
        self.export = export
        self.engine = engine
        self.carried = carried
        self.options = options

    def setup(self):
        self._scorer = Scorer(self.export, self.engine)
        self._load_seconds = self._scorer.load_seconds
        super().setup()

    def start_bundle(self):
        super().start_bundle()
        # Beam takes counters within a bundle alone, not in `setup`.
        counters.add_seconds("load", self._load_seconds)
        self._load_seconds = 0.0

    def process_one(self, block: Block, stopwatch: Stopwatch) -> list[ScoredBlock]:
        scored = score_rows(self._scorer, block.rows, self.carried, self.options)
        return [
            ScoredBlock(
                block=block.reject(scored.reasons),
                carried=scored.carried,
                results=scored.results,
                engine=self._scorer.engine,
                metrics=scored.metrics,
            )
        ]


def score_nothing(file: InputFile, columns: tuple[str, ...], score_block: ScoreBlock) -> ScoredBlock:
    """Makes the scores of a block without rows, with the columns and types that those of others have.

    Args:
      file: A file without rows.
      columns: That are read.
      score_block: What would score its rows.
    """
    types = {column.source: column.stored_type for column in score_block.carried}
    rows = pa.RecordBatch.from_pydict({name: pa.array([], types.get(name) or pa.string()) for name in columns})
    # Which engine runs makes no difference, and this one loads fast.
    scorer = Scorer(score_block.export, "saved_model")
    scored = score_rows(scorer, rows, score_block.carried, score_block.options)
    return ScoredBlock(
        block=Block(file=file, start=0, end=None, rows=rows, row_numbers=[], rejects=[]),
        carried=scored.carried,
        results=scored.results,
        engine=scorer.engine,
        metrics=scored.metrics,
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class ShardOptions:
    """How and where blocks are written.

    Attributes:
      folder: The job's.
      output_format: Of the scores: "parquet", "jsonl" or "csv".
      with_raw: Whether a reject holds what stood in its row.
      statistics: What the statistics may say of a row.
    """

    folder: str
    output_format: str
    with_raw: bool
    statistics: StatisticsOptions


def write_block(scored: ScoredBlock, export: Export, options: ShardOptions) -> None:
    """Writes a block's rejects, then its statistics, then its scores: their shard is the commit."""
    block, statistics = scored.block, options.statistics
    with scored.metrics.stopwatch.timed("write"):
        names = {} if statistics.id_column else {output_columns.ROW_ID: pa.array(block.row_names, pa.string())}
        table = output_columns.score_table(names | scored.carried, scored.results, export.version, export.info.scale)
        rejects.write_rejects(block.name, block.rejects, folder=options.folder, with_raw=options.with_raw)
        described = describe_block(scored, export.info.scale, statistics)
        shards.write_shard(options.folder, block.name, described, table, options.output_format)
    counters.count("rows_scored", block.rows.num_rows)
    counters.count("rows_rejected", len(block.rejects))
    counters.count("text_bytes", block.rows.column(statistics.text_column).nbytes)
    counters.add_stopwatch(scored.metrics.stopwatch)
