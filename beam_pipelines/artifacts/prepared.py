"""The prepared folder: what preprocess writes and the trainer reads.

train/, validation/, test/   gzipped TFRecords of tf.Examples, a shard for each block
unrated/                     the same of texts without a score, where --unrated names any
transform/                   tf.Transform's output: the graph and its vocabulary
vectors.npy                  float32 [vocab, dim], the vectors by id
statistics.json              `Statistics`; written last, so a folder that has it is finished
"""

import dataclasses
from typing import Any, ClassVar

import numpy as np

from beam_pipelines.artifacts.scale import Scale
from beam_pipelines.artifacts.tokenizer import Tokenizer
from beam_pipelines.artifacts.typed_json import TypedJson
from beam_pipelines.files import storage

TRAIN, VALIDATION, TEST = SPLITS = ("train", "validation", "test")
UNRATED = "unrated"
# The features of an example: int64 list, float in the archive's unit, bytes, and int64 in [0, 2**63), a hash of what
# keeps reviews in one split: of the split column, or else of the text.
IDS, SCORE, ID, SPLIT_HASH = "ids", "score", "id", "split_hash"
# Of an unrated one, beside `ids` and `id`, where --teacher_column names any: float lists of equal length, scores in the
# archive's unit and their weights, which add up to 1; both are empty where the teacher says nothing.
TEACHER_SCORES, TEACHER_WEIGHTS = "teacher_scores", "teacher_weights"
STATISTICS = "statistics.json"
VECTORS = "vectors.npy"
TRANSFORM = "transform"
# Below TRANSFORM, as tf.Transform names it; `assets/` there holds the vocabulary.
TRANSFORM_GRAPH = f"{TRANSFORM}/transform_fn"
VOCABULARY = "assets/vocabulary.txt"
_EXAMPLES = "{split}/{extent}.tfrecord.gz"
# The digits of a hash below this one decide the split and the sample, so that folds do not depend on them.
_FOLD_DIGITS = 10**12


def example_shard(split: str, extent: str) -> str:
    """The file of an extent's examples.

    >>> example_shard("test", "000003-00000000-000000000004096")
    'test/000003-00000000-000000000004096.tfrecord.gz'
    """
    return _EXAMPLES.format(split=split, extent=extent)


