"""The prepared reviews: what is in the folder that the preprocess job wrote, and which of it is asked for."""

import dataclasses
import functools
import hashlib
import json
import pathlib

import numpy as np
import tensorflow as tf

from beam_pipelines.artifacts import prepared
from beam_pipelines.artifacts.prepared import (
    ID,
    IDS,
    SCORE,
    SPLIT_HASH,
    SPLITS,
    TEACHER_SCORES,
    TEACHER_WEIGHTS,
    Statistics,
)
from beam_pipelines.artifacts.scale import Scale
from beam_pipelines.artifacts.tokenizer import Tokenizer
from beam_pipelines.errors import UserError
from beam_pipelines.files import storage

# Of a rated review, as tf.io.parse_example takes them.
FEATURES = {
    IDS: tf.io.RaggedFeature(tf.int64),
    SCORE: tf.io.FixedLenFeature([], tf.float32),
    ID: tf.io.FixedLenFeature([], tf.string),
}
_HASH = {SPLIT_HASH: tf.io.FixedLenFeature([], tf.int64)}
_NO_SCORE, _NO_HASH = float("nan"), -1
# Of a rated one or one with a teacher's scores.
RATED_OR_TAUGHT = {
    **FEATURES,
    SCORE: tf.io.FixedLenFeature([], tf.float32, _NO_SCORE),
    SPLIT_HASH: tf.io.FixedLenFeature([], tf.int64, _NO_HASH),
    TEACHER_SCORES: tf.io.RaggedFeature(tf.float32),
    TEACHER_WEIGHTS: tf.io.RaggedFeature(tf.float32),
}
# So many examples at a time are asked for their fold.
_ASKED = 1024
# The parts of the statistics that say what the data are; the others say how they were made.
_DIGESTED = ("rows", "scores", "tokens_per_review", "vocabulary", "unrated")


@dataclasses.dataclass(frozen=True)
class Selection:
    """Some of the prepared reviews: those of a few splits, or of these a fold or all but a fold.

    Attributes:
      splits: Their names.
      folds: Into how many folds they are cut; 0 for all of them together.
      fold: The fold, from 0.
      inside: Whether the reviews of the fold are selected; else those of all others are.
      taught: Whether the unrated reviews with a teacher's scores are selected, too.
    """

    splits: tuple[str, ...]
    folds: int = 0
    fold: int = 0
    inside: bool = True
    taught: bool = False

    @classmethod
    def whole(cls, *splits: str) -> "Selection":
        """All reviews of some splits."""
        return cls(splits)

    def in_folds(self, folds: int, fold: int) -> tuple["Selection", "Selection"]:
        """The reviews of these splits outside a fold, and those inside it; what is taught is outside of all."""
        outside = dataclasses.replace(self, folds=folds, fold=fold, inside=False)
        return outside, Selection(self.splits, folds, fold)

    def holds(self, hashes):
        """Which examples with these split hashes are selected, bool [examples]; in a graph too."""
        is_inside = prepared.fold_of(hashes, self.folds) == self.fold
        return is_inside if self.inside else ~is_inside


