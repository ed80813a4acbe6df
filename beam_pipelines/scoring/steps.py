"""The steps of the bulk job: a block is scored, then written with its rejects and statistics."""

import dataclasses
from collections.abc import Iterator

import apache_beam as beam

from beam_pipelines import storage
from beam_pipelines.archive import rejects, source
from beam_pipelines.archive.blocks import Block
from beam_pipelines.exports import Export
from beam_pipelines.progress import Progress
from beam_pipelines.score_settings import ScoreSettings
from beam_pipelines.scoring import shards, statistics, work
from beam_pipelines.scoring.scorer import Scorer
from beam_pipelines.scoring.work import Work


@dataclasses.dataclass(frozen=True)
class ScoredBlock:
    """A block and the results of its rows.

    Attributes:
      block: The block; rows without text are among its rejects.
      results: By column of the shard, an array or list of [rows] each.
      engine: What computed them.
      work: What it took.
    """

    block: Block
    results: dict
    engine: str
    work: Work


class ScoreBlock(beam.DoFn):
    """Scores the rows of a block: PCollection[Block] -> PCollection[ScoredBlock]."""

    def __init__(self, settings: ScoreSettings, export: Export):
        self.settings = settings
        self.export = export

    def setup(self):
        self._scorer = Scorer(self.export, self.settings.engine)
        self._progress = Progress("scored")

    def process(self, block: Block) -> Iterator[ScoredBlock]:
        block = block.reject(rejects.empty_texts(block.rows.column(self.settings.text_column)))
        texts = block.rows.column(self.settings.text_column)
        results = self._scorer.score(texts)
        if self.settings.explain:
            results |= self._scorer.explain(texts, results["tokens"])
        yield ScoredBlock(block, results, self._scorer.engine, self._scorer.take_work())
        self._progress.add(block.rows_read)


def write(scored: ScoredBlock, *, settings: ScoreSettings, export: Export, folder: str) -> None:
    """Writes a block's rejects, then its statistics, then its scores: their shard is the commit."""
    block = scored.block
    with scored.work.timed("write"):
        table = shards.score_table(block, scored.results, settings, export)
        source.write_rejects(block.name, block.rejects, folder=folder)
        found = statistics.of_block(scored, settings, export)
        storage.write_json(folder, f"statistics/{block.name}.json", found)
        data = shards.encode(table, settings.output_format)
        storage.write_bytes(folder, f"scores/{block.name}.{settings.output_format}", data)
    work.count(scored.work, block.rows_read, block.rows.column(settings.text_column).nbytes)