def fold_of(hashes: np.ndarray, folds: int) -> np.ndarray:
    """Cuts examples into folds of about equal size; what stays in one split stays in one fold.

    Args:
      hashes: int64 [examples], their `split_hash`.
      folds: How many folds.

    Returns:
      int64 [examples], in [0, folds).
    """
    return (hashes // _FOLD_DIGITS) % folds


@dataclasses.dataclass(frozen=True)
class RowTotals(TypedJson):
    """What became of the archive's rows; `read` is the sum of `kept`, `rejected` and `skipped`.

    Attributes:
      remarks: What was noticed of rows while they were read, by how many there are; None of nothing.
      damaged: Files that cannot be read to their end, and why; None if there are none.
    """

    OMITTED_IF_NONE: ClassVar = ("remarks", "damaged")

    read: int
    kept: int
    rejected: int
    skipped: int
    kept_by_split: dict[str, int]
    rejected_by_reason: dict[str, int]
    skipped_by_reason: dict[str, int]
    remarks: dict[str, int] | None = None
    damaged: dict[str, str] | None = None


@dataclasses.dataclass(frozen=True)
class ScoreHistogram(TypedJson):
    """The scale, its ten bins, and the scores by split and bin."""

    min: float
    max: float
    bin_edges: list[float]
    histogram: dict[str, list[int]]


@dataclasses.dataclass(frozen=True)
class LengthHistogram(TypedJson):
    """The reviews by length in tokens, of all splits; the last edge is None, for no end."""

    bin_edges: list[int | None]
    histogram: list[int]


@dataclasses.dataclass(frozen=True)
class KnownShares(TypedJson):
    """By split: the reviews by the share of their tokens with a vector, all tokens, and those with a vector."""

    bin_edges: list[float]
    histogram: dict[str, list[int]]
    tokens: dict[str, int]
    known_tokens: dict[str, int]


@dataclasses.dataclass(frozen=True)
class VocabularyTotals(TypedJson):
    """The vocabulary beside the tokens of the training split.

    Attributes:
      size: Its ids, with padding and the shared id.
      vector_size: The length of a vector.
      distinct_tokens: Of the training split.
      tokens: Likewise, all of them.
      embedding_hits: Distinct tokens with a pretrained vector.
      unseen_tokens: Tokens with a vector that no training review holds.
      embedding_misses: Distinct tokens without a pretrained vector.
      trained_tokens: Those of them with an id of their own.
      first_trained_id: The first of these ids.
      share_of_tokens_with_vector: In [0, 1].
      most_frequent_without_vector: With their counts.
    """

    size: int
    vector_size: int
    distinct_tokens: int
    tokens: int
    embedding_hits: int
    unseen_tokens: int
    embedding_misses: int
    trained_tokens: int
    first_trained_id: int
    share_of_tokens_with_vector: float
    most_frequent_without_vector: dict[str, int]


@dataclasses.dataclass(frozen=True)
class UnratedTotals(TypedJson):
    """What became of the rows of --unrated; `read` is the sum of `used`, `rejected` and `left_out`.

    Attributes:
      with_teacher: How many of those used have a teacher's scores.
      left_out_by_reason: A row whose hash is too high is `beyond_unrated_rows`, whatever else it is.
      digest: Of the tokens and the teacher's scores of those used.
      remarks: As of `RowTotals`.
      damaged: Likewise.
    """

    OMITTED_IF_NONE: ClassVar = ("remarks", "damaged")

    read: int
    used: int
    with_teacher: int
    rejected: int
    left_out: int
    rejected_by_reason: dict[str, int]
    left_out_by_reason: dict[str, int]
    digest: str
    remarks: dict[str, int] | None = None
    damaged: dict[str, str] | None = None


@dataclasses.dataclass(frozen=True)
class TrainingData(TypedJson):
    """What a model's export says of the data that it learned from.

    Attributes:
      tokens_per_review: `count`, `mean`, `std`, `min`, quartiles and `max`, of all splits.
    """

    rows: RowTotals
    scores: ScoreHistogram
    tokens_per_review: dict[str, float]
    token_lengths: LengthHistogram
    known_shares: KnownShares
    vocabulary: VocabularyTotals


@dataclasses.dataclass(frozen=True)
class Statistics(TrainingData):
    """`statistics.json`.

    Attributes:
      seconds: How long the job took.
      seconds_by_stage: Summed over all workers; stages overlap.
      command: With what follows to the outputs, as in the folder's manifest.
      unrated: Of the rows of --unrated; None without it.
      tokenizer: How the texts were cut into tokens; None of a folder that an earlier version wrote.
    """

    OMITTED_IF_NONE: ClassVar = ("unrated", "tokenizer")

    seconds: float
    seconds_by_stage: dict[str, float]
    command: str
    settings: dict[str, Any]
    versions: dict[str, str]
    outputs: list[str]
    unrated: UnratedTotals | None = None
    tokenizer: Tokenizer | None = None

    @property
    def scale(self) -> Scale:
        return Scale(self.scores.min, self.scores.max)

    @property
    def training(self) -> TrainingData:
        """The part that an export repeats."""
        return TrainingData(**{field.name: getattr(self, field.name) for field in dataclasses.fields(TrainingData)})

    def write(self, folder: str) -> None:
        storage.write_json(folder, STATISTICS, self.to_json())

    @classmethod
    def read(cls, folder: str) -> "Statistics":
        """Reads them.

        Raises:
          FileNotFoundError: The job has not finished.
        """
        return cls.from_json(storage.read_json(storage.join(folder, STATISTICS)))
