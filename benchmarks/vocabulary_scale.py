"""Measures what the choice of the vocabulary takes of the launching process where an archive has very many tokens.

    python -m benchmarks.vocabulary_scale
    python -m benchmarks.vocabulary_scale --types 80000000 --archive_gb 3000

No archive is made: the parts are written as the workers would leave them, of made-up tokens, each once or a few
times, and of all words of a made-up file of vectors. Prints the peak memory of the process that chooses, with and
without --embeddings, and beside it the largest element of a part; it takes some 3 minutes on 2 cores.
"""

import argparse
import dataclasses
import pathlib
import resource
import sys
import tempfile
import time
from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from benchmarks import process
from benchmarks.bounds import Bound
from benchmarks.workplace import Workplace

MODULE = "benchmarks.vocabulary_scale"
TYPES, ARCHIVE_GB = 5_000_000, 20
WORDS, DIM = 400_000, 100
# Of an English text: (1 - share of tokens that stand there once), as a geometric distribution.
COUNT_ONCE = 0.6
SEED = 1


def write_vectors(path: pathlib.Path, words: int, dim: int) -> None:
    """Writes vectors of made-up words as a GloVe text."""
    random = np.random.default_rng(SEED)
    # So many lines that differ: reading takes the same time.
    lines = [" ".join(f"{value:.5f}" for value in random.normal(size=dim)) for _ in range(1000)]
    with path.open("w", encoding="utf-8") as file:
        file.writelines(f"word{number} {lines[number % len(lines)]}\n" for number in range(words))


def part_of(part: int, parts: int, types: int, words: int) -> pa.RecordBatch:
    """The tokens of a part, the words of the vectors among them, with their counts."""
    numbers = np.arange(part, types, parts)
    names = [f"word{number}" if number < words else f"made{number}up" for number in numbers]
    random = np.random.default_rng([SEED, part])
    frequent = words * 100 // np.maximum(numbers, 1)
    counts = random.geometric(COUNT_ONCE, len(numbers)) + np.where(numbers < words, frequent, 0)
    return pa.record_batch({"token": pa.array(names, pa.string()).cast(pa.binary()), "count": counts.astype(np.int64)})


def write_counts(folder: str, types: int, words: int, archive_gb: float, embeddings: str | None) -> dict:
    """Writes what the first reading leaves of such an archive; returns the number of parts and the largest one."""
    from beam_pipelines.preparing import parts, token_counts, training_tokens

    job = made_up_job(folder, embeddings)
    number = parts.count_parts(int(archive_gb * 1e9))
    most = None if embeddings else training_tokens.most_without_vector(job.settings.trained_tokens)
    totals, largest = [], 0
    for part in range(number):
        batch = part_of(part, number, types, words)
        largest = max(largest, batch.nbytes)
        totals.append(token_counts.write_counts((part, batch), folder=job.counted, most=most))
    token_counts.write_totals(token_counts.sum_totals(totals), folder=job.counted)
    return {"counted": job.counted, "parts": number, "largest_mb": largest / 1e6}


def choose(folder: str, counted: str, embeddings: str | None) -> dict:
    """Chooses the vocabulary; returns what that took of this process."""
    from beam_pipelines.preparing import vocabulary_choice

    unit = 1024 if sys.platform == "linux" else 1024**2
    loaded = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
    started = time.monotonic()
    job = made_up_job(folder, embeddings)
    pathlib.Path(job.counted).parent.mkdir(parents=True, exist_ok=True)
    pathlib.Path(counted).rename(job.counted)
    totals = vocabulary_choice.choose(job)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
    return {"ids": totals.size, "loaded_mb": loaded, "peak_mb": peak, "seconds": time.monotonic() - started}


def made_up_job(folder: str, embeddings: str | None):
    """The job as its launcher has it between the two readings."""
    from beam_pipelines.archive.extents import Sizes
    from beam_pipelines.archive.read_options import ReadOptions
    from beam_pipelines.preparing.job import Job, rating_rules
    from beam_pipelines.preparing.settings import PreprocessSettings
    from beam_pipelines.preparing.splits import SplitShares

    settings = PreprocessSettings(
        input=("none.csv",), output=folder, text_column="text", score_column="score", embeddings=embeddings
    )
    options = ReadOptions.of(settings, columns=settings.columns, sizes=Sizes(1, 1))
    shares = SplitShares(test=settings.test_share, validation=settings.validation_share)
    return Job(
        settings=settings, found=[], read_options=options, rules=rating_rules(settings), shares=shares, folder=folder
    )


@dataclasses.dataclass(frozen=True)
class Measured:
    """What the choice took.

    Attributes:
      how: With or without --embeddings.
      parts: How many the counts have.
      largest_mb: The largest of these.
      ids: Of the vocabulary.
      seconds: Wall time.
      loaded_mb: The memory of the process before the choice.
      peak_mb: The most that it had.
    """

    how: str
    parts: int
    largest_mb: float
    ids: int
    seconds: float
    loaded_mb: float
    peak_mb: float


def measure(*, types: int, archive_gb: float, words: int, dim: int) -> Iterator[Measured]:
    """The choice with and without vectors, each in a process of its own."""
    with tempfile.TemporaryDirectory() as work:
        vectors = pathlib.Path(work, "vectors.txt")
        write_vectors(vectors, words, dim)
        for how, embeddings in (("with", str(vectors)), ("without", None)):
            folder = f"{work}/{how}"
            counted = {"types": types, "words": words, "archive_gb": archive_gb}
            written = process.call(MODULE, "write_counts", folder=folder, embeddings=embeddings, **counted)
            counted = written.pop("counted")
            found = process.call(MODULE, "choose", folder=folder, counted=counted, embeddings=embeddings)
            yield Measured(how, **written, **found)


def measure_bounds(place: Workplace) -> Iterator[Bound]:
    """The memory of the launching process, against its bound."""
    for found in measure(types=TYPES, archive_gb=ARCHIVE_GB, words=WORDS, dim=DIM):
        yield Bound(
            f"choosing among {TYPES:,} tokens, {found.how} --embeddings: peak of the launcher",
            found.peak_mb,
            1024,
            "MB",
            detail=f"{found.ids:,} ids in {found.seconds:.0f} s, parts of at most {found.largest_mb:.1f} MB",
        )


def main(argv=None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--types", type=int, default=TYPES, help="distinct tokens (default: %(default)s)")
    parser.add_argument("--archive_gb", type=float, default=ARCHIVE_GB, help="that hold them (default: %(default)s)")
    parser.add_argument("--words", type=int, default=WORDS, help="of the vectors (default: %(default)s)")
    parser.add_argument("--dim", type=int, default=DIM, help="the length of a vector (default: %(default)s)")
    given = parser.parse_args(argv)
    for found in measure(**vars(given)):
        print(
            f"{given.types:,} tokens in {found.parts:,} parts of at most {found.largest_mb:.1f} MB, "
            f"{found.how} --embeddings: {found.ids:,} ids in {found.seconds:.0f} s, "
            f"peak {found.peak_mb:,.0f} MB ({found.loaded_mb:,.0f} MB before the choice)",
            flush=True,
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
