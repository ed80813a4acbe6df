"""Scores every review of an archive with an exported model.

    python -m beam_pipelines.score --input 'dump/*.csv' --model trained --output scored --text_column text

Reads the archive block by block; a block becomes one shard of scores, whose names in order give the
order of the input. Rows that cannot be scored are written to `rejected/` with their reason. A job
that was interrupted goes on with `--resume`: a shard that stands is a block that is done.
"""

import dataclasses
import time

from beam_pipelines.archive import inputs
from beam_pipelines.archive.block_names import BLOCK_GLOBS
from beam_pipelines.archive.read_options import ReadOptions
from beam_pipelines.commands import entry, flags, job_folder, progress
from beam_pipelines.errors import UserError, logger
from beam_pipelines.files import storage
from beam_pipelines.reporting import phrases
from beam_pipelines.scoring.settings import MODULE, ScoreSettings

OUTPUTS = [
    *(f"scores/{block}.{extension}" for block in BLOCK_GLOBS for extension in ("parquet", "jsonl", "csv")),
    *(f"rejected/{block}.jsonl" for block in BLOCK_GLOBS),
    *(f"statistics/{block}.json" for block in BLOCK_GLOBS),
    "summary.json",
    "report.html",
]


@dataclasses.dataclass(frozen=True)
class Job:
    """A job that can begin: everything that could be wrong with it before has been looked at.

    Attributes:
      settings: What was asked for.
      files: The archive.
      read_options: How it is read.
      kept: The columns that are carried along.
      export: The model.
      folder: Where it writes.
    """

    settings: ScoreSettings
    files: list[inputs.InputFile]
    read_options: ReadOptions
    kept: tuple
    export: object
    folder: str

    @classmethod
    def of(cls, settings: ScoreSettings) -> "Job":
        """Looks at the archive and at the model.

        Raises:
          UserError: Something in the settings or the archive is to be mended.
        """
        from beam_pipelines.archive import blocks, columns
        from beam_pipelines.artifacts import exports
        from beam_pipelines.scoring import carried_columns, shards

        files = inputs.find(settings)
        read_options = ReadOptions.of(settings, (settings.text_column,), blocks.block_bytes(files))
        found = columns.columns_by_file(files, read_options)
        present = [name for one in found.values() for name in one.names]
        carried = carried_columns.choose(settings.keep_columns, present, settings.id_column)
        shards.check_names(carried, explain=settings.explain, more=() if settings.id_column else (shards.ROW_ID,))
        as_text = (settings.text_column, settings.id_column, settings.score_column)
        wanted = [settings.text_column, *(one.source for one in carried), settings.score_column]
        read_options = dataclasses.replace(
            read_options,
            columns=tuple(dict.fromkeys(name for name in wanted if name)),
            all_columns=carried_columns.takes_all(settings.keep_columns),
            binary=tuple(one.source for one in carried if one.source not in as_text),
        )
        columns.require(found, read_options.columns)
        carried_columns.check_types(carried, found)
        export = exports.find(settings.model)
        return cls(settings, files, read_options, carried, export, storage.absolute(settings.output))

    @property
    def size_bytes(self) -> int:
        return sum(file.size_bytes for file in self.files)

    def manifest(self) -> dict:
        """What the output folder says of it; a job with an equal fingerprint writes equal shards."""
        outcome = {
            "model_version": self.export.version,
            "model_digest": self.export.digest,
            "settings": self.settings.outcome,
            "columns": list(self.read_options.columns),
            "block_bytes": self.read_options.block_bytes,
            "inputs": {
                file.label: {"place": file.index, "bytes": file.size_bytes, "modified": file.modified}
                for file in self.files
            },
        }
        return job_folder.manifest(MODULE, self.settings, OUTPUTS, fingerprint=outcome)

    def with_engine(self, engine: str) -> "Job":
        return dataclasses.replace(self, settings=dataclasses.replace(self.settings, engine=engine))

    def claim(self) -> None:
        """Takes the output folder, or goes on in it."""
        reads = [self.export.path, *(file.path for file in self.files)]
        settings = self.settings
        job_folder.claim(
            self.folder, self.manifest(), overwrite=settings.overwrite, resume=settings.resume, reads=reads
        )


def build(root, job: Job, done: dict[str, int | None]) -> None:
    """Adds the whole job: read a block, score it, write its rejects, its statistics and its scores."""
    import apache_beam as beam

    from beam_pipelines.archive.read_blocks import ReadBlocks
    from beam_pipelines.scoring import score_block

    _ = (
        root
        | "Blocks" >> ReadBlocks(job.files, job.read_options, done)
        | "Score" >> beam.ParDo(score_block.ScoreBlock(job.settings, job.kept, job.export))
        | "Write" >> beam.Map(score_block.write, settings=job.settings, export=job.export, folder=job.folder)
    )


