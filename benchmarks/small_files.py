"""Many files of few rows against one file of the same rows: what they cost of CPU, the whole job."""

import csv
import functools
import pathlib
import statistics
from collections.abc import Iterator

from benchmarks import archive
from benchmarks.bounds import Bound
from benchmarks.rates import interleave
from benchmarks.workplace import Workplace

FILES = 10_000
WANTED = 1.5


def measure(place: Workplace) -> Iterator[Bound]:
    """Both jobs, on as many files as there are reviews for, and on one."""
    one = place.archive(place.reviews)
    files = min(FILES, place.reviews)
    many = split(one, place.folder / "many", files)
    for job, (module, flags) in place.jobs().items():
        inputs = {"one": one, "many": many / "*.csv"}
        for path in inputs.values():
            cpu_seconds(place, module, path, flags)
        measures = {name: functools.partial(cpu_seconds, place, module, path, flags) for name, path in inputs.items()}
        found = interleave(measures, place.repeats)
        took = {name: statistics.median(values) for name, values in found.items()}
        yield Bound(
            f"{job}: CPU of {files:,} files to that of one",
            took["many"] / took["one"],
            WANTED,
            detail=f"{took['many']:.1f} s and {took['one']:.1f} s, {place.reviews:,} reviews, start-up included",
        )


def cpu_seconds(place: Workplace, module: str, path: pathlib.Path, flags: dict) -> float:
    """What a job takes of all cores, start-up included."""
    with place.output() as output:
        return place.run_on(module, path, output, **flags).cpu_seconds


def split(source: pathlib.Path, folder: pathlib.Path, files: int) -> pathlib.Path:
    """Writes the rows of a CSV file to many, in order, each with the header."""
    rows = list(archive.read_rows(str(source)))
    folder.mkdir()
    for number in range(files):
        with (folder / f"{number:06d}.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(archive.COLUMNS)
            writer.writerows(rows[number * len(rows) // files : (number + 1) * len(rows) // files])
    return folder
