"""Looks whether the output of a scoring job is whole."""

import concurrent.futures
import dataclasses
from typing import Any

from beam_pipelines.archive import inputs, positions
from beam_pipelines.archive.positions import Position
from beam_pipelines.commands import job_folder
from beam_pipelines.errors import UserError
from beam_pipelines.files import storage
from beam_pipelines.scoring.job import COMMAND
from beam_pipelines.scoring.shards import READERS, Shards
from beam_pipelines.scoring.summary import job_summary, job_totals
from beam_pipelines.scoring.summary.finished_extent import FinishedExtent
from beam_pipelines.scoring.summary.job_totals import JobTotals

_SUMS = ("rows_read", "rows_scored", "rows_rejected", "rejected_by_reason", "score_histogram", "tokens")


@dataclasses.dataclass(frozen=True)
class Verified:
    """What is in a job's folder.

    Attributes:
      totals: Of all its extents.
      faults: What is missing, damaged or adds up to something else, a sentence each.
    """

    totals: JobTotals
    faults: list[str]


def verify(output: str) -> Verified:
    """Reads all that a job has written, and adds it up once more.

    Raises:
      UserError: No scoring job has written to the folder.
    """
    folder = storage.absolute(output)
    manifest = job_folder.read(folder)
    if manifest is None or manifest["command"] != COMMAND:
        raise UserError(f"{output} holds no output of {COMMAND}")
    try:
        files = len(inputs.read(folder))
    except FileNotFoundError:
        raise UserError(f"{output} has no {inputs.INPUTS}: the job was stopped before it began") from None
    rounds = [*manifest["rounds"], files]
    shards = Shards(folder, manifest["settings"]["output_format"], positions.digits(rounds[1]))
    extents, faults = _read_extents(shards)
    sums = job_totals.SumExtents(0, files)
    total = sums.create_accumulator()
    for extent in extents:
        total = sums.add_input(total, extent)
    totals = sums.extract_output(total)
    if totals.gap is not None:
        faults.append(f"{shards.name(Position(*totals.gap))}: an extent is missing, or overlaps others")
    return Verified(totals, faults + _differences(folder, totals))


def _read_extents(shards: Shards) -> tuple[list[FinishedExtent], list[str]]:
    """Reads the extents that stand, and what is wrong with others."""
    names = shards.listed()

    def look(name: str) -> tuple[FinishedExtent | None, list[str]]:
        described = shards.described(name)
        if described is None:
            return None, [f"{shards.statistics(name)} cannot be read"]
        return described, [f"{file} is missing or not what was written" for file in shards.faults(name, described)]

    with concurrent.futures.ThreadPoolExecutor(READERS) as pool:
        looks = list(pool.map(look, names))
    faults = [fault for _, of_extent in looks for fault in of_extent]
    return [described for described, _ in looks if described], faults


def _differences(folder: str, totals: JobTotals) -> list[str]:
    """How the summary differs from what the extents sum up to."""
    try:
        summary: dict[str, Any] = storage.read_json(storage.join(folder, job_summary.SUMMARY))
    except FileNotFoundError:
        return [f"{job_summary.SUMMARY} is missing"]
    sums = totals.statistics.to_json()
    return [
        f"{job_summary.SUMMARY}: {name} is {summary.get(name)}, and the extents sum up to {sums[name]}"
        for name in _SUMS
        if summary.get(name) != sums[name]
    ]
