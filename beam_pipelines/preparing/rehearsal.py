"""A look at a sample before a preprocess job: what would be rejected, and what it would learn from."""

from beam_pipelines.archive import rejects, sample
from beam_pipelines.archive.sample import SampledRows
from beam_pipelines.preparing.job import Job
from beam_pipelines.preparing.reviews import Reviews, rated_reviews
from beam_pipelines.reporting import phrases

SHOWN_ROWS = 5
EXCERPT_CHARACTERS = 60


def check_sample(job: Job) -> None:
    """Stops a job before it costs hours.

    Raises:
      UserError: More than twice the allowed share of a sample would be rejected.
    """
    sampled, _ = _read_sample(job)
    allowed = job.settings.max_rejected_share
    rejects.check_sample(dict(sampled.by_reason), dict(sampled.remarks), sampled.rows, allowed=allowed)


def _read_sample(job: Job) -> tuple[SampledRows, list[Reviews]]:
    sampled, read = SampledRows(), []
    for block in sample.sample_blocks(job.found, job.read_options):
        reviews = rated_reviews(block, job.rules)
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
    share = sampled.by_reason.total() / max(sampled.rows, 1)
    rows = round(sampled.rows * job.size_bytes / max(sampled.stored_bytes, 1))
    return [
        f"{len(job.found):,} files, {job.size_bytes / 1e6:,.1f} MB: about {rows:,} rows, in "
        f"{sample.counted(extents)} of up to {job.read_options.extent_bytes / 1e6:.0f} MB, which are read twice",
        *(f"  {name}: {score:g}  {text[:EXCERPT_CHARACTERS]!r}" for name, score, text in rated[:SHOWN_ROWS]),
        f"a sample of {sampled.rows:,} rows: {len(rated):,} rated, {share:.1%} would be rejected"
        f"{phrases.format_counts(sampled.by_reason)}",
        "nothing was written",
    ]
