"""How time and memory of the two jobs grow with the archive, and shrink with the cores."""

import dataclasses

from benchmarks import process
from benchmarks.workplace import Workplace

TIMES = (1, 4, 16)
CORES = (1, 2)


@dataclasses.dataclass(frozen=True)
class Scaled:
    """One run of a job.

    Attributes:
      job: Its name.
      rows: Of the archive.
      cores: That it had.
      seconds: Wall time, start-up included.
      peak_mb: The most memory that it had resident.
    """

    job: str
    rows: int
    cores: int
    seconds: float
    peak_mb: float


def measure(place: Workplace) -> list[Scaled]:
    """Each job once on 1/16, a quarter and all of the archive, and on a quarter with 1 and with 2 cores."""
    jobs = {
        "score, default CNN": (
            "beam_pipelines.score",
            {"model": place.trained("cnn"), "text_column": "review_content", "keep_columns": "review_title"},
        ),
        "preprocess": ("beam_pipelines.preprocess", place.rating),
    }
    cores = len(process.cores())
    smallest = max(place.reviews // TIMES[-1], 1)
    wanted = [(times * smallest, cores) for times in TIMES]
    wanted += [(TIMES[1] * smallest, some) for some in CORES if some < cores]
    found = []
    for job, (module, flags) in jobs.items():
        place.warm_up(module, smallest, **flags)
        for rows, some in wanted:
            with place.output() as output:
                measured = place.run(module, rows, output, on_cores=some if some < cores else None, **flags)
            found.append(Scaled(job, rows, some, measured.seconds, measured.peak_mb))
    return found
