"""Worker processes and their threads: what a second one adds, how soon one begins, and what threads share."""

import functools
import pathlib
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator

from benchmarks import process
from benchmarks.bounds import Bound
from benchmarks.process import Measured
from benchmarks.rates import interleave
from benchmarks.workplace import Workplace

PROCESSES = 2
# Copies of the archive: the further ones take a core some ten seconds, as the start of processes varies by one.
COPIES = (8, 48)
SEVERAL = {"direct_running_mode": "multi_processing", "direct_num_workers": PROCESSES}
THREADS = (1, 4, 12)
# Enough that a block has its full size, and each thread several.
THREAD_WORDS = 100_000_000
# What one more thread may take: its blocks, but no model of its own.
THREAD_MB = 200
WORKER = "apache_beam.runners.worker.sdk_worker_main"
# Between two looks at what a job has started or written.
PAUSE = 0.05


def measure_rate(place: Workplace) -> Iterator[Bound]:
    """The steady rate of two worker processes of one core each, against one process held to one core."""
    rows = COPIES[0] * place.reviews, COPIES[1] * place.reviews
    for job, (module, flags) in place.jobs().items():
        kinds = {"one": {**flags, "on_cores": 1}, "several": {**flags, **SEVERAL, "on_cores": PROCESSES}}
        measures = {
            (kind, some): functools.partial(run, place, module, some, given)
            for kind, given in kinds.items()
            for some in rows
        }
        for measure in measures.values():
            measure()
        found = interleave(measures, place.repeats)
        yield from rate_bounds(job, rows, found)


def run(place: Workplace, module: str, rows: int, flags: dict) -> Measured:
    with place.output() as output:
        return place.run(module, rows, output, **flags)


def rate_bounds(job: str, rows: tuple[int, int], found: dict[tuple[str, int], list[Measured]]) -> Iterator[Bound]:
    """The ratio of steady rates by the clock, and by CPU, which says what cores give that wait for nothing."""
    for what, figure, cores in (("by the clock", "seconds", 1), ("by CPU", "cpu_seconds", PROCESSES)):
        took = {key: statistics.median(getattr(one, figure) for one in values) for key, values in found.items()}
        rate = {kind: (rows[1] - rows[0]) / (took[kind, rows[1]] - took[kind, rows[0]]) for kind in ("one", "several")}
        yield Bound(
            f"{job}: steady rate of {PROCESSES} workers to that of one core, {what}",
            cores * rate["several"] / rate["one"],
            1.8,
            at_least=True,
            detail=f"{cores * rate['several']:,.0f} and {rate['one']:,.0f} reviews/s",
        )


def measure_start(place: Workplace) -> Iterator[Bound]:
    """From the start of a worker process to the first shard that it has written."""
    module, flags = place.jobs()["score"]
    archive = place.archive(place.rows(200_000))
    seconds = [start_to_first_shard(place, module, archive, flags) for _ in range(1 + place.repeats)][1:]
    yield Bound("score: a worker's start to its first shard", statistics.median(seconds), 20, "s")


def start_to_first_shard(place: Workplace, module: str, archive: pathlib.Path, flags: dict) -> float:
    """Starts a job with worker processes, and looks for the first of them and for what they write.

    Raises:
      RuntimeError: The job ends without.
    """
    with place.output() as output:
        given = {"input": archive, "output": output, **flags, **SEVERAL}
        command = [sys.executable, "-m", module, *process.as_flags(given)]
        job = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        started = found = None
        while job.poll() is None and found is None:
            if started is None and has_worker(job.pid):
                started = time.monotonic()
            elif started is not None and any((output / "scores").glob("*")):
                found = time.monotonic() - started
            time.sleep(PAUSE)
        job.wait()
    if found is None:
        raise RuntimeError(f"{' '.join(command)} has not written a shard")
    return found


def has_worker(job: int) -> bool:
    """Whether a process has started a worker process."""
    command = ["pgrep", "--parent", str(job), "--full", WORKER]
    return subprocess.run(command, stdout=subprocess.DEVNULL).returncode == 0


def measure_threads(place: Workplace) -> Iterator[Bound]:
    """The peak memory of a process whose threads share one model, as a cluster's worker has them."""
    module, flags = place.jobs()["score"]
    rows = place.repeated_sizes(THREAD_WORDS)[1]
    peaks = {}
    for threads in THREADS:
        mode = {"direct_running_mode": "multi_threading", "direct_num_workers": threads}
        peaks[threads] = run(place, module, rows, {**flags, **mode}).peak_mb
    most = THREADS[-1]
    yield Bound(
        "score: memory of one more thread",
        (peaks[most] - peaks[1]) / (most - 1),
        THREAD_MB,
        "MB",
        detail=", ".join(f"{threads}: {peak:,.0f} MB" for threads, peak in peaks.items()),
    )
