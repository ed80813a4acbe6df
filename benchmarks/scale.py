"""Measures what lets the jobs grow past one machine, each as a ratio of one run, or against a bound.

    python -m benchmarks.scale                                     # some 40 minutes on 2 cores
    python -m benchmarks.scale --only small_files,stores --model demo/trained
    python -m benchmarks.scale --only earlier --earlier_checkout ../before --model demo/trained

Without --model, the default CNN is trained first. What is compared is measured by turns, and the medians count. Prints
a line for each bound, and writes benchmarks/results/scale.json; status 1 if one is missed.

Parts: small_files (many files of few rows against one file of these rows), stores (bytes that an object store sends for
each reading of an archive), graph (what is handed to a runner for 100,000 files), totals (what the launcher does in the
end, after 13,000 extents), workers (two worker processes against one core), start (of a worker, to its first shard),
threads (memory of threads that share a model), vocabulary (of five million tokens), earlier (both jobs on one machine
against another checkout of the project).
"""

import argparse
import dataclasses
import logging
import os
import pathlib
import sys
import tempfile
from collections.abc import Callable, Iterator

from benchmarks import archive, earlier, many_extents, report, small_files, stores, vocabulary_scale, workers
from benchmarks.__main__ import positive
from benchmarks.bounds import Bound
from benchmarks.workplace import Workplace

RESULTS = pathlib.Path(__file__).parent / "results"
EARLIER = "earlier"
PARTS: dict[str, Callable[[Workplace], Iterator[Bound]]] = {
    "small_files": small_files.measure,
    "stores": stores.measure,
    "graph": many_extents.measure_graph,
    "totals": many_extents.measure_totals,
    "workers": workers.measure_rate,
    "start": workers.measure_start,
    "threads": workers.measure_threads,
    "vocabulary": vocabulary_scale.measure_bounds,
}


def parts(text: str) -> list[str]:
    """The parts that a flag names, separated by commas."""
    names, known = text.split(","), [*PARTS, EARLIER]
    if unknown := [name for name in names if name not in known]:
        raise argparse.ArgumentTypeError(f"{', '.join(unknown)}: there are {', '.join(known)}")
    return names


def parser() -> argparse.ArgumentParser:
    found = argparse.ArgumentParser(
        prog="python -m benchmarks.scale", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    told = " (default: %(default)s)"
    found.add_argument("--only", type=parts, default=[*PARTS], metavar="PART,PART", help="instead of all but earlier")
    found.add_argument("--model", help="as of beam_pipelines.score; without it, one is trained")
    found.add_argument("--earlier_checkout", help="the folder of the project that the part earlier compares with")
    found.add_argument("--reviews", type=positive, default=20_000, help="of the archive" + told)
    found.add_argument("--mean_words", type=positive, default=240, help="of a review" + told)
    found.add_argument("--embeddings", default=archive.VECTORS, help="whose words the reviews have" + told)
    found.add_argument("--repeats", type=positive, default=3, help="how often each thing is measured" + told)
    return found


def measure(given: argparse.Namespace, place: Workplace) -> Iterator[Bound]:
    for name in given.only:
        if name == EARLIER:
            yield from earlier.measure(place, pathlib.Path(given.earlier_checkout))
        else:
            yield from PARTS[name](place)


def main(argv=None) -> int:
    arguments = parser()
    given = arguments.parse_args(argv)
    if EARLIER in given.only and not given.earlier_checkout:
        arguments.error("the part earlier needs --earlier_checkout")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S", stream=sys.stderr)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    found = []
    with tempfile.TemporaryDirectory() as folder:
        model = pathlib.Path(given.model).absolute() if given.model else None
        place = Workplace(
            pathlib.Path(folder), given.reviews, given.mean_words, given.embeddings, given.repeats, model=model
        )
        for bound in measure(given, place):
            print(bound.line, flush=True)
            found.append(bound)
    told = [{**dataclasses.asdict(bound), "holds": bound.holds} for bound in found]
    report.write(RESULTS / "scale.json", {"machine": report.machine(), "bounds": told})
    return 0 if all(bound.holds for bound in found) else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except RuntimeError as error:
        # A process that was measured failed; its last line says why.
        sys.exit(str(error))
