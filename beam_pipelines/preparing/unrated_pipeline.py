"""The part of both pipelines that reads the archive of --unrated, and what follows them."""

import functools

import apache_beam as beam

from beam_pipelines.archive.list_extents import ListExtents
from beam_pipelines.artifacts.prepared import UnratedTotals
from beam_pipelines.errors import logger
from beam_pipelines.preparing import (
    parts,
    phase_files,
    rejected_share,
    row_counts,
    token_counts,
    unrated_choice,
    unrated_counts,
)
from beam_pipelines.preparing.job import COUNT, EXAMPLES, UNRATED_INPUTS, Job, Unrated
from beam_pipelines.preparing.read_reviews import ReadReviews
from beam_pipelines.preparing.row_counts import RowCounts
from beam_pipelines.preparing.unrated_counts import UnratedCounts
from beam_pipelines.preparing.unrated_reviews import unrated_reviews
from beam_pipelines.preparing.unrated_texts import CountUnrated, WriteUnrated


def add_count(root: beam.Pipeline, job: Job, unrated: Unrated, written: beam.PCollection) -> None:
    """Adds the first reading: rejects, counts of rows and of tokens, and the choice of the texts.

    Args:
      root: The pipeline.
      job: Its job.
      unrated: What is read.
      written: The parts of the rated texts, as they are written.
    """
    read_reviews = ReadReviews(
        unrated.read_options,
        functools.partial(unrated_reviews, rules=unrated.rules),
        folder=job.folder,
        with_raw=not job.settings.no_text_in_rejects,
        index_digits=unrated.index_digits,
        prefix="unrated-",
    )
    reviews = root | "UnratedExtents" >> _list_extents(job, unrated) | "ReadUnrated" >> beam.ParDo(read_reviews)
    _ = (
        reviews
        | "CountUnratedRows" >> beam.Map(RowCounts.of)
        | "SumUnratedRows" >> beam.CombineGlobally(row_counts.sum_rows)
        | "WriteUnratedRows" >> beam.Map(phase_files.write, folder=job.counted_unrated, name=phase_files.ROWS)
    )
    most = job.settings.unrated_rows
    count_unrated = CountUnrated(
        job.counted_unrated,
        rated_parts=parts.count_parts(job.size_bytes),
        most=most,
        rule=job.settings.tokenizer,
        max_tokens=job.settings.max_tokens,
        parts=parts.count_parts(unrated.size_bytes),
    )
    # No text is chosen before all that are rated are known.
    known = beam.pvalue.AsList(written)
    counted = reviews | "CountUnrated" >> beam.ParDo(count_unrated, known).with_outputs("counts", "chosen")
    _ = (
        counted.chosen
        | "MergeChosen" >> beam.CombineGlobally(unrated_choice.MergeLowest(most))
        | "WriteChosen" >> beam.Map(unrated_choice.write, folder=job.counted_unrated)
    )
    if job.settings.embeddings:
        # Words of the vectors alone can get an id by them.
        _ = counted.counts | "UnratedTokens" >> token_counts.WriteCounts(job.counted_unrated)


def add_examples(root: beam.Pipeline, job: Job, unrated: Unrated, first_trained_id: int) -> None:
    """Adds the second reading: the chosen texts become examples."""
    write_unrated = WriteUnrated(
        job.folder,
        job.counted_unrated,
        read_options=unrated.read_options,
        rules=unrated.rules,
        most=job.settings.unrated_rows,
        index_digits=unrated.index_digits,
        first_trained_id=first_trained_id,
        rule=job.settings.tokenizer,
        max_tokens=job.settings.max_tokens,
    )
    _ = (
        root
        | "UnratedExtents" >> _list_extents(job, unrated)
        | "WriteUnrated" >> beam.ParDo(write_unrated)
        | "SumUnrated" >> beam.CombineGlobally(unrated_counts.sum_counts)
        | "WriteUnratedCounts" >> beam.Map(phase_files.write, folder=job.counted_unrated, name=phase_files.EXAMPLES)
    )


def _list_extents(job: Job, unrated: Unrated) -> ListExtents:
    return ListExtents(job.folder, unrated.read_options, listed=UNRATED_INPUTS, saved_in=job.counted_unrated)


def read_rows(job: Job, unrated: Unrated) -> RowCounts:
    """Reads what the first reading has counted.

    Raises:
      UserError: It has not ended, or more is rejected than allowed.
    """
    rows = phase_files.read(job, job.counted_unrated, phase_files.ROWS, RowCounts.from_json, COUNT)
    rejected_share.check(rows, job, unrated.size_bytes, of=" of --unrated")
    return rows


def read_totals(job: Job, unrated: Unrated) -> UnratedTotals:
    """Reads what became of all rows, and warns where nothing is used.

    Raises:
      UserError: A phase has not ended, or more is rejected than allowed.
    """
    rows = read_rows(job, unrated)
    texts = phase_files.read(job, job.counted_unrated, phase_files.EXAMPLES, UnratedCounts.from_json, EXAMPLES)
    totals = unrated_counts.totals(rows, texts)
    if totals.used + totals.rejected + totals.left_out != totals.read:
        raise RuntimeError(f"rows of --unrated read, used, rejected and left out do not add up: {totals}")
    if not totals.used:
        logger.warning(
            "no text of --unrated is used, of %s rows%s", f"{totals.read:,}", unrated_counts.reasons_in_words(totals)
        )
    return totals
