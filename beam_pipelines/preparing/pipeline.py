"""The preprocess job at work: two readings of the archive, and between them the choice of the vocabulary.

The archive is never held: the first reading writes the rejects and counts the tokens of the training split, the
second applies the vocabulary that was chosen.
"""

import time
from collections.abc import Callable
from typing import Any

import apache_beam as beam
import numpy as np
from apache_beam.options.pipeline_options import PipelineOptions

from beam_pipelines.archive import hints, rejects
from beam_pipelines.archive.read_blocks import ReadBlocks
from beam_pipelines.artifacts import prepared
from beam_pipelines.artifacts.prepared import ScoreHistogram, Statistics
from beam_pipelines.commands import entry, job_folder
from beam_pipelines.errors import UserError, logger
from beam_pipelines.execution import counters, runners
from beam_pipelines.execution.stopwatch import Stopwatch
from beam_pipelines.files import storage
from beam_pipelines.preparing import (
    doubts,
    parts,
    recurring_texts,
    row_counts,
    token_counts,
    training_tokens,
    vocabulary_choice,
)
from beam_pipelines.preparing.examples import WriteExamples
from beam_pipelines.preparing.job import Job
from beam_pipelines.preparing.reviews import Reviews, rated_reviews
from beam_pipelines.preparing.row_counts import ExampleCounts, RowCounts
from beam_pipelines.reporting import phrases

# What the workers leave for the rest of the job, in its temporary folder.
_ROWS, _EXAMPLES = "rows.json", "examples.json"


def build_count(root: beam.Pipeline, job: Job) -> None:
    """Adds the first reading of the archive: rejects, counts of rows and of training tokens."""
    reviews = root | "Reviews" >> _read_reviews(job)
    _ = reviews | "WriteRejects" >> beam.Map(
        _write_rejects, folder=job.folder, with_raw=not job.settings.no_text_in_rejects
    )
    _ = (
        reviews
        | "CountRows" >> beam.Map(RowCounts.of)
        | "SumRows" >> beam.CombineGlobally(row_counts.sum_rows)
        | "WriteRows" >> beam.Map(_write_counts, folder=job.temporary, name=_ROWS)
    )
    count_tokens = token_counts.CountTokens(job.shares, job.settings.max_tokens, parts.count_parts(job.size_bytes))
    counted = reviews | "CountTokens" >> beam.ParDo(count_tokens).with_outputs("counts", "texts")
    _add_counts(counted.counts, job)
    if job.settings.split_column:
        _add_recurring(counted.texts, job)


def _add_counts(counts: beam.PCollection, job: Job) -> None:
    """Adds up the counts of tokens: a file for each part, and the totals."""
    # Those with a vector may be rare, and a worker does not know them.
    most = None if job.settings.embeddings else training_tokens.most_without_vector(job.settings.trained_tokens)
    _ = (
        counts
        | "MergeCounts" >> beam.CombinePerKey(parts.MergeParts("sum"))
        | "WriteCounts" >> beam.Map(token_counts.write_counts, folder=job.temporary, most=most)
        | "SumTokens" >> beam.CombineGlobally(training_tokens.sum_totals).without_defaults()
        | "WriteTotals" >> beam.Map(training_tokens.write_totals, folder=job.temporary)
    )


def _add_recurring(texts: beam.PCollection, job: Job) -> None:
    """Finds the training texts that recur in validation or test."""
    _ = (
        texts
        | "MergeTexts" >> beam.CombinePerKey(parts.MergeParts(recurring_texts.MERGE))
        | "FindRecurring" >> beam.Map(recurring_texts.recurring)
        | "PackRecurring" >> beam.GroupByKey()
        | "WriteRecurring" >> beam.Map(recurring_texts.write, folder=job.temporary)
    )


def build_examples(root: beam.Pipeline, job: Job, first_trained_id: int) -> None:
    """Adds the second reading: text to ids by the chosen vocabulary, examples into their splits."""
    write_examples = WriteExamples(
        job.folder,
        job.temporary,
        first_trained_id=first_trained_id,
        max_tokens=job.settings.max_tokens,
        shares=job.shares,
        scale=job.rules.scale,
    )
    _ = (
        root
        | "Reviews" >> _read_reviews(job)
        | "WithReviews" >> beam.Filter(lambda reviews: bool(reviews.ids))
        | "WriteExamples" >> beam.ParDo(write_examples)
        | "SumExamples" >> beam.CombineGlobally(row_counts.sum_examples)
        | "WriteExampleCounts" >> beam.Map(_write_counts, folder=job.temporary, name=_EXAMPLES)
    )


def _read_reviews(job: Job) -> beam.PTransform:
    return ReadBlocks(job.files, job.read_options) | "Rate" >> beam.Map(rated_reviews, job.rules)


