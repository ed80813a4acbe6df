"""The scoring job at work: one pipeline from extents to shards and their totals, then the summary of these.

An extent becomes one shard. A shard that stands is an extent that is done, so a job that was interrupted goes on by
leaving these out.
"""

import time

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions

from beam_pipelines.archive.finding.found_files import FoundFile
from beam_pipelines.archive.list_extents import ListExtents
from beam_pipelines.artifacts.exports import ExportInfo
from beam_pipelines.commands import entry, job_folder, progress
from beam_pipelines.errors import UserError, logger
from beam_pipelines.execution import counters, handing_over, jobs
from beam_pipelines.files import leases
from beam_pipelines.scoring.extent_writer import ShardOptions
from beam_pipelines.scoring.job import Job
from beam_pipelines.scoring.score_extents import ScoreExtents
from beam_pipelines.scoring.score_rows import RowOptions
from beam_pipelines.scoring.shards import NewlyFinished
from beam_pipelines.scoring.summary import job_summary, job_totals, report
from beam_pipelines.scoring.summary.job_summary import RunMetrics, Summary
from beam_pipelines.scoring.summary.statistics import StatisticsOptions


def build(root: beam.Pipeline, job: Job, *, engine: str) -> None:
    """Adds the whole job: list the extents, score each, and sum up what became of their rows."""
    finished = (
        root
        | "Extents" >> ListExtents(job.folder, job.read_options, rounds=job.rounds, first=job.first)
        | "Score" >> beam.ParDo(score_extents(job, engine))
    )
    _ = (
        finished
        | "Sum" >> beam.CombineGlobally(job_totals.SumExtents(job.first, len(job.found)))
        | "WriteTotals" >> beam.Map(job_totals.write_totals, job.folder)
    )
    _ = (
        finished
        | "Files" >> beam.FlatMap(job_totals.by_part)
        | "SumFiles" >> beam.CombinePerKey(job_totals.sum_files)
        | "AllFiles" >> beam.GroupBy(lambda part: None)
        | "Parts" >> beam.Values()
        | "WriteFiles" >> beam.Map(job_totals.write_by_file, job.folder, job.first)
    )


def score_extents(job: Job, engine: str) -> ScoreExtents:
    settings = job.settings
    return ScoreExtents(
        job.export,
        engine=engine,
        server=job.server,
        carried=job.carried,
        read_options=job.read_options,
        row_options=RowOptions(
            text_column=settings.text_column, explain=settings.explain, empty_text=settings.empty_text
        ),
        shard_options=ShardOptions(
            shards=job.shards,
            with_raw=not settings.no_text_in_rejects,
            statistics=StatisticsOptions(
                text_column=settings.text_column,
                id_column=settings.id_column,
                score_column=settings.score_column,
                show_texts=not settings.no_text_in_reports,
                show_rejects=not (settings.no_text_in_reports or settings.no_text_in_rejects),
            ),
        ),
    )


def run(job: Job, options: PipelineOptions, started: float) -> tuple[Summary, RunMetrics] | None:
    """Runs the job in its claimed folder; `summary.json` is written last.

    Args:
      job: That can begin.
      options: Beam's.
      started: When the command was, by `time.monotonic`.

    Returns:
      What it all did, and what this run of it took; None of a job that nobody waits for.
    """
    files = len(job.found) - job.first
    logger.info("scoring %d files, %.1f MB, with version %d", files, job.size_bytes / 1e6, job.export.version)
    newly_finished = NewlyFinished(job.shards)
    done = newly_finished()
    # Those of earlier rounds are no part of this one.
    of_round = [extent for extent in done.values() if extent.begin[0] >= job.first]
    if of_round:
        logger.info("%d extents are done already", len(of_round))
    # Another engine's scores are equal up to rounding only, so a job stays with the one that it has.
    engines = [engine for extent in done.values() for engine in extent.statistics.engines]
    pipeline = beam.Pipeline(options=options)
    build(pipeline, job, engine=next(iter(engines), job.settings.engine))
    job_totals.forget(job.folder, job.first)
    entry.start_collector()
    try:
        where_to_look = jobs.where_to_look(options)
        with progress.Monitor(newly_finished, job.size_bytes, of_round, where_to_look=where_to_look):
            then = job.finishing_command
            submitted = handing_over.hand_over(pipeline, job.folder, no_wait=job.settings.no_wait, then=then)
            if submitted is None:
                return None
            handing_over.wait(submitted, job.folder)
    except (UserError, KeyboardInterrupt):
        raise  # What the command ends with says itself what is to be mended first, or how it goes on.
    except BaseException:
        logger.error("stopped; with --resume, the same command goes on from here")
        raise
    counts = counters.read(submitted.result)
    run_metrics = RunMetrics.of(counts, counters.seconds_by_stage(counts), time.monotonic() - started)
    return finish(job.folder, job.found, job.export.info, run_metrics), run_metrics


def finish(folder: str, found: list[FoundFile], info: ExportInfo, run_metrics: RunMetrics | None) -> Summary:
    """Writes the summary and the report from the totals that pipelines have left.

    Args:
      folder: The job's.
      found: The files of the archive.
      info: What the model's export says of itself.
      run_metrics: What this run took; None where the job ran elsewhere.

    Raises:
      UserError: The job has not ended.
    """
    rounds = job_totals.read_totals(folder)
    totals = job_totals.together(rounds, len(found))
    if totals is None:
        raise UserError(f"the job in {folder} has not written its totals: wait for its end, or go on with --resume")
    by_file = job_totals.read_by_file(folder, rounds) if len(found) <= job_summary.MOST_FILES else {}
    summarised = job_summary.summarise(totals, by_file, found, info)
    for note in totals.statistics.notes:
        logger.warning("%s", note)
    job_folder.clear_submitted(folder)
    manifest = job_folder.update_manifest(folder, engines=summarised.engines)
    report.write(folder, summarised, run_metrics, manifest)
    job_summary.write(folder, summarised, run_metrics, manifest)
    leases.clear_temporary(folder)
    if not summarised.rows_read:
        logger.warning("no row at all: all %d files are empty, or have a header alone", len(found))
    return summarised
