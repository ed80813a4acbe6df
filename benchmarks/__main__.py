"""Measures in one run, on one archive shaped like the notebook's, how fast the commands are beside what else there is.

    python -m benchmarks                                         # some 40 minutes on 2 cores
    python -m benchmarks --only score,scaling --repeats 1
    python -m benchmarks --reviews 20000 --mean_words 240 --embeddings glove.6B.100d.txt

Rates leave start-up out: they are the further rows of a larger part over the further time. Slow
baselines read fewer rows, as the table says; a rate for each row depends on no size. What is compared
is measured by turns, three times, and the medians count. Prints a table and writes
benchmarks/results/bench.json with every single measurement.
"""

import argparse
import logging
import os
import pathlib
import sys
import tempfile

from benchmarks import archive, epochs, latency, preparing, report, scaling, scoring
from benchmarks.workplace import Workplace

RESULTS = pathlib.Path(__file__).parent / "results"
PARTS = {
    "score": lambda place: scoring.measure(place, "cnn"),
    "lstm": lambda place: scoring.measure(place, "lstm"),
    "preprocess": preparing.measure,
    "training": epochs.measure,
    "serving": latency.measure,
}
SCALING = "scaling"


def parts(text: str) -> list[str]:
    """The parts that a flag names, separated by commas."""
    names = text.split(",")
    unknown = [name for name in names if name not in [*PARTS, SCALING]]
    if unknown:
        raise argparse.ArgumentTypeError(f"{', '.join(unknown)}: there are {', '.join([*PARTS, SCALING])}")
    return names


def positive(text: str) -> int:
    """A number that counts something."""
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text} is no whole number above 0")
    return int(text)


def parser() -> argparse.ArgumentParser:
    found = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    told = " (default: %(default)s)"
    found.add_argument("--reviews", type=positive, default=archive.REVIEWS, help="of the archive" + told)
    found.add_argument("--mean_words", type=positive, default=archive.MEAN_WORDS, help="of a review" + told)
    found.add_argument("--embeddings", default=archive.VECTORS, help="as of beam_pipelines.preprocess" + told)
    found.add_argument("--repeats", type=positive, default=3, help="how often each thing is measured" + told)
    every = [*PARTS, SCALING]
    found.add_argument("--only", type=parts, default=every, metavar="PART,PART", help=f"some of {', '.join(every)}")
    return found


def main(argv=None) -> int:
    given = parser().parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S", stream=sys.stderr)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    about = report.machine()
    with tempfile.TemporaryDirectory() as folder:
        place = Workplace(pathlib.Path(folder), given.reviews, given.mean_words, given.embeddings, given.repeats)
        compared = [one for name, measure in PARTS.items() if name in given.only for one in measure(place)]
        scaled = scaling.measure(place) if SCALING in given.only else []
        found = report.of(place, about, compared, scaled)
    report.write(RESULTS / "bench.json", found)
    print(report.table(found, compared, scaled))
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except RuntimeError as error:
        # A process that was measured failed; its last line says why.
        sys.exit(str(error))