def run(settings: ScoreSettings, options) -> dict:
    """Runs the job and returns its summary; `summary.json` is written last.

    Raises:
      UserError: Something in the settings or the archive is to be mended.
    """
    started = time.monotonic()
    job = Job.of(settings)
    job.claim()
    with job_folder.freed_on_failure(job.folder, unless="scores/*"):
        return _run(job, options, started)


def _run(job: Job, options, started: float) -> dict:
    settings = job.settings
    entry.import_tensorflow()
    import apache_beam as beam

    from beam_pipelines.artifacts.scale import Scale
    from beam_pipelines.execution import counters, runners
    from beam_pipelines.scoring import shards
    from beam_pipelines.scoring.engines import metrics
    from beam_pipelines.scoring.summary import report as page
    from beam_pipelines.scoring.summary import totals

    logger.info("scoring %d files, %.1f MB, with version %d", len(job.files), job.size_bytes / 1e6, job.export.version)
    newly = shards.Newly(job.folder, settings.output_format)
    done = newly()
    if done:
        logger.info("%d blocks are done already", len(done))
        # Another engine's scores are equal up to rounding only, so the job stays with the one that it has.
        job = job.with_engine(next(iter(done.values())).engine)
    pipeline = beam.Pipeline(options=options)
    build(pipeline, job, {name: block.end for name, block in done.items()})
    entry.start_collector()
    try:
        with progress.Monitor(newly, job.size_bytes, done.values()):
            result = runners.run(pipeline)
    except BaseException as error:
        # What the person has to mend first is told by the error itself.
        if not isinstance(error, UserError):
            logger.error("stopped; with --resume, the same command goes on from here")
        raise
    names = shards.finished(job.folder, settings.output_format)
    blocks_told = (block for _, block in shards.read_statistics(job.folder, names))
    summarised = totals.summarise(blocks_told, job.files, job.export)
    job_folder.update_manifest(job.folder, engines=summarised["engines"])
    report = {
        **summarised,
        "this_run": metrics.this_run(counters.read(result), time.monotonic() - started),
        **job_folder.read(job.folder),
    }
    page.write(job.folder, report, Scale(job.export.about["score_min"], job.export.about["score_max"]))
    storage.write_json(job.folder, "summary.json", report)
    storage.clear_temporary(job.folder)
    return report


def told(settings: ScoreSettings, report: dict) -> str:
    """What the command says in the end."""
    from beam_pipelines.scoring.summary.report import off_scale

    run = report["this_run"]
    lines = [
        f"{report['rows_read']:,} rows read: {report['rows_scored']:,} scored, {report['rows_rejected']:,} rejected"
        f"{phrases.format_counts(report['rejected_by_reason'])}",
        f"this run: {run['rows_scored']:,} rows scored and {run['rows_rejected']:,} rejected in {run['seconds']} s, "
        f"{run['rows_per_second']:,.0f} rows/s, engine {' and '.join(report['engines']) or 'not needed'}",
        *([" ".join(report["drift"])] if report["drift"] else []),
    ]
    if report["columns_left_out"]:
        lines.append(
            "--keep_columns * took the keys of the first rows of each file; later ones were left out"
            f"{phrases.format_counts(report['columns_left_out'])}: name them"
        )
    if settings.explain and report["rows_scored"]:
        lines.append(f"explained_score lies {report['explained_gap_mean']:.3g} from score on average")
    if settings.score_column and not report["rows_with_true_score"]:
        on_scale = f"a number from {report['score_min']:g} to {report['score_max']:g}"
        lines.append(f"no row has {on_scale} in the column {settings.score_column!r}, so the error is not known")
    elif settings.score_column:
        lines.append(
            f"on {report['rows_with_true_score']:,} rows with a true score: mean absolute error {report['mae']:.3g}, "
            f"{report['coverage']:.0%} in their {report['interval_share']:.0%} interval"
        )
    lines += off_scale(report)
    if report["rows_read"]:
        lines.append(f"the scores lie in {settings.output}/scores")
    lines.append(f"the report is {settings.output}/report.html")
    return "\n".join(lines)


def main(argv=None) -> int:
    settings, others = flags.parse(ScoreSettings, MODULE, argv)
    from beam_pipelines.execution import runners

    options = runners.options_of(others, ScoreSettings, MODULE)
    report = run(settings, options)
    print(told(settings, report))
    from beam_pipelines.archive import rejects

    rejects.check_share(report["rejected_by_reason"], report["rows_read"], settings.max_rejected_share, settings.output)
    return 0


if __name__ == "__main__":
    entry.run_command(main)
