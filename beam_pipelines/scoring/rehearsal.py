"""A look at a sample before a scoring job: what would be rejected, what it would score and cost."""

import io
import itertools
import time
from collections.abc import Iterator

import pyarrow as pa

from beam_pipelines.archive import rejects, sample
from beam_pipelines.archive.blocks import Block
from beam_pipelines.archive.rejects import Reject
from beam_pipelines.archive.sample import SampledRows
from beam_pipelines.reporting import phrases
from beam_pipelines.scoring import output_columns
from beam_pipelines.scoring.carried_columns import take_carried
from beam_pipelines.scoring.engines.scorer import Scorer
from beam_pipelines.scoring.engines.served_scorer import ServedScorer
from beam_pipelines.scoring.job import Job
from beam_pipelines.scoring.output_formats import TableWriter
from beam_pipelines.scoring.score_rows import RowOptions, score_rows

SHOWN_ROWS = 5
EXCERPT_CHARACTERS = 60
# Of CPU: enough to tell how long the rest takes.
SCORING_SECONDS = 10


def check_sample(job: Job) -> None:
    """Stops a job before it costs hours.

    Raises:
      UserError: More than twice the allowed share of a sample would be rejected.
    """
    sampled = SampledRows()
    for block in sample.sample_blocks(job.found[job.first :], job.read_options):
        sampled.add(block, _rejected(block, job), block.notes.remarks)
    allowed = job.settings.max_rejected_share
    rejects.check_sample(dict(sampled.by_reason), dict(sampled.remarks), sampled.rows, allowed=allowed)


def _rejected(block: Block, job: Job) -> list[Reject]:
    _, reasons = take_carried(block.rows, job.carried)
    if job.settings.empty_text == "reject":
        reasons |= rejects.empty_texts(block.rows.column(job.settings.text_column))
    return block.rejected(reasons)


def rehearse(job: Job) -> list[str]:
    """Scores a sample and tells what the job would do, a line each; nothing is written."""
    found, options = job.found[job.first :], job.read_options
    shown: list[str] = []
    tables: list[pa.Table] = []
    sampled, scored_bytes, seconds = SampledRows(), 0, 0.0
    scorer: Scorer | ServedScorer
    if job.server:
        scorer = ServedScorer(job.export, job.server, explain=job.settings.explain)
    else:
        scorer = Scorer(job.export, job.settings.engine)
    for block in sample.sample_blocks(found, options):
        sampled.add(block, _rejected(block, job), block.notes.remarks)
        if seconds > SCORING_SECONDS:
            continue
        if not tables:
            _score(block, job, scorer)  # What is compiled and loaded first is no part of the rest.
        started = time.process_time()
        lines, table = _score(block, job, scorer)
        seconds += time.process_time() - started
        shown += lines[: SHOWN_ROWS - len(shown)]
        tables.append(table)
        scored_bytes += block.stored_bytes
    written_bytes = _written_bytes(tables, job.settings.output_format)
    times = job.size_bytes / max(scored_bytes, 1)
    share = sampled.by_reason.total() / max(sampled.rows, 1)
    extents = sample.count_extents(found, options.extent_bytes)
    return [
        f"{len(found):,} files, {job.size_bytes / 1e6:,.1f} MB: {sample.counted(extents)} of up to "
        f"{options.extent_bytes / 1e6:.0f} MB, each of which becomes a shard of scores (more, if much is compressed)",
        *shown,
        f"a sample of {sampled.rows:,} rows: {share:.1%} would be rejected{phrases.format_counts(sampled.by_reason)}",
        f"about {times * seconds / 3600:.2g} core-hours and {times * written_bytes / 1e6:,.1f} MB of scores, as this "
        f"machine scored {scored_bytes / 1e6:.3g} MB with the engine {scorer.engine}",
        "nothing was written",
    ]


def _written_bytes(tables: list[pa.Table], output_format: str) -> int:
    """The size of scores as a shard."""
    if not tables:
        return 0
    sink = io.BytesIO()
    writer = TableWriter(sink, output_format)
    writer.write(pa.concat_tables(tables))
    writer.close()
    return sink.tell()


def _score(block: Block, job: Job, scorer: Scorer | ServedScorer) -> tuple[list[str], pa.Table]:
    """The scores of a block, a line each, and as they are written."""
    settings, info = job.settings, job.export.info
    options = RowOptions(text_column=settings.text_column, explain=settings.explain, empty_text=settings.empty_text)
    scored = score_rows(scorer, block.rows, job.carried, options)
    kept = block.reject(scored.reasons)
    table = output_columns.score_table(scored.carried, scored.results, job.export.version, info.scale)
    rows = zip(
        _names(kept, settings.id_column), _texts(kept, settings.text_column), *_scores(scored.results), strict=True
    )
    return [
        f"  {name}: {score:.3g} ({low:.3g} to {high:.3g})  {text[:EXCERPT_CHARACTERS]!r}"
        for name, text, score, low, high in itertools.islice(rows, SHOWN_ROWS)
    ], table


def _names(block: Block, id_column: str | None) -> list[str]:
    return block.row_names if id_column is None else [str(value) for value in block.rows.column(id_column).to_pylist()]


def _texts(block: Block, column: str) -> Iterator[str]:
    return (text or "" for text in block.rows.column(column).to_pylist())


def _scores(results: dict) -> tuple:
    return results["score"], results["score_low"], results["score_high"]
