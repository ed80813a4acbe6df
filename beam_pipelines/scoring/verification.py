"""Looks whether the output of a scoring job is whole."""

import concurrent.futures
import dataclasses
import math
from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from beam_pipelines.archive import inputs
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
    output_format = manifest["settings"]["output_format"]
    shards = Shards.of_job(folder, output_format, manifest["fingerprint"], rounds[1])
    sums, faults, expected = job_totals.SumExtents(0, files), [], set()
    total = sums.create_accumulator()
    for name, extent, faults_of_extent in _read_extents(shards):
        faults += faults_of_extent
        expected |= {shards.scores(name), shards.statistics(name)}
        if extent:
            total = sums.add_input(total, extent)
            expected |= {shards.rejects(name)} if extent.rejects else set()
    totals = sums.extract_output(total)
    faults += [f"{file} is of no extent of the job" for file in sorted(shards.listed_files() - expected)]
    if totals.gap is None:
        faults += _differences(folder, totals)
    # Where the statistics of an extent are another's, that is told already.
    elif shards.statistics(gap := shards.name(Position(*totals.gap))) not in expected:
        faults.append(f"{gap}: an extent is missing, or overlaps others")
    return Verified(totals, faults)


def _read_extents(shards: Shards) -> Iterator[tuple[str, FinishedExtent | None, list[str]]]:
    """Yields the names of the extents that have statistics, these if they can be read, and what is wrong."""

    def look(name: str) -> tuple[str, FinishedExtent | None, list[str]]:
        described = shards.described(name)
        if described is None:
            return name, None, [f"{shards.statistics(name)} is not what was written"]
        return (
            name,
            described,
            [f"{file} is missing or not what was written" for file in shards.faults(name, described)],
        )

    with concurrent.futures.ThreadPoolExecutor(READERS) as pool:
        yield from pool.map(look, shards.listed_statistics())


def _differences(folder: str, totals: JobTotals) -> list[str]:
    """How what was added up before differs from what the extents sum up to."""
    sums = totals.statistics.to_json()
    try:
        summary: dict[str, Any] = storage.read_json(storage.join(folder, job_summary.SUMMARY))
        faults = [
            f"{job_summary.SUMMARY}: {name} is {summary.get(name)}, and the extents sum up to {sums[name]}"
            for name in _SUMS
            if summary.get(name) != sums[name]
        ]
    except (FileNotFoundError, ValueError, AttributeError):
        return [f"{job_summary.SUMMARY} is missing, or cannot be read"]
    rounds = job_totals.read_totals(folder)
    if not storage.exists(storage.join(folder, job_summary.REPORT)):
        faults.append(f"{job_summary.REPORT} is missing")
    return [*faults, *_faults_of_totals(totals, rounds), *_faults_of_files(folder, totals, rounds)]


def _faults_of_totals(totals: JobTotals, rounds: list[JobTotals]) -> list[str]:
    together = job_totals.together(rounds, totals.files)
    if together is None:
        return ["totals/ does not hold those of all files"]
    sums = totals.statistics.to_json()
    return [
        f"totals/: {name} is {value}, and the extents sum up to {sums.get(name)}"
        for name, value in together.statistics.to_json().items()
        if isinstance(value, int | float) and not math.isclose(value, sums.get(name) or 0, rel_tol=1e-9)
    ]


def _faults_of_files(folder: str, totals: JobTotals, rounds: list[JobTotals]) -> list[str]:
    try:
        rows = sum(file["rows_read"] for file in job_totals.read_by_file(folder, rounds).values())
    except (FileNotFoundError, pa.ArrowInvalid) as error:
        return [f"by_file/ cannot be read: {error}"]
    read = totals.statistics.rows_read
    return [] if rows == read else [f"by_file/ tells of {rows:,} rows, and the extents of {read:,}"]
