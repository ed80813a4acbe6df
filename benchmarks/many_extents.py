"""What could grow with an archive whose rows lie elsewhere: a pipeline's graph, the manifest, the sum of extents.

No such archive is made: its list of files is made up, and its extents are those of a small one, told many times with
tokens of their own.
"""

import dataclasses
import itertools
import pathlib
import pickle
import resource
import sys
import time
from collections.abc import Iterator

from benchmarks.bounds import Bound
from benchmarks.workplace import Workplace

FILES = 100_000
FILE_BYTES = 30_000
# Those of a billion reviews.
EXTENTS = 13_000
# So many are summed by one worker, whose sum is then sent.
EXTENTS_OF_WORKER = 100
# As in many languages: the share of an extent's most frequent tokens without an id that no other extent has.
OWN_TOKENS = 0.5


def measure_graph(place: Workplace) -> Iterator[Bound]:
    """What a runner is handed, and the manifest, for an archive of very many files."""
    for job, (_, flags) in place.jobs().items():
        folder = place.folder / f"graph-{job}"
        found = place.call("many_extents", "sizes_of_graph", job=job, flags=told(flags), folder=folder, files=FILES)
        for what, size in found.items():
            yield Bound(f"{job}: {what} for {FILES:,} files", size / 1e6, 1, "MB")


def measure_totals(place: Workplace) -> Iterator[Bound]:
    """Summing up what workers tell of their extents, and what is left to the launcher in the end."""
    scored = place.folder / "few-extents"
    place.run_on(*place.jobs()["score"][:1], place.archive(place.reviews), scored, **place.jobs()["score"][1])
    model = place.jobs()["score"][1]["model"]
    found = place.call("many_extents", "sum_up", scored=scored, model=model, extents=EXTENTS)
    memory = f"peak {found['peak_mb']:,.0f} MB, {found['loaded_mb']:,.0f} MB before"
    yield Bound(f"summing up {EXTENTS:,} extents", found["sum_seconds"], 60, "s", detail=memory)
    yield Bound(f"the largest sum of {EXTENTS_OF_WORKER} extents", found["largest_mb"], 10, "MB")
    yield Bound(f"the launcher's end after {EXTENTS:,} extents", found["finish_seconds"], 60, "s", detail=memory)


def told(flags: dict) -> dict:
    """Flags as another process can take them."""
    return {name: str(value) for name, value in flags.items()}


def sizes_of_graph(job: str, flags: dict, folder: str, files: int) -> dict[str, int]:
    """The bytes of what a job hands to its runner, and of its manifest."""
    import apache_beam as beam

    from beam_pipelines.archive import inputs
    from beam_pipelines.preparing import phase_files
    from beam_pipelines.preparing import pipeline as preparing
    from beam_pipelines.scoring import pipeline as scoring

    if job == "score":
        made_up = scoring_job(flags, folder, files)
        graphs = {"graph": lambda root: scoring.build(root, made_up, engine="auto")}
    else:
        made_up = preparing_job(flags, folder, files)
        graphs = {
            "graph of the first reading": lambda root: preparing.build_count(root, made_up),
            "graph of the second reading": lambda root: preparing.build_examples(root, made_up),
        }
    made_up.claim()
    inputs.write(folder, made_up.found)
    if job != "score":
        # What is chosen between the readings; the second one looks at it.
        phase_files.write(chosen_vocabulary(), folder=made_up.counted, name=phase_files.VOCABULARY)
    sizes = {"manifest.json": pathlib.Path(folder, "manifest.json").stat().st_size}
    for name, build in graphs.items():
        root = beam.Pipeline()
        build(root)
        sizes[name] = root.to_runner_api().ByteSize()
    return sizes


def found_files(files: int) -> list:
    from beam_pipelines.archive.finding.found_files import FoundFile

    name = "part-{:08d}-of-reviews.csv"
    return [
        FoundFile(f"gs://bucket/archive/{name.format(index)}", FILE_BYTES, 1.7e9, index=index, name=name.format(index))
        for index in range(files)
    ]