@dataclasses.dataclass(frozen=True)
class PreparedReviews:
    """What the preprocess job wrote, in a local folder.

    Attributes:
      folder: The folder.
      statistics: Its `statistics.json`.
    """

    folder: pathlib.Path
    statistics: Statistics

    @classmethod
    def load(cls, folder: str, named: str | None = None) -> "PreparedReviews":
        """Opens a folder; `named` is what --data says, where that is elsewhere.

        Raises:
          UserError: The job that writes it has not been there or has not ended, an earlier version wrote it, or its
            vectors cannot be used.
        """
        if not storage.exists(storage.join(folder, prepared.STATISTICS)):
            raise UserError(
                f"--data {named or folder} has no {prepared.STATISTICS}: run beam_pipelines.preprocess to its end first"
            )
        reviews = cls(pathlib.Path(folder), Statistics.read(folder))
        if reviews.statistics.tokenizer is None:
            raise UserError(
                f"--data {named or folder} was prepared by an earlier version, which cut texts into other tokens: run "
                "beam_pipelines.preprocess again"
            )
        reviews._check_vectors(named or folder)
        return reviews

    @property
    def scale(self) -> Scale:
        return self.statistics.scale

    @property
    def rule(self) -> Tokenizer:
        """How the texts were cut into tokens."""
        assert self.statistics.tokenizer, "`load` has looked"
        return self.statistics.tokenizer

    @property
    def first_trained_id(self) -> int:
        """The first id whose vector is not a pretrained one."""
        return self.statistics.vocabulary.first_trained_id

    @property
    def transform_graph(self) -> pathlib.Path:
        """The folder of the SavedModel that makes ids of texts."""
        return self.folder / prepared.TRANSFORM_GRAPH

    def histogram(self, splits: tuple[str, ...]) -> list[int]:
        """The reviews of some splits by the ten bins of their scores."""
        return [
            sum(counts) for counts in zip(*(self.statistics.scores.histogram[name] for name in splits), strict=True)
        ]

    def digest(self) -> str:
        """Hashes what the data are: the same when the same archive is prepared the same way again."""
        statistics = self.statistics.to_json()
        vectors = hashlib.sha256((self.folder / prepared.VECTORS).read_bytes()).hexdigest()
        digested = [{name: statistics[name] for name in _DIGESTED if name in statistics}, vectors]
        return hashlib.sha256(json.dumps(digested, sort_keys=True).encode()).hexdigest()

    def vectors(self) -> np.ndarray:
        """Reads the vectors of all ids, float32 [vocab, dim]."""
        return np.load(self.folder / prepared.VECTORS)

    def _check_vectors(self, named: str) -> None:
        try:
            is_finite = np.isfinite(self.vectors()).all(axis=1)
        except (OSError, ValueError, EOFError) as error:
            raise UserError(
                f"--data {named}: {prepared.VECTORS} cannot be read ({error}); run beam_pipelines.preprocess again"
            ) from error
        # Else the loss is not finite either, and no learning rate would help.
        if not is_finite.all():
            raise UserError(
                f"--data {named}: {np.count_nonzero(~is_finite):,} of {len(is_finite):,} vectors in {prepared.VECTORS} "
                "are not finite; run beam_pipelines.preprocess again, which passes such vectors over"
            )

    def vocabulary(self) -> list[str]:
        """Reads the tokens, from id 2."""
        return (self.transform_graph / prepared.VOCABULARY).read_text(encoding="utf-8").splitlines()

    def rows(self, selection: Selection) -> int:
        """How many reviews are selected."""
        unrated = self.statistics.unrated
        taught = unrated.with_teacher if unrated and selection.taught else 0
        if selection.folds:
            hashes = np.concatenate([self._hashes[name] for name in selection.splits])
            return int(selection.holds(hashes).sum()) + taught
        return sum(self.statistics.rows.kept_by_split[name] for name in selection.splits) + taught

    def files(self, selection: Selection) -> list[str]:
        """Lists the TFRecord files that hold the selected reviews, in the order of the archive."""
        names = [*selection.splits, *([prepared.UNRATED] if selection.taught else [])]
        found = (self.folder.glob(prepared.example_shard(name, "*")) for name in names)
        return [str(path) for paths in found for path in sorted(paths)]

    def records(self, selection: Selection, files: list[str] | None = None) -> tf.data.Dataset:
        """Reads the selected examples, string [], in the order of `files`, without them in that of the archive."""
        dataset = tf.data.TFRecordDataset(self.files(selection) if files is None else files, compression_type="GZIP")
        if not selection.folds and not selection.taught:
            return dataset

        def selected(records: tf.Tensor) -> tf.Tensor:
            parsed = tf.io.parse_example(records, RATED_OR_TAUGHT)
            is_held = selection.holds(parsed[SPLIT_HASH]) if selection.folds else True
            is_rated, is_taught = parsed[SPLIT_HASH] != _NO_HASH, parsed[TEACHER_WEIGHTS].row_lengths() > 0
            return tf.boolean_mask(records, tf.where(is_rated, is_held, is_taught))

        return dataset.batch(_ASKED).map(selected).unbatch()

    def unrated_ids(self, batch_size: int) -> tf.data.Dataset:
        """Reads the ids of the unrated reviews, int64 [batch, time], padded with 0; none where none were prepared."""
        files = sorted(str(path) for path in self.folder.glob(prepared.example_shard(prepared.UNRATED, "*")))
        dataset = tf.data.TFRecordDataset(files, compression_type="GZIP").batch(batch_size)
        return dataset.map(lambda records: tf.io.parse_example(records, {IDS: FEATURES[IDS]})[IDS].to_tensor())

    @functools.cached_property
    def _hashes(self) -> dict[str, np.ndarray]:
        return {name: self._values(Selection.whole(name), _HASH) for name in SPLITS}

    def scores(self, selection: Selection) -> np.ndarray:
        """Reads the scores of the selected reviews, in the archive's unit, float64 [reviews]."""
        return self._values(selection, {SCORE: FEATURES[SCORE]}).astype(np.float64)

    def _values(self, selection: Selection, feature: dict) -> np.ndarray:
        (name,) = feature
        parts = [tf.io.parse_example(batch, feature)[name].numpy() for batch in self.records(selection).batch(_ASKED)]
        return np.concatenate(parts or [np.empty(0, feature[name].dtype.as_numpy_dtype)])
