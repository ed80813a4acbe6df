"""Turns an archive of rated reviews into training examples, a vocabulary and a transform graph.

    python -m beam_pipelines.preprocess --input 'reviews/*.csv.gz' --output prepared \\
        --text_column review_content --score_column review_score --embeddings glove.6B.100d.txt

The archive is read twice and never held: the first pipeline reads the scores, writes the rejects
and counts the tokens of the training split; the vocabulary is then chosen; the second applies it.
"""

import collections
import io
import time

import numpy as np

from beam_pipelines.archive import inputs
from beam_pipelines.archive.read_options import ReadOptions
from beam_pipelines.artifacts.scale import Scale
from beam_pipelines.commands import entry, flags, job_folder
from beam_pipelines.errors import UserError, logger
from beam_pipelines.files import storage
from beam_pipelines.preparing.settings import MODULE, PreprocessSettings
from beam_pipelines.reporting import phrases

OUTPUTS = [
    "train/*.tfrecord.gz",
    "validation/*.tfrecord.gz",
    "test/*.tfrecord.gz",
    "transform/*",
    "rejected/*.jsonl",
    "vectors.npy",
    "statistics.json",
]


def build_count(root, files: list[inputs.InputFile], settings: PreprocessSettings, folder: str) -> None:
    """Adds the first reading of the archive: rejects, counts of rows and of training tokens."""
    import apache_beam as beam

    from beam_pipelines.archive import rejects
    from beam_pipelines.preparing import counting, row_counts

    reviews = root | "Reviews" >> _read_reviews(files, settings)
    _ = reviews | "WriteRejects" >> beam.Map(
        lambda one: rejects.write_rejects(
            one.block, one.rejects, folder=folder, with_raw=not settings.no_text_in_rejects
        )
    )
    _ = (
        reviews
        | "CountRows" >> beam.Map(row_counts.count_rows)
        | "AddUpRows" >> beam.CombineGlobally(row_counts.add_up)
        | "WriteRows" >> beam.Map(_write_counts, folder=folder, name="rows")
    )
    counted = reviews | "CountTokens" >> beam.ParDo(counting.CountTokens(settings)).with_outputs("counts", "texts")
    _ = (
        counted.counts
        | "MergeCounts" >> beam.CombinePerKey(counting.MergeCounts())
        | "WriteCounts" >> beam.Map(counting.write_counts, folder=folder)
    )
    _ = (
        counted.texts
        | "MergeTexts" >> beam.CombinePerKey(counting.MergeHashes())
        | "WriteTexts" >> beam.Map(counting.write_hashes, folder=folder)
    )


def build_examples(
    root, files: list[inputs.InputFile], settings: PreprocessSettings, folder: str, first_trained_id: int
) -> None:
    """Adds the second reading: text to ids by the chosen vocabulary, examples into their splits."""
    import apache_beam as beam

    from beam_pipelines.preparing import examples, row_counts

    _ = (
        root
        | "Reviews" >> _read_reviews(files, settings)
        | "WithReviews" >> beam.Filter(lambda reviews: bool(reviews.ids))
        | "WriteExamples" >> beam.ParDo(examples.WriteExamples(settings, folder, first_trained_id))
        | "AddUpExamples" >> beam.CombineGlobally(row_counts.add_up)
        | "WriteExampleCounts" >> beam.Map(_write_counts, folder=folder, name="examples")
    )


def _read_reviews(files: list[inputs.InputFile], settings: PreprocessSettings):
    import apache_beam as beam

    from beam_pipelines.archive.read_blocks import ReadBlocks
    from beam_pipelines.preparing import reviews

    read = ReadBlocks(files, _read_options(files, settings))
    return read | "Rate" >> beam.Map(reviews.rated_reviews, settings)


def _read_options(files: list[inputs.InputFile], settings: PreprocessSettings) -> ReadOptions:
    from beam_pipelines.archive import blocks

    return ReadOptions.of(settings, settings.columns, blocks.block_bytes(files))


def _write_counts(counts, *, folder: str, name: str) -> None:
    storage.write_json(folder, f"{storage.TEMPORARY}/{name}.json", [[*item] for item in counts.items()])


def _read_counts(folder: str, name: str):
    from beam_pipelines.preparing import row_counts

    items = storage.read_json(storage.join(folder, storage.TEMPORARY, f"{name}.json"))
    return row_counts.Counts({tuple(key): count for key, count in items})


def check_rows(rows, settings: PreprocessSettings) -> None:
    """Stops where there is nothing to learn from, or more is rejected than allowed.

    Raises:
      UserError: Names the counts, or the reason that dominates.
    """
    from beam_pipelines.archive import rejects
    from beam_pipelines.preparing import row_counts

    rejected = row_counts.by_second(rows, "rejected")
    if not rows["rated",]:
        skipped = row_counts.by_second(rows, "skipped")
        counts = f"{rows['read',]:,} rows read"
        for name, reasons in {"rejected": rejected, "skipped": skipped}.items():
            counts += f", {sum(reasons.values()):,} {name}{phrases.format_counts(reasons)}"
        more = f"; {rejects.hint(rejected)}see {settings.output}/rejected" if rejected else ""
        if settings.title_column and skipped:
            more += "; does --score_pattern fit the titles?"
        raise UserError(f"no rated row at all: {counts}{more}")
    rejects.check_share(rejected, rows["read",], settings.max_rejected_share, settings.output)


def warn_of_unused_scale(scores: dict) -> None:
    """Warns where the scores fill at most two of the ten bins, as stars do on a scale to 100."""
    filled = np.flatnonzero(np.sum(list(scores["histogram"].values()), axis=0))
    low, high = filled.min(), filled.max() + 1
    if high - low <= 2:
        logger.warning(
            "all scores fall between %g and %g, on a scale from %g to %g: are --score_min and --score_max right?",
            scores["bin_edges"][low],
            scores["bin_edges"][high],
            scores["min"],
            scores["max"],
        )


