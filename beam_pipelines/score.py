"""Scores every review of an archive with an exported model.

    python -m beam_pipelines.score --input 'dump/*.csv' --model trained --output scored --text_column text

Reads the archive block by block; a block becomes one shard of scores, whose names in order give the
order of the input. Rows that cannot be scored are written to `rejected/` with their reason. A job
that was interrupted goes on with `--resume`: a shard that stands is a block that is done.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from beam_pipelines.commands import entry, flags, job_folder, job_lock
from beam_pipelines.reporting import phrases
from beam_pipelines.scoring.settings import MODULE, ScoreSettings

if TYPE_CHECKING:
    from apache_beam.options.pipeline_options import PipelineOptions

    from beam_pipelines.scoring.summary.job_summary import RunMetrics, Summary

AFTER_INTERRUPTION = "with --resume and without --overwrite, the same command goes on from here"


def run(settings: ScoreSettings, options: PipelineOptions) -> tuple[Summary, RunMetrics]:
    """Runs the job and returns the summary of it all and what this run of it took.

    Raises:
      UserError: Something in the settings or the archive is to be mended.
    """
    started = time.monotonic()
    from beam_pipelines.execution import remote_checks
    from beam_pipelines.scoring.job import Job

    reads = [*(("--input", path) for path in settings.input), ("--model", settings.model)]
    remote_checks.check_paths(options, reads=reads, writes=[("--output", settings.output)])
    job = Job.of(settings)
    with job_lock.only_job(job.folder):
        job.claim()
        with job_folder.freed_on_failure(job.folder, unless="scores/*"):
            # Only now, since TensorFlow takes seconds to import: a wrong column is answered before.
            entry.import_tensorflow()
            from beam_pipelines.scoring import pipeline

            return pipeline.run(job, options, started)


def closing_lines(settings: ScoreSettings, summary: Summary, run: RunMetrics) -> str:
    """What the command says in the end."""
    from beam_pipelines.archive import hints
    from beam_pipelines.scoring.summary.report import off_scale

    lines = [
        f"{summary.rows_read:,} rows read: {summary.rows_scored:,} scored, {summary.rows_rejected:,} rejected"
        f"{phrases.format_counts(summary.rejected_by_reason)}",
        f"this run: {run.rows_scored:,} rows scored and {run.rows_rejected:,} rejected in {run.seconds} s, "
        f"{run.rows_per_second:,.0f} rows/s, engine {' and '.join(summary.engines) or 'not needed'}",
        *([" ".join(summary.drift)] if summary.drift else []),
        *([summary.verdict] if summary.verdict else []),
    ]
    if summary.columns_left_out:
        lines.append(
            "--keep_columns * took the keys of the first rows of each file; later ones were left out"
            f"{phrases.format_counts(summary.columns_left_out)}: name them"
        )
    if settings.explain and summary.rows_scored:
        lines.append(f"explained_score lies {summary.explained_gap_mean:.3g} from score on average")
    if settings.score_column and not summary.rows_with_true_score:
        on_scale = f"a number from {summary.score_min:g} to {summary.score_max:g}"
        lines.append(f"no row has {on_scale} in the column {settings.score_column!r}, so the error is not known")
    elif settings.score_column:
        lines.append(
            f"on {summary.rows_with_true_score:,} rows with a true score: mean absolute error {summary.mae:.3g}, "
            f"{summary.coverage:.0%} in their {summary.interval_share:.0%} interval"
        )
    lines += off_scale(summary)
    lines += hints.remark_lines(summary.remarks, summary.rows_read)
    if summary.rows_read:
        lines.append(f"the scores lie in {settings.output}/scores")
    lines.append(f"the report is {settings.output}/report.html")
    return "\n".join(lines)


def main(argv: list[str] | None = None, program: str = f"python -m {MODULE}") -> int:
    settings, others = flags.parse(ScoreSettings, program, argv)
    from beam_pipelines.archive import rejects
    from beam_pipelines.execution import runners

    options = runners.options_of(others, ScoreSettings, program)
    summary, run_metrics = run(settings, options)
    print(closing_lines(settings, summary, run_metrics))
    rejects.check_share(
        summary.rejected_by_reason,
        summary.remarks,
        summary.rows_read,
        allowed=settings.max_rejected_share,
        output=settings.output,
    )
    return 0


if __name__ == "__main__":
    entry.run_command(main, after_interruption=AFTER_INTERRUPTION)
