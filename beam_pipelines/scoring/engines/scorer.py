"""Runs an exported model over reviews of any lengths."""

import time
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import tensorflow as tf

from beam_pipelines.artifacts.exports import SCORES, Export, ExportInfo
from beam_pipelines.errors import UserError, logger
from beam_pipelines.files import storage
from beam_pipelines.scoring.engines.distinct_texts import distinct_texts
from beam_pipelines.scoring.engines.engine_metrics import EngineMetrics
from beam_pipelines.scoring.engines.saved_model_engine import Engine, SavedModelEngine, as_tensor, batches
from beam_pipelines.text import tokens as text_tokens

# Explaining holds a row of all filters for each token, so its batches are smaller; so many bytes count as one token.
EXPLAINED_TOKENS = 4096
BYTES_OF_TOKEN = 64
# What the signature `explain` gives that stands beside a score; the latter not of every architecture.
EXPLAINED = ("explained_score", "explained_rest")


class Scorer:
    """Scores texts with an export.

    The compiled engine computes what the SavedModel does, in a form that is faster on many reviews; it knows the
    default architectures and the notebook's. Whichever runs must first give the scores of the export's fixed texts.

    Args:
      export: Where it lies.
      engine: "auto" (compiled where it can and agrees), "compiled" or "saved_model".

    Attributes:
      engine: The one that runs.
      load_seconds: What it took to load and to prove equal.

    Raises:
      UserError: The engine that was asked for does not know the architecture, or does not agree.
    """

    def __init__(self, export: Export, engine: str = "auto"):
        started = time.perf_counter()
        self._max_tokens, self._rule = export.info.max_tokens, export.info.rule
        reason = ""
        with storage.local_copy(export.path) as folder:
            self._model = _loaded(folder, export)
            self._engine: Engine = SavedModelEngine(self._model)
            if engine != "saved_model":
                reason = self._use_compiled(folder, export)
        if reason and engine == "compiled":
            raise UserError(f"{export.path}: the compiled engine {reason}")
        if reason:
            logger.warning("the compiled engine %s; using the SavedModel", reason)
            self._engine = SavedModelEngine(self._model)
        if self.engine == "saved_model" and (reason := self._difference(export.info)):
            raise UserError(f"{export.path}: the SavedModel {reason}")
        self.load_seconds = time.perf_counter() - started

    @property
    def engine(self) -> str:
        return self._engine.name

    def _use_compiled(self, folder: str, export: Export) -> str:
        """Takes the compiled engine; returns why it cannot be used, empty where it can."""
        try:
            # It takes a second to load, and the other engine does not need it.
            from beam_pipelines.scoring.engines import compiled_engine

            network = compiled_engine.compiled_network(self._model)
            if network is None:
                return "has no form of this architecture"
            self._engine = compiled_engine.CompiledEngine(self._model, network, folder, export.info)
            return self._difference(export.info)
        except Exception as error:  # Whatever a machine has against compiling, the other engine scores there.
            return f"fails with {type(error).__name__}: {error}"

    def _difference(self, info: ExportInfo) -> str:
        """Says how the engine differs on the fixed texts; empty where it does not."""
        texts = pa.array([fixed.text for fixed in info.fixed_texts])
        return info.compare(self.score(texts, EngineMetrics())).fault

    def score(self, texts: pa.Array, metrics: EngineMetrics) -> dict[str, np.ndarray]:
        """Scores texts, in any order of lengths.

        Args:
          texts: string [batch].
          metrics: Counts what was done.

        Returns:
          `score`, `score_low`, `score_high` float32, `tokens` int64, `known_share` float32 and
          `truncated` bool, all [batch].
        """
        with metrics.stopwatch.timed("tokenise"):
            encoded = self._engine.encode(texts)
        metrics.unknown.append(encoded.unknown)
        with metrics.stopwatch.timed("score"):
            starts, lengths = np.cumsum(encoded.lengths) - encoded.lengths, encoded.lengths
            distinct, same = distinct_texts(texts)
            scores = self._engine.run(encoded.ids, starts[distinct], lengths[distinct], metrics)
        return {**{name: scores[name][same] for name in SCORES}, **encoded.result_columns}

    def explain(self, texts: pa.Array, tokens: np.ndarray, metrics: EngineMetrics) -> dict[str, list]:
        """Explains the scores of texts.

        Args:
          texts: string [batch].
          tokens: int64 [batch], how many each has.
          metrics: Counts what was done.

        Returns:
          `reasons`, a list of {phrase, points} for each text, the strongest first; `explained_score` and, where
          the architecture's parts add up to it, `explained_rest`, float32 [batch].
        """
        with metrics.stopwatch.timed("explain"):
            distinct, same = distinct_texts(texts)
            columns = self._explain(texts.take(pa.array(distinct)), tokens[distinct])
            return {name: [values[row] for row in same] for name, values in columns.items()}

    def _explain(self, texts: pa.Array, tokens: np.ndarray) -> dict[str, list]:
        columns: dict[str, list] = {}
        # An older export copies the text for each of its tokens, those that are not explained among them.
        long = tokens > self._max_tokens
        cut = (text_tokens.cut(text, self._max_tokens, self._rule) for text in texts.filter(pa.array(long)).to_pylist())
        texts = pc.replace_with_mask(texts, pa.array(long), pa.array(cut, texts.type))
        sizes = np.maximum(tokens.clip(1, self._max_tokens), pc.binary_length(texts).to_numpy() // BYTES_OF_TOKEN)
        # An empty block has the same columns.
        for rows in list(batches(sizes, EXPLAINED_TOKENS)) or [np.empty(0, np.int64)]:
            explained = self._model.signatures["explain"](text=as_tensor(texts.take(pa.array(rows))))
            phrases_and_points = zip(explained["phrases"].numpy(), explained["points"].numpy(), strict=True)
            results: dict = {name: explained[name].numpy() for name in EXPLAINED if name in explained}
            results["reasons"] = [_reasons(phrases, points) for phrases, points in phrases_and_points]
            # Batches hold reviews of similar length, so their rows are scattered over the block.
            for name, values in results.items():
                column = columns.setdefault(name, [None] * len(texts))
                for row, value in zip(rows, values, strict=True):
                    column[row] = value
        return columns


def _loaded(folder: str, export: Export) -> Any:
    """Loads a SavedModel.

    Raises:
      UserError: It is damaged; it names the file where one is not that which was exported.
    """
    try:
        return tf.saved_model.load(folder)
    except Exception as error:  # Each file has errors of its own, and what reads it too.
        changed = export.info.changed_files(folder)
        if changed:
            what = f"{changed[0]} is not the file that was exported; copy or export the model anew"
        else:
            what, *_ = f"{type(error).__name__}: {error}".splitlines()
        raise UserError(f"{export.path} cannot be loaded: {what}") from error


def _reasons(phrases: np.ndarray, points: np.ndarray) -> list[dict]:
    # By way of its text, a float32 gets as few digits as it needs.
    return [
        {"phrase": phrases[rank].decode(), "points": float(str(points[rank]))}
        for rank in np.argsort(-np.abs(points), kind="stable")
        if phrases[rank]
    ]
