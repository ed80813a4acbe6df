"""A look at a sample before a preprocess job: what would be rejected, and what it would learn from."""

import functools
from collections.abc import Callable, Iterable

from beam_pipelines.archive import rejects, sample
from beam_pipelines.archive.blocks import Block
from beam_pipelines.archive.sample import SampledRows
from beam_pipelines.preparing.job import Job, Unrated
from beam_pipelines.preparing.reviews import Reviews, rated_reviews
from beam_pipelines.preparing.unrated_reviews import unrated_reviews
from beam_pipelines.reporting import phrases

SHOWN_ROWS = 5
EXCERPT_CHARACTERS = 60


def check_samples(job: Job) -> None:
    """Stops a job before it costs hours; what is read soon is not looked at.

    Raises:
      UserError: More than twice the allowed share of a sample would be rejected.
    """
    if job.size_bytes > sample.WORTH_BYTES:
        _check(_read_sample(job)[0], job)
    if job.unrated and job.unrated.size_bytes > sample.WORTH_BYTES:
        _check(_read_unrated_sample(job.unrated)[0], job, of=" of --unrated")


def _check(sampled: SampledRows, job: Job, of: str = "") -> None:
    allowed = job.settings.max_rejected_share
    rejects.check_sample(dict(sampled.by_reason), dict(sampled.remarks), sampled.rows, allowed=allowed, of=of)


def _read_sample(job: Job) -> tuple[SampledRows, list[Reviews]]:
    blocks = sample.sample_blocks(job.found, job.read_options)
    return _sampled(blocks, functools.partial(rated_reviews, rules=job.rules))


def _read_unrated_sample(unrated: Unrated) -> tuple[SampledRows, list[Reviews]]:
    blocks = sample.sample_blocks(unrated.found, unrated.read_options)
    return _sampled(blocks, functools.partial(unrated_reviews, rules=unrated.rules))


def _sampled(blocks: Iterable[Block], reviews_of: Callable[[Block], Reviews]) -> tuple[SampledRows, list[Reviews]]:
    sampled, read = SampledRows(), []
    for block in blocks:
        reviews = reviews_of(block)
        sampled.add(block, reviews.rejects, reviews.remarks)
        read.append(reviews)
    return sampled, read


def rehearse(job: Job) -> list[str]:
    """Reads a sample and tells what the job would do, a line each; nothing is written."""
    sampled, read = _read_sample(job)
    rated = [
        row for reviews in read for row in zip(reviews.ids, reviews.scores, reviews.texts.to_pylist(), strict=True)
    ]
    extents = sample.count_extents(job.found, job.read_options.extent_bytes)
    return [
        f"{len(job.found):,} files, {job.size_bytes / 1e6:,.1f} MB: about {_rows(sampled, job.size_bytes)} rows, in "
        f"{sample.counted(extents)} of up to {job.read_options.extent_bytes / 1e6:.0f} MB, which are read twice",
        *(f"  {name}: {score:g}  {text[:EXCERPT_CHARACTERS]!r}" for name, score, text in rated[:SHOWN_ROWS]),
        f"a sample of {sampled.rows:,} rows: {len(rated):,} rated, {_rejected(sampled)}",
        *(_rehearse_unrated(job, job.unrated) if job.unrated else ()),
        "nothing was written",
    ]


def _rehearse_unrated(job: Job, unrated: Unrated) -> list[str]:
    sampled, read = _read_unrated_sample(unrated)
    texts = sum(len(reviews.ids) for reviews in read)
    return [
        f"--unrated: {len(unrated.found):,} files, {unrated.size_bytes / 1e6:,.1f} MB: about "
        f"{_rows(sampled, unrated.size_bytes)} rows, of which up to {job.settings.unrated_rows:,} texts are taken",
        f"a sample of {sampled.rows:,} rows: {texts:,} with a text, {_rejected(sampled)}",
    ]


def _rows(sampled: SampledRows, size_bytes: int) -> str:
    return f"{round(sampled.rows * size_bytes / max(sampled.stored_bytes, 1)):,}"


def _rejected(sampled: SampledRows) -> str:
    share = sampled.by_reason.total() / max(sampled.rows, 1)
    return f"{share:.1%} would be rejected{phrases.format_counts(sampled.by_reason)}"
