"""Turns an archive of rated reviews into training examples, a vocabulary and a transform graph.

    python -m beam_pipelines.preprocess --input 'reviews/*.csv.gz' --output prepared \\
        --text_column review_content --score_column review_score --embeddings glove.6B.100d.txt

The archive is read twice and never held: the first pipeline reads the scores, writes the rejects
and counts the tokens of the training split; the vocabulary is then chosen; the second applies it.
With --phase, each of the three is run by itself.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from beam_pipelines.commands import entry, flags, job_folder, job_lock
from beam_pipelines.preparing.settings import MODULE, PreprocessSettings
from beam_pipelines.reporting import phrases

if TYPE_CHECKING:
    from apache_beam.options.pipeline_options import PipelineOptions

    from beam_pipelines.artifacts.prepared import Statistics

AFTER_INTERRUPTION = "with --overwrite, the same command begins anew"


def run(settings: PreprocessSettings, options: PipelineOptions) -> Statistics | None:
    """Runs the job and returns its statistics; None of a phase that others follow, or that nobody waits for.

    Raises:
      UserError: Something in the settings or the archive is to be mended.
    """
    from beam_pipelines.archive import inputs
    from beam_pipelines.execution import remote_checks, runners
    from beam_pipelines.preparing import rehearsal
    from beam_pipelines.preparing.job import CHOOSE, COUNTED, UNRATED_INPUTS, Job

    # The vectors are read by this process alone.
    reads = [("--input", path) for path in settings.input] + [("--unrated", path) for path in settings.unrated]
    remote_checks.check_paths(options, reads=reads, writes=[("--output", settings.output)])
    if settings.no_wait:
        remote_checks.check_outlives(options)
    job = Job.of(settings)
    if settings.dry_run:
        print("\n".join(rehearsal.rehearse(job)))
        return None
    by_phases = settings.phase or settings.finish
    with job_lock.only_job(job.folder):
        job.claim()
        unless = f"{COUNTED}/*" if by_phases else None
        # A phase that goes on with what others have left leaves it to them, whatever becomes of it.
        freed = job_folder.freed_on_failure(job.folder, unless=unless, also=(inputs.INPUTS, UNRATED_INPUTS))
        with contextlib.nullcontext() if job.goes_on else freed:
            if not job.goes_on:
                rehearsal.check_samples(job)
            if settings.phase != CHOOSE and runners.work_here(options):
                # Only now, since TensorFlow takes seconds to import: a wrong column is answered before.
                entry.import_tensorflow()
            from beam_pipelines.preparing import pipeline

            if settings.finish:
                return pipeline.finish(job, 0.0, {})
            try:
                return pipeline.run(job, options)
            finally:
                if not by_phases:
                    job.clear_counted()


def closing_lines(statistics: Statistics, output: str) -> str:
    """What the command says in the end."""
    from beam_pipelines.archive import hints

    rows, vocabulary = statistics.rows, statistics.vocabulary
    share = vocabulary.share_of_tokens_with_vector
    covered = f", {share:.1%} of the tokens have a vector" if statistics.settings.get("embeddings") else ""
    lines = (
        f"{rows.read:,} rows read: {rows.kept:,} kept{phrases.format_counts(rows.kept_by_split)}, "
        f"{rows.rejected:,} rejected{phrases.format_counts(rows.rejected_by_reason)}, "
        f"{rows.skipped:,} skipped{phrases.format_counts(rows.skipped_by_reason)}\n"
        f"tokens a review: {statistics.tokens_per_review['mean']:.0f} on average; vocabulary {vocabulary.size:,}"
        f"{covered}\n"
        f"{statistics.seconds} s; examples, transform graph and statistics lie in {output}"
    )
    told = [lines, *hints.remark_lines(rows.remarks or {}, rows.read)]
    if unrated := statistics.unrated:
        told += [
            f"--unrated: {unrated.read:,} rows read: {unrated.used:,} used, {unrated.rejected:,} rejected"
            f"{phrases.format_counts(unrated.rejected_by_reason)}, {unrated.left_out:,} left out"
            f"{phrases.format_counts(unrated.left_out_by_reason)}",
            *(f"--unrated: {line}" for line in hints.remark_lines(unrated.remarks or {}, unrated.read)),
        ]
    return "\n".join(told)


def main(argv: list[str] | None = None, program: str = f"python -m {MODULE}") -> int:
    settings, others = flags.parse(PreprocessSettings, program, argv)
    from beam_pipelines.archive import rejects
    from beam_pipelines.execution import runners

    options = runners.options_of(others, PreprocessSettings, program)
    statistics = run(settings, options)
    if statistics is None:
        return 0
    print(closing_lines(statistics, settings.output))
    unrated = statistics.unrated
    damaged = {**(statistics.rows.damaged or {}), **((unrated and unrated.damaged) or {})}
    rejects.check_damage(damaged, settings.damaged_files, way="add --overwrite")
    return 0


if __name__ == "__main__":
    entry.run_command(main, after_interruption=AFTER_INTERRUPTION)
