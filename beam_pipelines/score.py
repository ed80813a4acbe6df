"""Scores every review of an archive with an exported model.

    python -m beam_pipelines.score --input 'dump/*.csv' --model trained --output scored --text_column text

Reads the archive in extents: parts of large files, or some small files in a row. Each becomes one shard
of scores, whose names in order give the order of the input. Rows that cannot be scored are written to
`rejected/` with their reason. A job that was interrupted goes on with `--resume`: a shard that stands is
an extent that is done.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from beam_pipelines.commands import entry, flags, job_folder, job_lock
from beam_pipelines.errors import UserError, logger
from beam_pipelines.reporting import phrases
from beam_pipelines.scoring.settings import MODULE, ScoreSettings

if TYPE_CHECKING:
    from apache_beam.options.pipeline_options import PipelineOptions

    from beam_pipelines.scoring.job import Job
    from beam_pipelines.scoring.summary.job_summary import RunMetrics, Summary

AFTER_INTERRUPTION = "with --resume and without --overwrite, the same command goes on from here"


def run(settings: ScoreSettings, options: PipelineOptions) -> tuple[Summary, RunMetrics | None] | None:
    """Runs the job and returns the summary of it all and what this run of it took; None where nobody waits for it.

    Raises:
      UserError: Something in the settings or the archive is to be mended.
    """
    started = time.monotonic()
    from beam_pipelines.archive import inputs, sample
    from beam_pipelines.execution import remote_checks
    from beam_pipelines.scoring.job import Job

    if settings.finish:
        return finish(settings), None
    reads = [
        *(("--input", path) for path in settings.input),
        *(("--model", settings.model), ("--server_token_file", settings.server_token_file)),
        ("--server_ca_file", settings.server_ca_file),
    ]
    remote_checks.check_paths(options, reads=reads, writes=[("--output", settings.output)])
    if settings.no_wait:
        remote_checks.check_outlives(options)
    job = Job.of(settings)
    if settings.dry_run:
        entry.import_tensorflow()
        from beam_pipelines.scoring import rehearsal

        print("\n".join(rehearsal.rehearse(job)))
        return None
    with job_lock.only_job(job.folder):
        job.claim()
        if job.is_done:
            logger.info("no file is new since the job in %s: there is nothing to add", job.folder)
            return _finish_if_open(job)
        with job_folder.freed_on_failure(job.folder, unless="scores/*", also=(inputs.INPUTS,)):
            # Only now, since TensorFlow takes seconds to import: a wrong column is answered before.
            entry.import_tensorflow()
            from beam_pipelines.scoring import pipeline, rehearsal

            if job.size_bytes > sample.WORTH_BYTES and not (settings.resume and job.goes_on):
                rehearsal.check_sample(job)
            job.list_inputs()
            return pipeline.run(job, options, started)


def _finish_if_open(job: Job) -> tuple[Summary, None] | None:
    """Writes the summary of a job that was stopped between its last shard and that."""
    from beam_pipelines.files import storage
    from beam_pipelines.scoring.summary import job_summary

    if storage.exists(storage.join(job.folder, job_summary.SUMMARY)):
        return None
    entry.import_tensorflow()
    from beam_pipelines.scoring import pipeline

    return pipeline.finish(job.folder, job.found, job.export.info, None), None


def finish(settings: ScoreSettings) -> Summary:
    """Writes the summary of a job that has ended.

    Raises:
      UserError: There is none in the folder, it has not ended, or the model is another one.
    """
    from beam_pipelines.archive import inputs
    from beam_pipelines.artifacts import exports
    from beam_pipelines.files import storage

    folder = storage.absolute(settings.output)
    manifest = job_folder.read(folder)
    if manifest is None or manifest["command"] != MODULE:
        raise UserError(f"--finish: no job has written to --output {folder}")
    export, version = exports.find(settings.model), manifest["fingerprint"]["model_version"]
    if export.info.digest != manifest["fingerprint"]["model_digest"]:
        raise UserError(f"--finish: the job in {folder} has scored with version {version}; name that with --model")
    entry.import_tensorflow()
    from beam_pipelines.scoring import pipeline

    with job_lock.only_job(folder):
        return pipeline.finish(folder, inputs.read(folder), export.info, None)


def closing_lines(settings: ScoreSettings, summary: Summary, run: RunMetrics | None) -> str:
    """What the command says in the end."""
    from beam_pipelines.archive import hints
    from beam_pipelines.scoring.summary.report import off_scale

    lines = [
        f"{summary.rows_read:,} rows read: {summary.rows_scored:,} scored, {summary.rows_rejected:,} rejected"
        f"{phrases.format_counts(summary.rejected_by_reason)}",
        *([_line_of_run(run, summary)] if run else []),
        *([" ".join(summary.drift)] if summary.drift else []),
        *([summary.verdict] if summary.verdict else []),
    ]
    if summary.columns_left_out:
        lines.append(
            "--keep_columns * took the columns that were seen before the work; others were left out"
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


def _line_of_run(run: RunMetrics, summary: Summary) -> str:
    return (
        f"this run: {run.rows_scored:,} rows scored and {run.rows_rejected:,} rejected in {run.seconds} s, "
        f"{run.rows_per_second:,.0f} rows/s, engine {' and '.join(summary.engines) or 'not needed'}"
    )


def main(argv: list[str] | None = None, program: str = f"python -m {MODULE}") -> int:
    settings, others = flags.parse(ScoreSettings, program, argv)
    from beam_pipelines.archive import rejects
    from beam_pipelines.execution import runners

    options = runners.options_of(others, ScoreSettings, program)
    ended = run(settings, options)
    if ended is None:
        return 0
    summary, run_metrics = ended
    print(closing_lines(settings, summary, run_metrics))
    rejects.check_damage(summary.damaged, settings.damaged_files, way="add --resume")
    rejects.check_share(
        summary.rejected_by_reason,
        summary.remarks,
        summary.rows_read,
        allowed=settings.max_rejected_share,
        output=settings.output,
        unread_share=summary.unread_bytes / max(summary.stored_bytes, 1),
    )
    return 0


if __name__ == "__main__":
    entry.run_command(main, after_interruption=AFTER_INTERRUPTION)
