"""The steps of the bulk job: a block is scored, then written with its rejects and statistics."""

import collections
import dataclasses
import math
from collections.abc import Iterator

import apache_beam as beam
import numpy as np

from beam_pipelines import storage
from beam_pipelines.archive import rejects, source
from beam_pipelines.archive.blocks import Block
from beam_pipelines.exports import Export
from beam_pipelines.learning import reviews
from beam_pipelines.progress import Progress
from beam_pipelines.scale import Scale
from beam_pipelines.score_settings import ScoreSettings
from beam_pipelines.scoring import shards
from beam_pipelines.scoring.scorer import Scorer


@dataclasses.dataclass(frozen=True)
class ScoredBlock:
    """A block and the results of its rows.

    Attributes:
      block: The block; rows without text are among its rejects.
      results: By column of the shard, an array or list of [rows] each.
      engine: What computed them.
    """

    block: Block
    results: dict
    engine: str


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
        yield ScoredBlock(block, results, self._scorer.engine)
        self._progress.add(block.rows_read)


def write(scored: ScoredBlock, *, settings: ScoreSettings, export: Export, folder: str) -> None:
    """Writes a block's rejects, then its statistics, then its scores: their shard is the commit."""
    block = scored.block
    table = shards.score_table(block, scored.results, settings, export)
    source.write_rejects(block.name, block.rejects, folder=folder)
    storage.write_json(folder, f"statistics/{block.name}.json", statistics(scored, settings, export))
    data = shards.encode(table, settings.output_format)
    storage.write_bytes(folder, f"scores/{block.name}.{settings.output_format}", data)


def statistics(scored: ScoredBlock, settings: ScoreSettings, export: Export) -> dict:
    """What the summary needs of a block, all of it counts and sums."""
    block, scores = scored.block, scored.results["score"]
    scale = Scale(export.about["score_min"], export.about["score_max"])
    found = {
        "file": block.file.path,
        "engine": scored.engine,
        "rows_read": block.rows_read,
        "rows_scored": len(scores),
        "rejected_by_reason": dict(collections.Counter(reject.reason for reject in block.rejects)),
        "score_histogram": np.bincount(scale.bins(scores), minlength=10).tolist(),
        "score_sum": float(scores.sum(dtype=np.float64)),
        "interval_width_sum": float((scored.results["score_high"] - scored.results["score_low"]).sum(dtype=np.float64)),
        "tokens": int(scored.results["tokens"].sum()),
        "truncated": int(scored.results["truncated"].sum()),
    }
    if settings.explain:
        found["explained_gap_sum"] = float(np.abs(np.array(scored.results["explained_score"]) - scores).sum())
    if settings.score_column:
        raw = block.rows.column(settings.score_column).to_pylist()
        truths = np.array([math.nan if reviews.is_blank(value) else reviews.parse_score(value) for value in raw])
        known = np.isfinite(truths)
        gaps = np.abs(scores - truths)[known]
        covered = (scored.results["score_low"] <= truths) & (truths <= scored.results["score_high"])
        found |= {
            "rows_with_true_score": len(gaps),
            "absolute_error_sum": float(gaps.sum()),
            "rows_covered": int(covered[known].sum()),
        }
    return found
