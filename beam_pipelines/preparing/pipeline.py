"""The preprocess job at work: two readings of the archives, and between them the choice of the vocabulary.

The archive is never held: the first reading writes the rejects and counts the tokens of the training split, the
second applies the vocabulary that was chosen.
"""

import functools
import time
from collections.abc import Callable

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions

from beam_pipelines.archive import hints, look
from beam_pipelines.archive.list_extents import ListExtents
from beam_pipelines.artifacts import prepared
from beam_pipelines.artifacts.prepared import Statistics, VocabularyTotals
from beam_pipelines.commands import entry, job_folder
from beam_pipelines.errors import UserError, logger
from beam_pipelines.execution import counters, handing_over
from beam_pipelines.execution.stopwatch import Stopwatch
from beam_pipelines.files import leases, storage
from beam_pipelines.preparing import (
    doubts,
    parts,
    phase_files,
    rated_texts,
    recurring_texts,
    rejected_share,
    row_counts,
    token_counts,
    training_tokens,
    unrated_pipeline,
    vocabulary_choice,
)
from beam_pipelines.preparing.examples import WriteExamples
from beam_pipelines.preparing.job import CHOOSE, COUNT, EXAMPLES, FINISH, Job
from beam_pipelines.preparing.read_reviews import ReadReviews
from beam_pipelines.preparing.reviews import rated_reviews
from beam_pipelines.preparing.row_counts import ExampleCounts, RowCounts
from beam_pipelines.reporting import phrases


def build_count(root: beam.Pipeline, job: Job) -> None:
    """Adds the first reading of the archive: rejects, counts of rows and of training tokens."""
    read_reviews = ReadReviews(
        job.read_options,
        functools.partial(rated_reviews, rules=job.rules),
        folder=job.folder,
        with_raw=not job.settings.no_text_in_rejects,
        index_digits=job.index_digits,
    )
    reviews = root | "Extents" >> _list_extents(job) | "ReadReviews" >> beam.ParDo(read_reviews)
    _ = (
        reviews
        | "CountRows" >> beam.Map(RowCounts.of)
        | "SumRows" >> beam.CombineGlobally(row_counts.sum_rows)
        | "WriteRows" >> beam.Map(phase_files.write, folder=job.counted, name=phase_files.ROWS)
    )
    count_tokens = token_counts.CountTokens(
        job.shares,
        job.settings.tokenizer,
        job.settings.max_tokens,
        parts.count_parts(job.size_bytes),
        lists_all=job.unrated is not None,
    )
    counted = reviews | "CountTokens" >> beam.ParDo(count_tokens).with_outputs("counts", "texts")
    # Those with a vector may be rare, and a worker does not know them.
    most = None if job.settings.embeddings else training_tokens.most_without_vector(job.settings.trained_tokens)
    _ = counted.counts | "Tokens" >> token_counts.WriteCounts(job.counted, most)
    if job.settings.split_column or job.unrated:
        texts = counted.texts | "MergeTexts" >> beam.CombinePerKey(parts.MergeParts(recurring_texts.MERGE))
    if job.settings.split_column:
        _add_recurring(texts, job)
    if job.unrated:
        written = texts | "WriteRated" >> beam.Map(rated_texts.write, folder=job.counted_unrated)
        unrated_pipeline.add_count(root, job, job.unrated, written)


def _add_recurring(texts: beam.PCollection, job: Job) -> None:
    """Finds the training texts that recur in validation or test."""
    _ = (
        texts
        | "FindRecurring" >> beam.Map(recurring_texts.recurring)
        | "PackRecurring" >> beam.GroupByKey()
        | "WriteRecurring" >> beam.Map(recurring_texts.write, folder=job.counted)
    )


def build_examples(root: beam.Pipeline, job: Job) -> None:
    """Adds the second reading: text to ids by the chosen vocabulary, examples into their splits."""
    first_trained_id = read_vocabulary(job).first_trained_id
    write_examples = WriteExamples(
        job.folder,
        job.counted,
        read_options=job.read_options,
        rules=job.rules,
        index_digits=job.index_digits,
        rule=job.settings.tokenizer,
        first_trained_id=first_trained_id,
        max_tokens=job.settings.max_tokens,
        shares=job.shares,
    )
    _ = (
        root
        | "Extents" >> _list_extents(job)
        | "WriteExamples" >> beam.ParDo(write_examples)
        | "SumExamples" >> beam.CombineGlobally(row_counts.sum_examples)
        | "WriteExampleCounts" >> beam.Map(phase_files.write, folder=job.counted, name=phase_files.EXAMPLES)
    )
    if job.unrated:
        unrated_pipeline.add_examples(root, job, job.unrated, first_trained_id)


def _list_extents(job: Job) -> ListExtents:
    # The second reading has the extents of the first.
    return ListExtents(job.folder, job.read_options, saved_in=job.counted)


