"""Measures what the choice of the vocabulary takes of the launching process where an archive has very many tokens.

    python -m benchmarks.vocabulary_scale
    python -m benchmarks.vocabulary_scale --types 80000000 --archive_gb 3000

No archive is made: the parts are written as the workers would leave them, of made-up tokens, each once or a few
times, and of all words of a made-up file of vectors. Prints the peak memory of the process that chooses, with and
without --embeddings, and beside it the largest element of a part; it takes some 3 minutes on 2 cores.
"""

import argparse
import pathlib
import resource
import sys
import tempfile
import time

import numpy as np
import pyarrow as pa

from benchmarks import process

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
        totals.append(token_counts.write_counts((part, batch), folder=job.temporary, most=most))
    training_tokens.write_totals(training_tokens.sum_totals(totals), folder=job.temporary)
    return {"temporary": job.temporary, "parts": number, "largest_mb": largest / 1e6}


def choose(folder: str, temporary: str, embeddings: str | None) -> dict:
    """Chooses the vocabulary; returns what that took of this process."""
    from beam_pipelines.preparing import vocabulary_choice

    unit = 1024 if sys.platform == "linux" else 1024**2
    loaded = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
    started = time.monotonic()
    job = made_up_job(folder, embeddings)
    pathlib.Path(job.temporary).parent.mkdir(parents=True, exist_ok=True)
    pathlib.Path(temporary).rename(job.temporary)
    totals = vocabulary_choice.choose(job)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
    return {"ids": totals.size, "loaded_mb": loaded, "peak_mb": peak, "seconds": time.monotonic() - started}


def made_up_job(folder: str, embeddings: str | None):
    """The job as its launcher has it between the two readings."""
    from beam_pipelines.archive.read_options import ReadOptions
    from beam_pipelines.preparing.job import Job, rating_rules
    from beam_pipelines.preparing.settings import PreprocessSettings
    from beam_pipelines.preparing.splits import SplitShares

    settings = PreprocessSettings(
        input=("none.csv",), output=folder, text_column="text", score_column="score", embeddings=embeddings
    )
    options = ReadOptions.of(settings, columns=settings.columns, block_bytes=1, nullable=())
    shares = SplitShares(test=settings.test_share, validation=settings.validation_share)
    return Job(settings, [], options, rating_rules(settings), shares, folder)


def main(argv=None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--types", type=int, default=5_000_000, help="distinct tokens (default: %(default)s)")
    parser.add_argument("--archive_gb", type=float, default=20, help="that hold them (default: %(default)s)")
    parser.add_argument("--words", type=int, default=400_000, help="of the vectors (default: %(default)s)")
    parser.add_argument("--dim", type=int, default=100, help="the length of a vector (default: %(default)s)")
    given = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as work:
        vectors = pathlib.Path(work, "vectors.txt")
        write_vectors(vectors, given.words, given.dim)
        for embeddings in (str(vectors), None):
            folder = f"{work}/{'with' if embeddings else 'without'}"
            counted = {"types": given.types, "words": given.words, "archive_gb": given.archive_gb}
            written = process.call(__spec__.name, "write_counts", folder=folder, embeddings=embeddings, **counted)
            temporary = written["temporary"]
            found = process.call(__spec__.name, "choose", folder=folder, temporary=temporary, embeddings=embeddings)
            how = "with" if embeddings else "without"
            print(
                f"{given.types:,} tokens in {written['parts']:,} parts of at most {written['largest_mb']:.1f} MB, "
                f"{how} --embeddings: {found['ids']:,} ids in {found['seconds']:.0f} s, "
                f"peak {found['peak_mb']:,.0f} MB ({found['loaded_mb']:,.0f} MB before the choice)",
                flush=True,
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
