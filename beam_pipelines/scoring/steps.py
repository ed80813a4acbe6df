"""The steps of the bulk job: a block is scored, then written with its rejects and statistics."""

import collections
import dataclasses
import math
from collections.abc import Iterator

import apache_beam as beam
import numpy as np
import pyarrow as pa

from beam_pipelines import counters, storage
from beam_pipelines.archive import source
from beam_pipelines.archive.blocks import Block
from beam_pipelines.exports import Export
from beam_pipelines.learning import reviews
from beam_pipelines.scale import Scale
from beam_pipelines.score_settings import ScoreSettings
from beam_pipelines.scoring import rows, shards
from beam_pipelines.scoring.kept import Kept
from beam_pipelines.scoring.scorer import Scorer


@dataclasses.dataclass(frozen=True)
class ScoredBlock:
    """A block and the results of its rows.

    Attributes:
      block: The block; rows that have no score are among its rejects.
      kept: By name, the columns that are carried along.
      results: By column of the shard, an array or list of [rows] each.
      engine: What computed them.
    """

    block: Block
    kept: dict[str, pa.Array]
    results: dict
    engine: str


class ScoreBlock(beam.DoFn):
    """Scores the rows of a block: PCollection[Block] -> PCollection[ScoredBlock]."""

    def __init__(self, settings: ScoreSettings, kept: tuple[Kept, ...], export: Export):
        self.settings = settings
        self.kept = kept
        self.export = export

    def setup(self):
        self._scorer = Scorer(self.export, self.settings.engine)

    def process(self, block: Block) -> Iterator[ScoredBlock]:
        settings = self.settings
        found = rows.score_rows(
            self._scorer,
            block.rows,
            text_column=settings.text_column,
            kept=self.kept,
            explain=settings.explain,
            empty_text=settings.empty_text,
        )
        block = block.reject(found.reasons)
        counters.count("rows_read", block.rows_read)
        counters.count("rows_scored", block.rows.num_rows)
        counters.count("rows_rejected", len(block.rejects))
        yield ScoredBlock(block, found.kept, found.results, self._scorer.engine)


def write(scored: ScoredBlock, *, settings: ScoreSettings, export: Export, folder: str) -> None:
    """Writes a block's rejects, then its statistics, then its scores: their shard is the commit."""
    block = scored.block
    with counters.timed("write"):
        names = {} if settings.id_column else {shards.ROW_ID: pa.array(block.row_names, pa.string())}
        table = shards.score_table(names | scored.kept, scored.results, export)
        source.write_rejects(block.name, block.rejects, folder=folder, with_raw=not settings.no_text_in_rejects)
        storage.write_json(folder, shards.STATISTICS.format(block.name), statistics(scored, settings, export))
        data = shards.encode(table, settings.output_format)
        storage.write_bytes(folder, shards.SCORES.format(block.name, settings.output_format), data)


def statistics(scored: ScoredBlock, settings: ScoreSettings, export: Export) -> dict:
    """What the summary needs of a block, all of it counts and sums."""
    block, scores = scored.block, scored.results["score"]
    scale = Scale(export.about["score_min"], export.about["score_max"])
    found = {
        "file": block.file.label,
        "start": block.start,
        "end": block.end,
        "stored_bytes": block.stored_bytes,
        "engine": scored.engine,
        "rows_read": block.rows_read,
        "rows_scored": len(scores),
        "rows_rejected": len(block.rejects),
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