def run(job: Job, options: PipelineOptions) -> Statistics | None:
    """Runs the job, or one phase of it, in its claimed folder.

    Returns:
      The statistics, which are written last; None of a phase that others follow, or that nobody waits for.

    Raises:
      UserError: Something in the settings or the archive is to be mended.
    """
    started, phase, stopwatch = time.monotonic(), job.settings.phase, Stopwatch()
    if phase in (None, COUNT):
        logger.info("counting %d files, %.1f MB", len(job.found), job.size_bytes / 1e6)
        counted = _run_pipeline(job, options, build_count, then=CHOOSE)
        if counted is None:
            return None
        stopwatch += counted
        rows = read_rows(job)
        logger.info("read %s rows, %s rated", f"{rows.read:,}", f"{rows.rated:,}")
        if job.unrated:
            logger.info("read %s rows of --unrated", f"{unrated_pipeline.read_rows(job, job.unrated).read:,}")
    if phase in (None, CHOOSE):
        if phase:
            _check_counted(job)
        with stopwatch.timed("choose"):
            vocabulary = vocabulary_choice.choose(job)
        phase_files.write(vocabulary, folder=job.counted, name=phase_files.VOCABULARY)
        logger.info("chose a vocabulary of %s", f"{vocabulary.size:,}")
    if phase not in (None, EXAMPLES):
        return None
    logger.info("writing examples")
    written = _run_pipeline(job, options, build_examples, then=FINISH)
    if written is None:
        return None
    stopwatch += written
    seconds = {stage: round(spent, 3) for stage, spent in stopwatch.seconds.items()}
    return finish(job, round(time.monotonic() - started, 1), seconds)


def _check_counted(job: Job) -> None:
    """Looks whether the first phase has ended, for whose end nobody may have waited.

    Raises:
      UserError: It has not, or a cluster may be at the last phase already.
    """
    read_rows(job)
    if job.unrated:
        unrated_pipeline.read_rows(job, job.unrated)
    if job_folder.is_submitted(job.folder) and storage.exists(storage.join(job.counted, phase_files.VOCABULARY)):
        raise UserError(
            f"--phase {CHOOSE}: the vocabulary is chosen, and a cluster may be at the examples in {job.folder}; "
            "--finish when that has ended"
        )
    job_folder.clear_submitted(job.folder)


def _run_pipeline(
    job: Job, options: PipelineOptions, build: Callable[[beam.Pipeline, Job], None], *, then: str
) -> Stopwatch | None:
    """Runs a pipeline; returns the time of each stage, or None where nobody waits for its end.

    Args:
      job: What is read.
      options: Beam's.
      build: Adds the steps.
      then: What follows when it has ended.
    """
    root = beam.Pipeline(options=options)
    build(root, job)
    entry.start_collector()
    no_wait, next_command = job.settings.no_wait, job.command_after(then)
    submitted = handing_over.hand_over(root, job.folder, no_wait=no_wait, then=next_command)
    if submitted is None:
        return None
    handing_over.wait(submitted, job.folder)
    return Stopwatch(counters.seconds_by_stage(counters.read(submitted.result)))


def read_rows(job: Job) -> RowCounts:
    """Reads what the first reading has counted.

    Raises:
      UserError: It has not ended; there is nothing to learn from, or more is rejected than allowed.
    """
    rows = phase_files.read(job, job.counted, phase_files.ROWS, RowCounts.from_json, COUNT)
    check_rows(rows, job)
    return rows


def finish(job: Job, seconds: float, seconds_by_stage: dict[str, float]) -> Statistics:
    """Writes the statistics of a job whose phases have ended, and deletes what these have left for each other."""
    rows = read_rows(job)
    notes = rows.notes | (unrated_pipeline.read_rows(job, job.unrated).notes if job.unrated else set())
    for note in sorted(notes)[: look.MOST_NOTES]:
        logger.warning("%s", note)
    examples = phase_files.read(job, job.counted, phase_files.EXAMPLES, ExampleCounts.from_json, EXAMPLES)
    vocabulary, manifest = read_vocabulary(job), job_folder.read_claimed(job.folder)
    statistics = Statistics(
        rows=row_counts.row_totals(rows, examples),
        scores=row_counts.score_histogram(examples, job.rules.scale),
        tokens_per_review=row_counts.describe(examples.lengths),
        token_lengths=row_counts.length_histogram(examples),
        known_shares=row_counts.known_shares(examples),
        vocabulary=vocabulary,
        seconds=seconds,
        seconds_by_stage=seconds_by_stage,
        unrated=unrated_pipeline.read_totals(job, job.unrated) if job.unrated else None,
        tokenizer=job.settings.tokenizer,
        **{name: manifest[name] for name in ("command", "settings", "versions", "outputs")},
    )
    _check_totals(statistics)
    doubts.warn_of_unused_scale(statistics.scores)
    doubts.warn_of_unshared_tokens(vocabulary, statistics.tokens_per_review["50%"])
    job_folder.clear_submitted(job.folder)
    statistics.write(job.folder)
    job.clear_counted()
    leases.clear_temporary(job.folder)
    return statistics


def read_vocabulary(job: Job) -> VocabularyTotals:
    """Reads what was chosen.

    Raises:
      UserError: Nothing was yet.
    """
    return phase_files.read(job, job.counted, phase_files.VOCABULARY, VocabularyTotals.from_json, CHOOSE)


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
    rejected_share.check(rows, job, job.size_bytes)


def _check_totals(statistics: Statistics) -> None:
    rows = statistics.rows
    if rows.kept + rows.rejected + rows.skipped != rows.read:
        raise RuntimeError(f"rows read, kept, rejected and skipped do not add up: {rows}")
    if not rows.kept_by_split[prepared.TRAIN]:
        raise UserError(f"no training row is left: {rows.to_json()}")