def chosen_vocabulary():
    """Of an archive without a token."""
    from beam_pipelines.artifacts.prepared import VocabularyTotals

    return VocabularyTotals(
        size=2,
        vector_size=1,
        distinct_tokens=0,
        tokens=0,
        embedding_hits=0,
        unseen_tokens=0,
        embedding_misses=0,
        trained_tokens=0,
        first_trained_id=2,
        share_of_tokens_with_vector=0.0,
        most_frequent_without_vector={},
    )


def scoring_job(flags: dict, folder: str, files: int):
    from beam_pipelines.archive.extents import Sizes
    from beam_pipelines.artifacts import exports
    from beam_pipelines.scoring import job, wanted_columns
    from beam_pipelines.scoring.settings import ScoreSettings

    settings = ScoreSettings(input=("gs://bucket/archive/*.csv",), output=folder, **flags)
    sizes = Sizes.of(files * FILE_BYTES)
    options = wanted_columns.read_options(settings, (), sizes)
    export = exports.find(settings.model)
    return job.Job(settings, found_files(files), options, (), export, folder)


def preparing_job(flags: dict, folder: str, files: int):
    from beam_pipelines.archive.extents import Sizes
    from beam_pipelines.archive.read_options import ReadOptions
    from beam_pipelines.preparing.job import Job, rating_rules
    from beam_pipelines.preparing.settings import PreprocessSettings
    from beam_pipelines.preparing.splits import SplitShares

    settings = PreprocessSettings(input=("gs://bucket/archive/*.csv",), output=folder, **flags)
    options = ReadOptions.of(settings, columns=settings.columns, sizes=Sizes.of(files * FILE_BYTES))
    shares = SplitShares(test=settings.test_share, validation=settings.validation_share)
    return Job(
        settings=settings,
        found=found_files(files),
        read_options=options,
        rules=rating_rules(settings),
        shares=shares,
        folder=folder,
    )


def sum_up(scored: str, model: str, extents: int) -> dict[str, float]:
    """Sums up extents as workers and the launcher do; what that takes, and what the end of the job takes then."""
    from beam_pipelines.archive import inputs
    from beam_pipelines.artifacts import exports
    from beam_pipelines.scoring import pipeline
    from beam_pipelines.scoring.summary import job_totals

    info = exports.find(model).info
    known = finished_extents(scored)
    loaded_mb, started = peak_mb(), time.monotonic()
    combine = job_totals.SumExtents(0, extents)
    sums = []
    for worker in batches(extents_of_own_files(known, extents)):
        total = combine.create_accumulator()
        for extent in worker:
            total = combine.add_input(total, extent)
        sums.append(pickle.dumps(total))
    totals = combine.extract_output(combine.merge_accumulators(map(pickle.loads, sums)))
    summed = time.monotonic() - started
    found = found_files(extents)
    inputs.write(scored, found)
    job_totals.write_totals(totals, scored)
    finishing = time.monotonic()
    pipeline.finish(scored, found, info, None)
    return {
        "sum_seconds": summed,
        "largest_mb": max(map(len, sums)) / 1e6,
        "finish_seconds": time.monotonic() - finishing,
        "loaded_mb": loaded_mb,
        "peak_mb": peak_mb(),
    }


def batches(extents: Iterator) -> Iterator[list]:
    """What each worker sums up."""
    while batch := list(itertools.islice(extents, EXTENTS_OF_WORKER)):
        yield batch


def peak_mb() -> float:
    """The most memory that this process has had resident."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform == "linux" else 1024**2)


def finished_extents(folder: str) -> list:
    """What a job has told of its extents."""
    from beam_pipelines.files import storage
    from beam_pipelines.scoring.shards import FinishedExtent

    statistics = storage.join(folder, "statistics")
    names = storage.listing(statistics)
    return [FinishedExtent.from_json(storage.read_json(storage.join(statistics, name))) for name in names]


def extents_of_own_files(known: list, extents: int) -> Iterator:
    """As many extents, each of a file of its own."""
    for index in range(extents):
        extent = known[index % len(known)]
        counts = extent.statistics.unknown_tokens.items()
        own = round(OWN_TOKENS * len(counts))
        tokens = {f"{token}{index}" if place < own else token: n for place, (token, n) in enumerate(counts)}
        statistics = dataclasses.replace(extent.statistics, unknown_tokens=tokens)
        yield dataclasses.replace(extent, begin=[index, 0, 0], next=[index + 1, 0, 0], statistics=statistics)
