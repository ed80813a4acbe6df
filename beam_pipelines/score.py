"""Scores every review of an archive with an exported model.

    python -m beam_pipelines.score --input 'dump/*.csv' --model trained --output scored --text_column text

Reads the archive block by block; a block becomes one shard of scores, whose names in order give the
order of the input. Rows that cannot be scored are written to `rejected/` with their reason.
"""

import dataclasses
import time

from beam_pipelines import flags, job_folder, storage
from beam_pipelines.archive import inputs
from beam_pipelines.flags import UserError, logger
from beam_pipelines.score_settings import MODULE, ScoreSettings

OUTPUTS = ["scores/*", "rejected/*.jsonl", "statistics/*.json", "report.html", "summary.json"]


def build(root, files: list[inputs.InputFile], settings: ScoreSettings, export, folder: str) -> None:
    """Adds the whole job: read a block, score it, write its rejects, its statistics and its scores."""
    import apache_beam as beam

    from beam_pipelines.archive.source import ReadBlocks
    from beam_pipelines.scoring import steps

    _ = (
        root
        | "Blocks" >> ReadBlocks(files, settings.columns, settings.max_field_mb)
        | "Score" >> beam.ParDo(steps.ScoreBlock(settings, export))
        | "Write" >> beam.Map(steps.write, settings=settings, export=export, folder=folder)
    )


def run(settings: ScoreSettings, options) -> dict:
    """Runs the job and returns its summary; `summary.json` is written last.

    Raises:
      UserError: Something in the settings or the archive is to be mended.
    """
    started = time.monotonic()
    folder = storage.absolute(settings.output)
    from beam_pipelines.archive import readers

    files = inputs.find(settings.input, settings.input_format)
    readers.check_columns(files, settings.columns)

    import apache_beam as beam

    from beam_pipelines import exports
    from beam_pipelines.scale import Scale
    from beam_pipelines.scoring import report as page
    from beam_pipelines.scoring import shards, summary, work

    shards.check_names(settings)
    export = exports.find(settings.model)
    if settings.engine == "compiled" and not export.about["model"].endswith("cnn"):
        raise UserError(f"--engine compiled: a {export.about['model']} has no compiled form; use saved_model")
    size_mb = sum(file.size_bytes for file in files) / 1e6
    described = job_folder.manifest(
        MODULE,
        settings,
        OUTPUTS,
        model_version=export.version,
        model_digest=export.digest,
        inputs=[dataclasses.asdict(file) for file in files],
    )
    reads = [export.path, *(file.path for file in files)]
    job_folder.claim(folder, described, overwrite=settings.overwrite, reads=reads)
    flags.import_tensorflow()
    logger.info("scoring %d files, %.1f MB, with version %d", len(files), size_mb, export.version)
    with beam.Pipeline(options=options) as root:
        build(root, files, settings, export, folder)
    seconds = time.monotonic() - started
    report = {
        **summary.summarise(folder, files, export, work.this_run(root.result, seconds)),
        "seconds": round(seconds, 1),
        **described,
    }
    page.write(folder, report, Scale(export.about["score_min"], export.about["score_max"]))
    storage.write_json(folder, "summary.json", report)
    storage.clear_temporary(folder)
    return report


def main(argv=None) -> int:
    settings, others = flags.parse(ScoreSettings, MODULE, argv)
    options = flags.beam_options(others, ScoreSettings, MODULE)
    report = run(settings, options)
    print(
        f"{report['rows_read']:,} rows read: {report['rows_scored']:,} scored, {report['rows_rejected']:,} rejected"
        f"{flags.in_brackets(report['rejected_by_reason'])}\n"
        f"{report['seconds']} s, engine {' and '.join(report['engines']) or 'not needed'}; "
        f"the scores lie in {settings.output}/scores"
    )
    if report["drift"]:
        print(" ".join(report["drift"]))
    if settings.explain and report["rows_scored"]:
        print(f"explained_score lies {report['explained_gap_mean']:.3g} from score on average")
    if settings.score_column and not report["rows_with_true_score"]:
        print(f"no row has a number in the column {settings.score_column!r}, so the error is not known")
    elif settings.score_column:
        print(
            f"on {report['rows_with_true_score']:,} rows with a true score: mean absolute error {report['mae']:.3g}, "
            f"{report['coverage']:.0%} in their {report['interval_share']:.0%} interval"
        )
    from beam_pipelines.archive import rejects

    rejects.check_share(report["rejected_by_reason"], report["rows_read"], settings.max_rejected_share, settings.output)
    return 0


if __name__ == "__main__":
    flags.run(main)
