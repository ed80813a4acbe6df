"""Runs an exported model over reviews of any lengths."""

import time

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import tensorflow as tf

from beam_pipelines.artifacts.exports import SCORES, Export, ExportInfo
from beam_pipelines.errors import UserError, logger
from beam_pipelines.files import storage
from beam_pipelines.scoring.engines.metrics import EngineMetrics
from beam_pipelines.scoring.engines.saved_model_engine import SavedModelEngine, as_tensor, batches

# Explaining holds a row of all filters for each token, so its batches are smaller.
EXPLAINED_TOKENS = 4096


class Scorer:
    """Scores texts with an export.

    The compiled engine computes what the SavedModel does, in a form that is faster on many reviews.
    Whichever runs must first give the scores of the export's fixed texts.

    Args:
      export: Where it lies.
      engine: "auto" (compiled where it agrees), "compiled" or "saved_model".

    Attributes:
      engine: The one that runs.
      load_seconds: What it took to load and to prove equal.

    Raises:
      UserError: The engine that was asked for does not agree.
    """

    def __init__(self, export: Export, engine: str = "auto"):
        started = time.perf_counter()
        self._max_tokens = export.info.max_tokens
        fault = ""
        with storage.local_copy(export.path) as folder:
            self._model = tf.saved_model.load(folder)
            self._engine = SavedModelEngine(self._model)
            if engine != "saved_model":
                fault = self._use_compiled(folder, export)
        if fault and engine == "compiled":
            raise UserError(f"{export.path}: the compiled engine {fault}")
        if fault:
            logger.warning("the compiled engine %s; using the SavedModel", fault)
            self._engine = SavedModelEngine(self._model)
        if self.engine == "saved_model" and (fault := self._fault(export.info)):
            raise UserError(f"{export.path}: the SavedModel {fault}")
        self.load_seconds = time.perf_counter() - started

    @property
    def engine(self) -> str:
        return self._engine.name

    def _use_compiled(self, folder: str, export: Export) -> str:
        """Takes the compiled engine; returns what is wrong with it."""
        try:
            # It takes a second to load, and the other engine does not need it.
            from beam_pipelines.scoring.engines.compiled_engine import CompiledEngine

            self._engine = CompiledEngine(self._model, folder, export.info)
            return self._fault(export.info)
        except Exception as error:  # Whatever a machine has against compiling, the other engine scores there.
            return f"fails with {type(error).__name__}: {error}"

    def _fault(self, info: ExportInfo) -> str:
        """How the engine differs on the fixed texts, as a clause; empty where it does not."""
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
        """Tells why texts got their scores.

        Args:
          texts: string [batch].
          tokens: int64 [batch], how many each has.
          metrics: Counts what was done.

        Returns:
          `reasons`, a list of {phrase, points} for each text, the strongest first;
          `explained_score` and, of a CNN, `explained_rest`, float32 [batch].
        """
        with metrics.stopwatch.timed("explain"):
            distinct, same = distinct_texts(texts)
            told = self._explain(texts.take(pa.array(distinct)), tokens[distinct])
            return {name: [values[place] for place in same] for name, values in told.items()}

    def _explain(self, texts: pa.Array, tokens: np.ndarray) -> dict[str, list]:
        found: dict = {}
        parts = list(batches(np.clip(tokens, 1, self._max_tokens), EXPLAINED_TOKENS))
        # An empty block has the same columns.
        for rows in parts or [np.empty(0, np.int64)]:
            told = self._model.signatures["explain"](text=as_tensor(texts.take(pa.array(rows))))
            told = {name: values.numpy() for name, values in told.items()}
            told["reasons"] = [_reasons(*one) for one in zip(told.pop("phrases"), told.pop("points"), strict=True)]
            for name, values in told.items():
                column = found.setdefault(name, [None] * len(texts))
                for row, value in zip(rows, values, strict=True):
                    column[row] = value
        return found


def _reasons(phrases: np.ndarray, points: np.ndarray) -> list[dict]:
    # By way of its text, a float32 gets as few digits as it needs.
    return [
        {"phrase": phrases[place].decode(), "points": float(str(points[place]))}
        for place in np.argsort(-np.abs(points), kind="stable")
        if phrases[place]
    ]


def distinct_texts(texts: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    """The place of the first of each text, int64 [distinct], and which of these each is, int [batch].

    >>> distinct_texts(pa.array(["b", "a", "b"]))[1].tolist()
    [0, 1, 0]
    """
    # Most texts differ from all others by their length, which costs no look at them.
    _, which, counts = np.unique(pc.binary_length(texts), return_inverse=True, return_counts=True)
    alike = np.flatnonzero(counts[which] > 1)
    names = pc.dictionary_encode(texts.take(pa.array(alike))).indices.to_numpy()
    first = np.arange(len(texts))
    first[alike] = alike[np.unique(names, return_index=True)[1]][names]
    is_first = first == np.arange(len(texts))
    return np.flatnonzero(is_first), (np.cumsum(is_first) - 1)[first]
