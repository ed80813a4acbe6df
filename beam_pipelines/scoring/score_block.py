"""The steps of the bulk job: a block is scored, then written with its rejects and statistics."""

import pyarrow as pa

from beam_pipelines.archive import rejects
from beam_pipelines.archive.blocks import Block
from beam_pipelines.artifacts.exports import Export
from beam_pipelines.execution import counters
from beam_pipelines.execution.overlapped_dofn import OverlappedDoFn
from beam_pipelines.execution.stopwatch import Stopwatch
from beam_pipelines.files import storage
from beam_pipelines.scoring import score_rows, shards
from beam_pipelines.scoring.carried_columns import Kept
from beam_pipelines.scoring.engines.scorer import Scorer
from beam_pipelines.scoring.score_rows import ScoredBlock
from beam_pipelines.scoring.settings import ScoreSettings
from beam_pipelines.scoring.summary import block_statistics


class ScoreBlock(OverlappedDoFn):
    """Scores the rows of a block: PCollection[Block] -> PCollection[ScoredBlock]."""

    # What has to be done by one core, such as TensorFlow's part, is done for one block beside another.
    threads = 2

    def __init__(self, settings: ScoreSettings, kept: tuple[Kept, ...], export: Export):
        self.settings = settings
        self.kept = kept
        self.export = export

    def setup(self):
        self._scorer = Scorer(self.export, self.settings.engine)
        self._load_seconds = self._scorer.load_seconds
        super().setup()

    def start_bundle(self):
        super().start_bundle()
        counters.add_seconds("load", self._load_seconds)
        self._load_seconds = 0

    def process_one(self, block: Block, stopwatch: Stopwatch) -> list[ScoredBlock]:
        settings = self.settings
        found = score_rows.score_rows(
            self._scorer,
            block.rows,
            text_column=settings.text_column,
            kept=self.kept,
            explain=settings.explain,
            empty_text=settings.empty_text,
        )
        block = block.reject(found.reasons)
        return [ScoredBlock(block, found.kept, found.results, self._scorer.engine, found.metrics)]


def write(scored: ScoredBlock, *, settings: ScoreSettings, export: Export, folder: str) -> None:
    """Writes a block's rejects, then its statistics, then its scores: their shard is the commit."""
    block = scored.block
    with scored.metrics.stopwatch.timed("write"):
        names = {} if settings.id_column else {shards.ROW_ID: pa.array(block.row_names, pa.string())}
        table = shards.score_table(names | scored.kept, scored.results, export)
        rejects.write_rejects(block.name, block.rejects, folder=folder, with_raw=not settings.no_text_in_rejects)
        storage.write_json(
            folder, shards.STATISTICS.format(block.name), block_statistics.of_block(scored, settings, export)
        )
        data = shards.encode(table, settings.output_format)
        storage.write_bytes(folder, shards.SCORES.format(block.name, settings.output_format), data)
    counters.count("rows_scored", block.rows.num_rows)
    counters.count("rows_rejected", len(block.rejects))
    counters.count("text_bytes", block.rows.column(settings.text_column).nbytes)
    counters.add_stopwatch(scored.metrics.stopwatch)