def choose_vocabulary(settings: PreprocessSettings, folder: str) -> dict:
    """Chooses the vocabulary, writes its graph and vectors; returns what the statistics say of it."""
    from beam_pipelines.preparing import counting, embeddings
    from beam_pipelines.text import transform_graph, vocabulary

    counts = counting.read_counts(folder)
    if not counts:
        raise UserError(
            "no token to learn from: no rated row with words fell into the training split; lower --test_share and "
            "--validation_share, or give more rows"
        )
    vectors, dim = {}, settings.vector_size
    if settings.embeddings:
        vectors, dim = embeddings.read(settings.embeddings, counts, settings.unseen_tokens)
        if not counts.keys() & vectors.keys():
            raise UserError(f"--embeddings {settings.embeddings}: none of its words is a token of the training split")
    chosen = vocabulary.choose(counts, vectors, dim, settings.trained_tokens)
    if not chosen.tokens:
        raise UserError("--trained_tokens 0 without --embeddings leaves no vocabulary")
    transform_graph.write_graph(
        folder, chosen.tokens, first_trained_id=chosen.first_trained_id, max_tokens=settings.max_tokens
    )
    array = io.BytesIO()
    np.save(array, chosen.vectors)
    storage.write_bytes(folder, "vectors.npy", array.getvalue())
    return vocabulary.coverage(chosen, counts)


def run(settings: PreprocessSettings, options) -> dict:
    """Runs the job and returns its statistics; `statistics.json` is written last.

    Raises:
      UserError: Something in the settings or the archive is to be mended.
    """
    from beam_pipelines.archive import columns
    from beam_pipelines.preparing import embeddings

    folder = storage.absolute(settings.output)
    files = inputs.find(settings)
    columns.require(columns.columns_by_file(files, _read_options(files, settings)), settings.columns)
    if settings.embeddings:
        embeddings.locate(settings.embeddings)
    reads = [file.path for file in files]
    job_folder.claim(folder, job_folder.manifest(MODULE, settings, OUTPUTS), overwrite=settings.overwrite, reads=reads)
    with job_folder.given_back(folder):
        try:
            return _run(settings, options, files, folder)
        finally:
            storage.clear_temporary(folder)


def _run(settings: PreprocessSettings, options, files: list[inputs.InputFile], folder: str) -> dict:
    started = time.monotonic()
    entry.import_tensorflow()
    import apache_beam as beam

    from beam_pipelines.preparing import row_counts

    logger.info("counting %d files, %.1f MB", len(files), sum(file.size_bytes for file in files) / 1e6)
    root = beam.Pipeline(options=options)
    build_count(root, files, settings, folder)
    entry.start_collector()
    took = collections.Counter(_seconds_by_stage(root))
    rows = _read_counts(folder, "rows")
    check_rows(rows, settings)
    logger.info("read %s rows, %s rated; choosing the vocabulary", f"{rows['read',]:,}", f"{rows['rated',]:,}")
    before = time.monotonic()
    chosen = choose_vocabulary(settings, folder)
    took["choose"] = time.monotonic() - before
    logger.info("writing examples with a vocabulary of %s", f"{chosen['size']:,}")
    root = beam.Pipeline(options=options)
    build_examples(root, files, settings, folder, chosen["first_trained_id"])
    took.update(_seconds_by_stage(root))
    counts = row_counts.add_up([rows, _read_counts(folder, "examples")])
    scale = Scale(settings.score_min, settings.score_max)
    report = {
        **row_counts.report(counts, scale),
        "vocabulary": chosen,
        "seconds": round(time.monotonic() - started, 1),
        # Summed over all workers; stages overlap.
        "seconds_by_stage": {stage: round(seconds, 3) for stage, seconds in took.items()},
        **job_folder.read(folder),
    }
    if sum(report["rows"][part] for part in ("kept", "rejected", "skipped")) != report["rows"]["read"]:
        raise RuntimeError(f"rows read, kept, rejected and skipped do not add up: {report['rows']}")
    if not report["rows"]["kept_by_split"]["train"]:
        raise UserError(f"no training row is left: {report['rows']}")
    warn_of_unused_scale(report["scores"])
    storage.write_json(folder, "statistics.json", report)
    return report


def _seconds_by_stage(root) -> dict[str, float]:
    """Runs a pipeline, and tells how long each stage took."""
    from beam_pipelines.execution import counters, runners

    return counters.seconds_by_stage(counters.read(runners.run(root)))


def main(argv=None) -> int:
    settings, others = flags.parse(PreprocessSettings, MODULE, argv)
    from beam_pipelines.execution import runners

    options = runners.options_of(others, PreprocessSettings, MODULE)
    report = run(settings, options)
    rows, chosen = report["rows"], report["vocabulary"]
    print(
        f"{rows['read']:,} rows read: {rows['kept']:,} kept{phrases.format_counts(rows['kept_by_split'])}, "
        f"{rows['rejected']:,} rejected{phrases.format_counts(rows['rejected_by_reason'])}, "
        f"{rows['skipped']:,} skipped{phrases.format_counts(rows['skipped_by_reason'])}\n"
        f"tokens a review: {report['tokens_per_review']['mean']:.0f} on average; vocabulary {chosen['size']:,}, "
        f"{chosen['share_of_tokens_with_vector']:.1%} of the tokens have a vector\n"
        f"{report['seconds']} s; examples, transform graph and statistics lie in {settings.output}"
    )
    return 0


if __name__ == "__main__":
    entry.run_command(main)
