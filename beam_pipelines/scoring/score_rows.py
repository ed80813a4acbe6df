"""Scores the rows of a batch, whatever stands in them."""

import dataclasses
import itertools
from collections.abc import Callable, Container
from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from beam_pipelines.archive import rejects
from beam_pipelines.archive.blocks import Block
from beam_pipelines.artifacts.exports import SCORES
from beam_pipelines.errors import UserError, logger
from beam_pipelines.scoring.carried_columns import CarriedColumn, take_carried
from beam_pipelines.scoring.engines.engine_metrics import EngineMetrics

# Why a row has no score; with the name of an error behind it where there was one.
FAILED = "scoring_failed"
MUST_BE_FINITE = (*SCORES, "explained_score", "explained_rest")


class TextScorer(Protocol):
    """What runs a model over texts, string [batch]; the `Scorer` of engines is one, and needs TensorFlow."""

    def score(self, texts: pa.Array, metrics: EngineMetrics) -> dict[str, np.ndarray]: ...

    def explain(self, texts: pa.Array, tokens: np.ndarray, metrics: EngineMetrics) -> dict[str, list]: ...


@dataclasses.dataclass(frozen=True)
class ScoredRows:
    """What became of the rows of a batch.

    Attributes:
      carried: By name, the columns that are carried along, of the scored rows.
      results: By name, an array or list of [scored rows] each.
      reasons: By index in the batch, why a row has no score.
      metrics: What the engine did.
    """

    carried: dict[str, pa.Array]
    results: dict
    reasons: dict[int, str]
    metrics: EngineMetrics


@dataclasses.dataclass(frozen=True)
class ScoredBlock:
    """A block and the results of its rows.

    Attributes:
      block: The block; rows that have no score are among its rejects.
      carried: By name, the columns that are carried along.
      results: By column of the shard, an array or list of [rows] each.
      engine: What computed them.
      metrics: What the engine did.
    """

    block: Block
    carried: dict[str, pa.Array]
    results: dict
    engine: str
    metrics: EngineMetrics


@dataclasses.dataclass(frozen=True, kw_only=True)
class RowOptions:
    """How rows are scored.

    Attributes:
      text_column: The column of the text, a string.
      explain: Whether to add the reasons of each score.
      empty_text: "reject" or "score", of a text that is null, empty or white space.
    """

    text_column: str
    explain: bool = False
    empty_text: str = "reject"


@dataclasses.dataclass(frozen=True)
class ScoredPart:
    """Some texts of a batch, all of which have scores."""

    results: dict
    metrics: EngineMetrics


def score_rows(
    scorer: TextScorer, batch: pa.RecordBatch, carried: tuple[CarriedColumn, ...], options: RowOptions
) -> ScoredRows:
    """Scores the rows of a batch; those that cannot be scored, each alone, get a reason.

    Args:
      scorer: What runs the model.
      batch: Rows with a column of the text.
      carried: The columns to carry along.
      options: How they are scored.
    """
    columns, reasons = take_carried(batch, carried)
    texts = batch.column(options.text_column)
    if options.empty_text == "score":
        texts = pc.fill_null(texts, "")
    else:
        reasons |= rejects.empty_texts(texts)

    def score(part: pa.Array) -> ScoredPart:
        # Of its own: what an engine did for a part that fails is not counted.
        metrics = EngineMetrics()
        results: dict = scorer.score(part, metrics)
        if options.explain:
            results |= scorer.explain(part, results["tokens"], metrics)
        return ScoredPart(results, metrics)

    candidates = _rows_without(reasons, len(texts))
    parts, failed = score_finite(score, texts.take(candidates))
    reasons |= {candidates[row].as_py(): reason for row, reason in failed.items()}
    scored = _rows_without(reasons, len(texts))
    return ScoredRows(
        carried={name: values.take(scored) for name, values in columns.items()},
        results=_join([part.results for part in parts]),
        reasons=reasons,
        metrics=sum((part.metrics for part in parts), EngineMetrics()),
    )


def _rows_without(reasons: Container[int], rows: int) -> pa.Array:
    return pa.array([row for row in range(rows) if row not in reasons], pa.int64())


def score_finite(score: Callable[[pa.Array], ScoredPart], texts: pa.Array) -> tuple[list[ScoredPart], dict[int, str]]:
    """Scores texts, and keeps what has a score that is a finite number.

    Returns:
      The parts that went well, in order, and why each other text has no score.
    """
    parts, errors = score_bisecting(score, texts)
    failed = {row: f"{FAILED}_{type(error).__name__}" for row, error in errors.items()}
    if errors:
        _warn(len(errors), errors[min(errors)])
    scored = _rows_without(failed, len(texts))
    without_number = _rows_not_finite(_join([part.results for part in parts]))
    not_finite = dict.fromkeys(scored.take(without_number).to_pylist(), FAILED)
    if not not_finite:
        return parts, failed
    _warn(len(not_finite), "its score is no finite number, as if weights or vectors of the model were damaged")
    # The others are scored anew, so that what the engine counts is of rows that have a score.
    rest = _rows_without(failed | not_finite, len(texts))
    parts, later = score_finite(score, texts.take(rest))
    return parts, failed | not_finite | {rest[row].as_py(): reason for row, reason in later.items()}


def _warn(rows: int, why: object) -> None:
    logger.warning("%d reviews cannot be scored and are rejected, one of them: %s", rows, why)


def _rows_not_finite(results: dict) -> pa.Array:
    """The rows with a score, a bound or a reason that is not finite, int64."""
    finite = [np.isfinite(np.asarray(results[name], float)) for name in MUST_BE_FINITE if name in results]
    if "reasons" in results:
        points = [[reason["points"] for reason in reasons] for reasons in results["reasons"]]
        finite.append(np.array([np.isfinite(of_row).all() for of_row in points], bool))
    return pa.array(np.flatnonzero(~np.logical_and.reduce(finite)), pa.int64())


def score_bisecting(
    score: Callable[[pa.Array], ScoredPart], texts: pa.Array
) -> tuple[list[ScoredPart], dict[int, Exception]]:
    """Scores texts, in halves where they fail together, until those that fail alone are found.

    Of n texts with one that fails, this costs some 2 log2(n) calls.

    Returns:
      The parts that went well, in order, and the error of each text that did not.
    """
    try:
        return [score(texts)], {}
    except UserError:
        raise  # No text is at fault: a server that scores is gone.
    except Exception as error:  # Whatever a text can provoke in a model: its class becomes the reason.
        if not len(texts):
            raise
        if len(texts) == 1:
            # The results of no text have the columns that those of others have.
            return [score(texts[:0])], {0: error}
    half = len(texts) // 2
    first, errors = score_bisecting(score, texts[:half])
    second, later = score_bisecting(score, texts[half:])
    return first + second, errors | {half + row: error for row, error in later.items()}


def _join(parts: list[dict]) -> dict:
    if len(parts) == 1:
        return parts[0]
    columns = {name: [part[name] for part in parts] for name in parts[0]}
    return {
        name: np.concatenate(values) if isinstance(values[0], np.ndarray) else list(itertools.chain(*values))
        for name, values in columns.items()
    }
