"""The export: a version of a model, what it says of itself, and what a job may ask of it.

    VERSION/saved_model.pb, variables/, assets/vocabulary.txt    a SavedModel, with the signatures of SIGNATURES
    VERSION/assets.extra/reviews.json                            `ExportInfo`

Beside its signatures a SavedModel has functions that no server lists, by which a bulk job scores: `encode(text)` and
`score_ids(ids)` are the two halves of a score. It may have two more, which do without padding: `fold()` returns named
tables, of which a compiled engine pools reviews, and `finish(...)` makes of what is pooled what `score_ids` returns.
Which tables, and what is pooled of them, the names tell: `WINDOWS` or `RECURRENCE`, and `NGRAMS` beside them where the
model has n-grams, whose sums `finish` takes last. A model that has neither is run by the halves.
"""

import dataclasses
import hashlib
import pathlib
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from beam_pipelines.artifacts.prepared import TrainingData
from beam_pipelines.artifacts.scale import Scale
from beam_pipelines.artifacts.tokenizer import OLDER, Tokenizer
from beam_pipelines.artifacts.typed_json import TypedJson
from beam_pipelines.errors import UserError
from beam_pipelines.files import storage

INFO = "assets.extra/reviews.json"
SAVED_MODEL = "saved_model.pb"
# Below the trainer's output.
VERSIONS = "export/reviews"
SCORE, EXPLAIN, EXAMPLES, REGRESS = SIGNATURES = ("serving_default", "explain", "examples", "regress")
# The input of each; those of the latter two are tf.Examples that hold a text by its name.
TEXT = "text"
INPUTS = {SCORE: TEXT, EXPLAIN: TEXT, EXAMPLES: "examples", REGRESS: "inputs"}
SCORES = ("score", "score_low", "score_high")
# What stands beside a score has to be the same; a float32 share of tokens has one right value.
EXACT_RESULTS = ("tokens", "known_share", "truncated")
# Scores may differ from those that were recorded at the export by this share of the range (float32 rounding).
TOLERANCE = 1e-5
# Those of a server by this: another build of TensorFlow computes them, on another processor and in other batches.
SERVER_TOLERANCE = 2e-5
# The tables of a CNN: see `trainer.architectures.cnn`.
WINDOWS = frozenset({"table", "widths"})
# Those of an LSTM: see `trainer.architectures.lstm`.
RECURRENCE = frozenset({"table", "recurrent"})
# Those of the words and bigrams of a review, each of which counts once: their keys, and what each adds to the sums.
NGRAMS = frozenset({"ngram_keys", "ngram_rows"})


@dataclasses.dataclass(frozen=True)
class Interval(TypedJson):
    """The interval of a score.

    Attributes:
      share: How many true scores it shall hold, in (0, 1).
      calibration_rows: The reviews that it was calibrated on.
      positions: Predicted scores, as shares of the scale; None where the interval is the whole scale.
      reaches: For each of them, how far it reaches there, in the head's measure; interpolated between them.
      threshold: In exports of earlier versions, how far it reaches everywhere.
    """

    OMITTED_IF_NONE: ClassVar = ("positions", "reaches", "threshold")

    share: float
    calibration_rows: int
    positions: list[float] | None = None
    reaches: list[float] | None = None
    threshold: float | None = None


@dataclasses.dataclass(frozen=True)
class Verdict(TypedJson):
    """Whether the model is better than what needs no model.

    Attributes:
      split: The reviews that it was judged on.
      mae: Its mean absolute error there, in the archive's unit.
      no_better_than: The errors of the baselines that it is no better than, by their names in `metrics.json`.
      sentence: The same in words; empty where it is better than all of them.
    """

    split: str
    mae: float
    no_better_than: dict[str, float]
    sentence: str


@dataclasses.dataclass(frozen=True)
class FixedText(TypedJson):
    """A text and what the model said of it when it was exported."""

    text: str
    tokens: int
    known_share: float
    truncated: bool
    score: float
    score_low: float
    score_high: float


@dataclasses.dataclass(frozen=True)
class Comparison:
    """How the results of the fixed texts compare with those that were recorded.

    Attributes:
      largest_gap: Between the scores and bounds, in the archive's unit.
      fault: What differs more than it may, as a clause without its subject; empty where nothing does.
    """

    largest_gap: float
    fault: str = ""


