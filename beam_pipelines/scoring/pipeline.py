"""The scoring job at work: one pipeline from blocks to shards, then the summary of what they say.

A block becomes one shard. A shard that stands is a block that is done, so a job that was interrupted goes on by
leaving these out.
"""

import time

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions

from beam_pipelines.archive.read_blocks import ReadBlocks
from beam_pipelines.commands import entry, job_folder, progress
from beam_pipelines.errors import UserError, logger
from beam_pipelines.execution import counters, jobs, runners
from beam_pipelines.scoring import shards
from beam_pipelines.scoring.block_steps import ScoreBlock, ShardOptions, score_nothing, write_block
from beam_pipelines.scoring.job import Job
from beam_pipelines.scoring.score_rows import RowOptions
from beam_pipelines.scoring.shards import FinishedBlock
from beam_pipelines.scoring.summary import job_summary, report
from beam_pipelines.scoring.summary.block_statistics import StatisticsOptions
from beam_pipelines.scoring.summary.job_summary import RunMetrics, Summary


def build(root: beam.Pipeline, job: Job, *, engine: str, done: dict[str, int | None]) -> None:
    """Adds the whole job: read a block, score it, write its rejects, its statistics and its scores."""
    _ = (
        root
        | "Blocks" >> ReadBlocks(job.files, job.read_options, done)
        | "Score" >> beam.ParDo(_score_block(job, engine))
        | "Write" >> beam.Map(write_block, job.export, _shard_options(job))
    )


def _score_block(job: Job, engine: str) -> ScoreBlock:
    settings = job.settings
    options = RowOptions(text_column=settings.text_column, explain=settings.explain, empty_text=settings.empty_text)
    return ScoreBlock(job.export, engine=engine, carried=job.carried, options=options)


def _shard_options(job: Job) -> ShardOptions:
    settings = job.settings
    return ShardOptions(
        folder=job.folder,
        output_format=settings.output_format,
        with_raw=not settings.no_text_in_rejects,
        statistics=StatisticsOptions(
            text_column=settings.text_column,
            id_column=settings.id_column,
            score_column=settings.score_column,
            show_texts=not settings.no_text_in_reports,
            show_rejects=not (settings.no_text_in_reports or settings.no_text_in_rejects),
        ),
    )


def run(job: Job, options: PipelineOptions, started: float) -> tuple[Summary, RunMetrics]:
    """Runs the job in its claimed folder; `summary.json` is written last.

    Args:
      job: That can begin.
      options: Beam's.
      started: When the command was, by `time.monotonic`.
    """
    logger.info("scoring %d files, %.1f MB, with version %d", len(job.files), job.size_bytes / 1e6, job.export.version)
    newly_finished = shards.NewlyFinishedBlocks(job.folder, job.settings.output_format)
    done = newly_finished()
    if done:
        logger.info("%d blocks are done already", len(done))
    pipeline = beam.Pipeline(options=options)
    build(pipeline, job, engine=_engine(job, done), done={name: block.end for name, block in done.items()})
    entry.start_collector()
    try:
        where_to_look = jobs.where_to_look(options)
        with progress.Monitor(newly_finished, job.size_bytes, done.values(), where_to_look=where_to_look):
            result = runners.run(pipeline)
    except (UserError, KeyboardInterrupt):
        raise  # What the command ends with says itself what is to be mended first, or how it goes on.
    except BaseException:
        logger.error("stopped; with --resume, the same command goes on from here")
        raise
    counts = counters.read(result)
    return _finish(job, RunMetrics.of(counts, counters.seconds_by_stage(counts), time.monotonic() - started))


def _engine(job: Job, done: dict[str, FinishedBlock]) -> str:
    """The engine to run: another's scores are equal up to rounding only, so a job stays with the one that it has."""
    return next(iter(done.values())).engine if done else job.settings.engine


def _finish(job: Job, run_metrics: RunMetrics) -> tuple[Summary, RunMetrics]:
    """Sums up all blocks, those of earlier runs too, and writes the summary and the report."""
    names = shards.finished_blocks(job.folder, job.settings.output_format)
    statistics = (block for _, block in shards.read_statistics(job.folder, names))
    summarised = job_summary.summarise(statistics, job.files, job.export.info)
    if not names:
        # There is no row, as the summary has checked. Else whoever reads the scores would find no file, and no columns.
        nothing = score_nothing(job.files[0], job.read_options.columns, _score_block(job, job.settings.engine))
        write_block(nothing, job.export, _shard_options(job))
    manifest = job_folder.update_manifest(job.folder, engines=summarised.engines)
    report.write(job.folder, summarised, run_metrics, manifest)
    job_summary.write(job.folder, summarised, run_metrics, manifest)
    if not summarised.rows_read:
        logger.warning("no row at all: all %d files are empty, or have a header alone", len(job.files))
    return summarised, run_metrics
