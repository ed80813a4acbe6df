"""Scores the rows of a batch, whatever stands in them."""

import dataclasses
from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from beam_pipelines.archive import rejects
from beam_pipelines.archive.blocks import Block
from beam_pipelines.errors import logger
from beam_pipelines.scoring.carried_columns import Kept
from beam_pipelines.scoring.carried_columns import columns as kept_columns
from beam_pipelines.scoring.engines.metrics import EngineMetrics
from beam_pipelines.scoring.engines.scorer import Scorer

FAILED, METRICS_KEY = "scoring_failed", "metrics"


@dataclasses.dataclass(frozen=True)
class ScoredRows:
    """What became of the rows of a batch.

    Attributes:
      kept: By name, the columns that are carried along, of the scored rows.
      results: By name, an array or list of [scored rows] each.
      reasons: By index in the batch, why a row has no score.
      metrics: What the engine did.
    """

    kept: dict[str, pa.Array]
    results: dict
    reasons: dict[int, str]
    metrics: EngineMetrics


@dataclasses.dataclass(frozen=True)
class ScoredBlock:
    """A block and the results of its rows.

    Attributes:
      block: The block; rows that have no score are among its rejects.
      kept: By name, the columns that are carried along.
      results: By column of the shard, an array or list of [rows] each.
      engine: What computed them.
      metrics: What the engine did.
    """

    block: Block
    kept: dict[str, pa.Array]
    results: dict
    engine: str
    metrics: EngineMetrics


def score_rows(
    scorer: Scorer, batch: pa.RecordBatch, *, text_column: str, kept: tuple[Kept, ...], explain: bool, empty_text: str
) -> ScoredRows:
    """Scores the rows of a batch; those that cannot be scored, each alone, get a reason.

    Args:
      scorer: What runs the model.
      batch: Rows with a string column of the text.
      text_column: Its name.
      kept: The columns to carry along.
      explain: Whether to add the reasons of each score.
      empty_text: "reject" or "score", of a text that is null, empty or white space.
    """
    columns, reasons = kept_columns(batch, kept)
    texts = batch.column(text_column)
    if empty_text == "score":
        texts = pc.fill_null(texts, "")
    else:
        reasons |= rejects.empty_texts(texts)

    def scored(part: pa.Array) -> dict:
        # What is done for nothing, since a part fails, is not counted.
        metrics = EngineMetrics()
        results = scorer.score(part, metrics)
        results |= scorer.explain(part, results["tokens"], metrics) if explain else {}
        return {**results, METRICS_KEY: metrics}

    whole = _others(len(texts), reasons)
    parts, failed = bisected(scored, texts.take(whole))
    if failed:
        logger.warning(
            "%d reviews cannot be scored and are rejected, one of them: %s", len(failed), failed[min(failed)]
        )
    reasons |= {whole[row].as_py(): f"{FAILED}_{type(error).__name__}" for row, error in failed.items()}
    left = _others(len(texts), reasons)
    metrics = sum((part.pop(METRICS_KEY) for part in parts), EngineMetrics())
    return ScoredRows({name: values.take(left) for name, values in columns.items()}, _joined(parts), reasons, metrics)


def _others(rows: int, reasons: dict[int, str]) -> pa.Array:
    return pa.array([row for row in range(rows) if row not in reasons], pa.int64())


def bisected(scored: Callable[[pa.Array], dict], texts: pa.Array) -> tuple[list[dict], dict[int, Exception]]:
    """Scores texts, in halves where they fail together, until those that fail alone are found.

    Returns:
      The results of the parts that went well, in order, and the error of each text that did not.
    """
    try:
        return [scored(texts)], {}
    except Exception as error:  # Whatever a text can provoke in a model: its class becomes the reason.
        if not len(texts):
            raise
        if len(texts) == 1:
            return [scored(texts[:0])], {0: error}
    half = len(texts) // 2
    first, failed = bisected(scored, texts[:half])
    second, later = bisected(scored, texts[half:])
    return first + second, failed | {half + row: error for row, error in later.items()}


def _joined(parts: list[dict]) -> dict:
    if len(parts) == 1:
        return parts[0]
    together = {name: [part[name] for part in parts] for name in parts[0]}
    return {
        name: np.concatenate(values) if isinstance(values[0], np.ndarray) else [one for part in values for one in part]
        for name, values in together.items()
    }