def _write_rejects(reviews: Reviews, *, folder: str, with_raw: bool) -> None:
    rejects.write_rejects(reviews.block, reviews.rejects, folder=folder, with_raw=with_raw)


# Any: of a union of two dataclasses, Beam would make a schema of rows, and fails at it (Beam 2.77).
def _write_counts(counts: Any, *, folder: str, name: str) -> None:
    storage.write_json(folder, name, counts.to_json())


def run(job: Job, options: PipelineOptions) -> Statistics:
    """Runs the job in its claimed folder and returns its statistics, which are written last.

    Raises:
      UserError: Something in the settings or the archive is to be mended.
    """
    started = time.monotonic()
    stopwatch = Stopwatch()
    logger.info("counting %d files, %.1f MB", len(job.files), job.size_bytes / 1e6)
    root = beam.Pipeline(options=options)
    build_count(root, job)
    entry.start_collector()
    stopwatch += Stopwatch(_run_pipeline(root))
    rows = _read_counts(job, _ROWS, RowCounts.from_json)
    check_rows(rows, job)
    logger.info("read %s rows, %s rated; choosing the vocabulary", f"{rows.read:,}", f"{rows.rated:,}")
    with stopwatch.timed("choose"):
        chosen = vocabulary_choice.choose(job)
    logger.info("writing examples with a vocabulary of %s", f"{chosen.size:,}")
    root = beam.Pipeline(options=options)
    build_examples(root, job, chosen.first_trained_id)
    stopwatch += Stopwatch(_run_pipeline(root))
    examples = _read_counts(job, _EXAMPLES, ExampleCounts.from_json)
    manifest = job_folder.read_claimed(job.folder)
    statistics = Statistics(
        rows=row_counts.row_totals(rows, examples),
        scores=row_counts.score_histogram(examples, job.rules.scale),
        tokens_per_review=row_counts.describe(examples.lengths),
        token_lengths=row_counts.length_histogram(examples),
        known_shares=row_counts.known_shares(examples),
        vocabulary=chosen,
        seconds=round(time.monotonic() - started, 1),
        seconds_by_stage={stage: round(spent, 3) for stage, spent in stopwatch.seconds.items()},
        **manifest,
    )
    _check_totals(statistics)
    warn_of_unused_scale(statistics.scores)
    doubts.warn_of_unshared_tokens(chosen, statistics.tokens_per_review["50%"])
    statistics.write(job.folder)
    return statistics


def _run_pipeline(root: beam.Pipeline) -> dict[str, float]:
    """Runs a pipeline; returns how long each stage took, in seconds."""
    return counters.seconds_by_stage(counters.read(runners.run(root)))


def _read_counts(job: Job, name: str, from_json: Callable[[dict[str, Any]], Any]) -> Any:
    return from_json(storage.read_json(storage.join(job.temporary, name)))


def check_rows(rows: RowCounts, job: Job) -> None:
    """Stops where there is nothing to learn from, or more is rejected than allowed.

    Raises:
      UserError: Names the counts, or the reason that dominates.
    """
    settings, rejected, skipped = job.settings, row_counts.by_reason(rows.rejected), row_counts.by_reason(rows.skipped)
    if not rows.rated:
        message = f"no rated row at all: {rows.read:,} rows read"
        for name, reasons in {"rejected": rejected, "skipped": skipped}.items():
            message += f", {sum(reasons.values()):,} {name}{phrases.format_counts(reasons)}"
        if rejected:
            message += f"; {hints.hint(rejected, rows.remarks, rows.read)}see {settings.output}/rejected"
        if settings.title_column and skipped:
            message += "; does --score_pattern fit the titles?"
        raise UserError(message)
    allowed = settings.max_rejected_share
    rejects.check_share(rejected, rows.remarks, rows.read, allowed=allowed, output=settings.output)


def _check_totals(statistics: Statistics) -> None:
    rows = statistics.rows
    if rows.kept + rows.rejected + rows.skipped != rows.read:
        raise RuntimeError(f"rows read, kept, rejected and skipped do not add up: {rows}")
    if not rows.kept_by_split[prepared.TRAIN]:
        raise UserError(f"no training row is left: {rows.to_json()}")


def warn_of_unused_scale(scores: ScoreHistogram) -> None:
    """Warns where the scores fill at most two of the ten bins, as stars do on a scale to 100."""
    filled = np.flatnonzero(np.sum(list(scores.histogram.values()), axis=0))
    low, high = filled.min(), filled.max() + 1
    if high - low <= 2:
        logger.warning(
            "all scores fall between %g and %g, on a scale from %g to %g: are --score_min and --score_max right?",
            scores.bin_edges[low],
            scores.bin_edges[high],
            scores.min,
            scores.max,
        )
