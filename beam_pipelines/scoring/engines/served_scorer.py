"""Lets a server of the export score, and looks that it gives the export's scores."""

import concurrent.futures
import itertools
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from beam_pipelines.artifacts.exports import EXACT_RESULTS, SCORES, SERVER_TOLERANCE, Export
from beam_pipelines.errors import UserError
from beam_pipelines.scoring.engines.distinct_texts import distinct_texts
from beam_pipelines.scoring.engines.engine_metrics import EngineMetrics
from beam_pipelines.scoring.engines.local_encoder import LocalEncoder
from beam_pipelines.scoring.engines.patience import Patience
from beam_pipelines.scoring.engines.server_options import ServerOptions
from beam_pipelines.text import tokens as text_tokens
from serving.client import DeadlineExceeded, Score, ServingError, Unavailable

# What an explanation holds beside its reasons; the latter not of every architecture.
EXPLAINED = ("explained_score", "explained_rest")
TYPES = {**dict.fromkeys(SCORES, np.float32), "tokens": np.int64, "known_share": np.float32, "truncated": np.bool_}


class ServedScorer:
    """Scores texts by a server; it is a `score_rows.TextScorer`.

    The server must first give the scores of the export's fixed texts, and once more whenever it was lost. What words
    are unknown is counted here, by the export's own encoder.

    Args:
      export: The model that it must serve.
      options: How it is asked.
      explain: Whether it will be asked for explanations, too.

    Attributes:
      engine: "server".
      load_seconds: What it took to load the encoder and to prove the server equal.

    Raises:
      UserError: The server is not there, or serves something else.
    """

    engine = "server"

    def __init__(self, export: Export, options: ServerOptions, *, explain: bool = False):
        started = time.perf_counter()
        self._export, self._options = export, options
        self._client = options.open()
        self._will_explain = explain
        self._explained: tuple[str, ...] = EXPLAINED
        self._threads = concurrent.futures.ThreadPoolExecutor(options.in_flight)
        self._patience = Patience(options.wait_s, self._prove)
        self._patience.ask(self._prove)
        self._encoder = LocalEncoder(export)
        self.load_seconds = time.perf_counter() - started

    def score(self, texts: pa.Array, metrics: EngineMetrics) -> dict[str, np.ndarray]:
        """Scores texts: see `Scorer.score`.

        Raises:
          UserError: The server is lost, or fails whatever it is asked.
          ServingError: It fails at one of these texts.
        """
        with metrics.stopwatch.timed("tokenise"):
            metrics.unknown.append(self._encoder.count_unknown(texts))
        with metrics.stopwatch.timed("score"):
            distinct, same = distinct_texts(texts)
            answers = self._ask_all(self._client.score, texts.take(pa.array(distinct)))
            columns = _columns(answers)
            read = np.minimum(columns["tokens"], self._export.info.max_tokens).clip(1).sum() if answers else 0
            metrics.add_batch(tokens=read, slots=read)
        return {name: values[same] for name, values in columns.items()}

    def explain(self, texts: pa.Array, tokens: np.ndarray, metrics: EngineMetrics) -> dict[str, list]:
        """Explains the scores of texts: see `Scorer.explain`."""
        info = self._export.info
        with metrics.stopwatch.timed("explain"):
            distinct, same = distinct_texts(texts)
            # What the model does not read costs an older export memory all the same.
            read = [
                text_tokens.cut(text, info.max_tokens, info.rule) if tokens[row] > info.max_tokens else text
                for row, text in zip(distinct, texts.take(pa.array(distinct)).to_pylist(), strict=True)
            ]
            answers = self._ask_all(self._client.explain, pa.array(read, pa.string()))
            columns: dict[str, list] = {
                "reasons": [
                    [{"phrase": told.phrase, "points": told.points} for told in answer.phrases] for answer in answers
                ],
                **{name: [getattr(answer, name) for answer in answers] for name in self._explained},
            }
            return {name: [values[row] for row in same] for name, values in columns.items()}

    def interrupt(self) -> None:
        """Ends what waits for the server, in other threads: they fail."""
        self._patience.end()
        self._client.close()

    def _ask_all(self, ask: Any, texts: pa.Array) -> list:
        """Asks for texts, as many requests at a time as may be; the answers are in the order of the texts."""
        # A request costs what its longest text does, where the model pads.
        order = np.argsort(-pc.binary_length(texts).to_numpy(), kind="stable")
        ordered, size = texts.take(pa.array(order)).to_pylist(), self._options.max_rows
        parts = [ordered[start : start + size] for start in range(0, len(ordered), size)]
        answered = itertools.chain(*self._threads.map(lambda part: self._ask(ask, part), parts))
        answers: list = [None] * len(ordered)
        for row, answer in zip(order, answered, strict=True):
            answers[row] = answer
        return answers

    def _ask(self, ask: Any, texts: list[str]) -> list:
        try:
            return self._patience.ask(lambda: ask(texts))
        except ServingError as error:
            # The texts are at fault if it still answers others: then they become rejects.
            try:
                self._patience.ask(lambda: self._client.score([self._export.info.fixed_texts[0].text]))
            except ServingError:
                raise UserError(f"--server: {error}; mend that, and --resume goes on from here", status=1) from error
            raise

    def _prove(self) -> None:
        """Looks whether the server is the export's.

        Raises:
          UserError: It serves something else, or refuses a whole request.
          Unavailable: It is not there; or DeadlineExceeded, likewise.
        """
        fixed, version = self._export.info.fixed_texts, self._export.version
        # A whole request: its batching may allow fewer texts.
        texts = [text.text for text in fixed]
        texts += itertools.islice(itertools.cycle(texts[:1]), max(self._options.max_rows - len(texts), 0))
        try:
            answers = self._client.score(texts)
            told = self._client.explain(texts[:1]) if self._will_explain else []
        except (Unavailable, DeadlineExceeded):
            raise
        except ServingError as error:
            raise UserError(
                f"--server: {error}; it must serve version {version} of --model, and take {self._options.max_rows} "
                "texts in a request (--server_max_rows)"
            ) from error
        # No text at all has the same columns.
        self._explained = tuple(name for name in EXPLAINED if told and getattr(told[0], name) is not None)
        # An export of an earlier version does not tell its number.
        if (told_version := answers[0].model_version) not in (None, version):
            raise UserError(f"--server {self._options.address} answers with version {told_version}, not with {version}")
        fault = self._export.info.compare(_columns(answers[: len(fixed)]), SERVER_TOLERANCE).fault
        if fault:
            raise UserError(f"--server {self._options.address} {fault}: it does not serve {self._export.path}")


def _columns(answers: Sequence[Score]) -> dict[str, np.ndarray]:
    return {
        name: np.array([getattr(answer, name) for answer in answers], TYPES[name]) for name in (*SCORES, *EXACT_RESULTS)
    }
