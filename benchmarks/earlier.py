"""Both jobs on one machine, in memory, against another checkout of the project, such as one before a change."""

import functools
import pathlib
import statistics
from collections.abc import Iterator

from benchmarks.bounds import Bound
from benchmarks.process import Measured
from benchmarks.rates import interleave
from benchmarks.workplace import Workplace

# The start alone, and an archive.
FEW = 100
WANTED = 1.1


def measure(place: Workplace, checkout: pathlib.Path) -> Iterator[Bound]:
    """CPU and peak memory of both jobs, on few rows and on all."""
    folders = {"now": pathlib.Path.cwd(), "earlier": checkout.absolute()}
    for job, (module, flags) in place.jobs().items():
        for rows in (FEW, place.reviews):
            archive = place.archive(rows)
            for folder in folders.values():
                run(place, module, archive, folder, flags)
            measures = {
                name: functools.partial(run, place, module, archive, folder, flags) for name, folder in folders.items()
            }
            taken = interleave(measures, place.repeats)
            for figure, unit in (("cpu_seconds", "s"), ("peak_mb", "MB")):
                middle = {
                    name: statistics.median(getattr(one, figure) for one in found) for name, found in taken.items()
                }
                yield Bound(
                    f"{job}, {rows:,} reviews: {figure} to that of the earlier checkout",
                    middle["now"] / middle["earlier"],
                    WANTED,
                    detail=f"{middle['now']:,.4g} {unit} and {middle['earlier']:,.4g} {unit}",
                )


def run(place: Workplace, module: str, archive: pathlib.Path, folder: pathlib.Path, flags: dict) -> Measured:
    """Runs a job of a checkout."""
    with place.output() as output:
        return place.run_on(module, archive, output, started_in=folder, **flags)
