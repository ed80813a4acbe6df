"""Reads the archive of a `--sample`: reviews that two models are compared on."""

import dataclasses
import hashlib
import heapq
import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from beam_pipelines.archive import extents, input_columns, look, read_extents, rejects
from beam_pipelines.archive.finding.found_files import FoundFile
from beam_pipelines.archive.read_options import ReadOptions
from beam_pipelines.artifacts.exports import ExportInfo
from beam_pipelines.errors import UserError
from beam_pipelines.preparing.job import rating_rules
from beam_pipelines.preparing.reviews import rated_reviews
from beam_pipelines.preparing.settings import PreprocessSettings
from serving.checking.gate_settings import MIN_REVIEWS, SAMPLE_READ_FLAGS, GateSettings

# What the settings of the training archive say of one, besides what flags do.
_OF_TRAINING = (
    *("csv_quote", "csv_escape", "null_values", "encoding", "max_field_mb", "max_unpacked_gb"),
    *("score_min", "score_max", "unrated_values"),
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class SampleSettings(PreprocessSettings):
    """How the archive of `sample`, which is a flag of its own, is read."""

    sample: tuple[str, ...]


class _Review(NamedTuple):
    """Ordered by a hash of its text, so that a sample is the same in whatever order the archive is read."""

    hash: bytes
    name: str
    text: str
    score: float


@dataclasses.dataclass(frozen=True)
class SampleReviews:
    """Reviews of a sample.

    Attributes:
      names: FILE:NUMBER of each.
      texts: string [reviews].
      scores: The true ones, float64 [reviews], in the archive's unit; None where it has none.
    """

    names: list[str]
    texts: pa.Array
    scores: np.ndarray | None


def read(gate: GateSettings, info: ExportInfo) -> SampleReviews:
    """Reads the sample that a command's flags name.

    Args:
      gate: The flags.
      info: Of the export whose training archive the sample resembles.

    Raises:
      UserError: A flag or the archive is to be mended.
    """
    settings = _settings(gate, info)
    archive = look.look(settings, "sample")
    rating = settings.score_column or settings.title_column
    named = gate.score_column or gate.title_column
    has_scores = {rating in columns.names for columns in archive.columns.values()}
    if has_scores == {True, False} and not named:
        raise UserError(f"--sample: some files have the column {rating!r} of scores, and others not; give one kind")
    is_rated = bool(named or True in has_scores)
    wanted = tuple(name for name in (settings.text_column, is_rated and rating) if name)
    input_columns.require(archive.columns, wanted, "--sample")
    options = ReadOptions.of(settings, sizes=extents.Sizes.of(archive.size_bytes), columns=wanted, nullable=wanted)
    chosen = heapq.nsmallest(gate.sample_rows, _reviews(archive.found, options, settings))
    named_sample = " ".join(gate.sample)
    kind = "rated reviews" if is_rated else "reviews with a text"
    if len(chosen) < MIN_REVIEWS:
        raise UserError(f"--sample {named_sample} holds {len(chosen)} {kind}; fewer than {MIN_REVIEWS} tell too little")
    return SampleReviews(
        names=[review.name for review in chosen],
        texts=pa.array([review.text for review in chosen]),
        scores=np.array([review.score for review in chosen]) if is_rated else None,
    )


def _settings(gate: GateSettings, info: ExportInfo) -> SampleSettings:
    """Those of the export's training archive, changed by the flags that were given."""
    known = info.preprocess_settings.keys() & {*SAMPLE_READ_FLAGS, *_OF_TRAINING}
    trained = {name: info.preprocess_settings[name] for name in known}
    given = {name: getattr(gate, name) for name in SAMPLE_READ_FLAGS if getattr(gate, name) is not None}
    if {"score_column", "title_column"} & given.keys():
        trained |= {"score_column": None, "title_column": None}
    try:
        return SampleSettings(**{**trained, **given, "sample": gate.sample, "input": (), "output": ""})
    except ValueError as error:
        raise UserError(str(error)) from None


def _reviews(found: list[FoundFile], options: ReadOptions, settings: PreprocessSettings) -> Iterator[_Review]:
    """Yields the usable reviews of an archive; those without a score have NaN."""
    rules = rating_rules(dataclasses.replace(settings, id_column=None))
    for file in found:
        for block in read_extents.read(extents.of_small((file,)), options):
            if len(options.columns) > 1:
                rated = rated_reviews(block, rules)
                names, texts, scores = rated.ids, rated.texts.to_pylist(), rated.scores.tolist()
            else:
                kept = block.reject(rejects.empty_texts(block.rows.column(0)))
                names, texts = kept.row_names, kept.rows.column(0).to_pylist()
                scores = [math.nan] * len(texts)
            for name, text, score in zip(names, texts, scores, strict=True):
                yield _Review(hashlib.blake2b(text.encode(), digest_size=8).digest(), name, text, score)