@dataclasses.dataclass(frozen=True)
class ExportInfo(TypedJson):
    """`assets.extra/reviews.json`.

    Attributes:
      score_column: The column of the scores, or of the titles that ended in them.
      score_min: The lowest possible score, in the archive's unit.
      score_max: The highest.
      max_tokens: A text is cut after so many.
      training: What it learned from.
      preprocess_settings: The flags of the preprocess job.
      model: The name of the architecture.
      metrics: By split, as in `metrics.json`.
      trainer_settings: The flags of the trainer.
      interval: That of the scores.
      head: What reads the model's outputs.
      versions: Of the libraries.
      digests: SHA-256 of every other file of the version, by its path.
      fixed_texts: With what the model said of them.
      verdict: What the model is worth; None where no reviews were held out, or an earlier version exported it.
      tokenizer: How its graph cuts texts into tokens; None where a version exported it that knew only one way.
    """

    OMITTED_IF_NONE = ("verdict", "tokenizer")

    score_column: str
    score_min: float
    score_max: float
    max_tokens: int
    training: TrainingData
    preprocess_settings: dict[str, Any]
    model: str
    metrics: dict[str, Any]
    trainer_settings: dict[str, Any]
    interval: Interval
    head: dict[str, Any]
    versions: dict[str, str]
    digests: dict[str, str]
    fixed_texts: list[FixedText]
    verdict: Verdict | None = None
    tokenizer: Tokenizer | None = None

    @property
    def rule(self) -> Tokenizer:
        """That of its tokens, whichever version exported it."""
        return self.tokenizer or OLDER

    @property
    def scale(self) -> Scale:
        return Scale(self.score_min, self.score_max)

    @property
    def digest(self) -> str:
        """SHA-256 over the digests of the version's files."""
        listed = "".join(f"{name} {digest}\n" for name, digest in sorted(self.digests.items()))
        return hashlib.sha256(listed.encode()).hexdigest()

    def compare(self, results: Mapping[str, Any], tolerance: float = TOLERANCE) -> Comparison:
        """Compares results of the fixed texts with the recorded ones.

        Args:
          results: By name, `SCORES` and `EXACT_RESULTS`, [fixed texts] each.
          tolerance: By how much a score may differ, as a share of the range.
        """
        gaps = [np.abs(np.asarray(results[name], np.float32) - self._recorded(name)).max() for name in SCORES]
        # `np.max` keeps a NaN, where `max` may lose it, and a NaN is not below any bound.
        gap = float(np.max(gaps))
        if not gap <= tolerance * self.scale.span:
            return Comparison(gap, f"scores the fixed texts {gap:g} otherwise than when the model was exported")
        for name in EXACT_RESULTS:
            if not np.array_equal(np.asarray(results[name], np.float32), self._recorded(name)):
                return Comparison(gap, f"gives other {name} for the fixed texts than when the model was exported")
        return Comparison(gap)

    def changed_files(self, folder: str) -> list[str]:
        """Lists the files of a local copy of the version that are missing, or not those that were exported."""
        paths = {name: pathlib.Path(folder, name) for name in self.digests}
        return [
            name
            for name, digest in self.digests.items()
            if not paths[name].is_file() or hashlib.sha256(paths[name].read_bytes()).hexdigest() != digest
        ]

    def _recorded(self, name: str) -> np.ndarray:
        return np.array([getattr(text, name) for text in self.fixed_texts], np.float32)


@dataclasses.dataclass(frozen=True)
class Export:
    """A version of an exported model.

    Attributes:
      path: The folder of the version, whose name is its number.
      info: What it says of itself.
    """

    path: str
    info: ExportInfo

    @property
    def version(self) -> int:
        return int(self.path.rstrip("/").rsplit("/", 1)[-1])


def find(folder: str, named: str = "--model") -> Export:
    """Finds a model: a version's folder, the newest in a folder of versions, or of a trainer's output.

    Args:
      folder: The folder.
      named: The flag or the argument that is it, for the messages.

    Raises:
      UserError: There is none, or it was not written by the trainer.
    """
    root = storage.absolute(folder)
    for place in (root, storage.join(root, VERSIONS)):
        names = storage.listing(place)
        if SAVED_MODEL in names:
            if not place.rsplit("/", 1)[-1].isdecimal():
                raise UserError(f"{named} {folder}: the name of a version's folder is its number, as it was exported")
            return _open(place, named)
        if numbers := _versions(names):
            return _open(storage.join(place, str(numbers[-1])), named)
    raise UserError(f"{named} {folder} holds no exported model: expected the output of trainer.task, or a folder in it")


def versions(folder: str) -> list[int]:
    """Lists the versions in a folder of them that a server can take up, the oldest first."""
    return _versions(storage.listing(folder))


def _versions(names: list[str]) -> list[int]:
    places = (name.split("/") for name in names)
    return sorted(int(first) for first, *rest in places if first.isdecimal() and rest == [SAVED_MODEL])


def _open(path: str, named: str) -> Export:
    info = storage.join(path, INFO)
    if not storage.exists(info):
        raise UserError(f"{named} {path} has no {INFO}: it was not exported by trainer.task")
    try:
        return Export(path, ExportInfo.from_json(storage.read_json(info)))
    except (ValueError, TypeError, AttributeError) as error:
        raise UserError(f"{named} {path}: its {INFO} is damaged ({error}); copy or export the model anew") from error
