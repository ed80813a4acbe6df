"""What a run of the benchmarks says: the table, and the same as JSON."""

import dataclasses
import importlib.metadata
import json
import math
import os
import pathlib
import platform
import sys
import time

from benchmarks import process
from benchmarks.rates import FEWEST_SECONDS, Comparison, Figure
from benchmarks.scaling import Scaled

PACKAGES = ("apache-beam", "keras", "numba", "numpy", "pyarrow", "tensorflow", "tensorflow-transform", "tfx-bsl")


def machine() -> dict:
    """The machine and what runs on it; `load` is the average of the last minute, of whoever else is there."""
    cpu = platform.processor() or platform.machine()
    if sys.platform == "linux":
        lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
        cpu = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), cpu)
    return {
        "cpu": cpu,
        "cores": len(process.cores()),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1),
        "system": platform.platform(),
        "load": os.getloadavg()[0],
        "versions": {
            "python": platform.python_version(),
            **{name: importlib.metadata.version(name) for name in PACKAGES},
        },
    }


def stages(runs: list[dict], folder: pathlib.Path) -> list[dict]:
    """Where each model's largest scoring run spent its time: seconds by stage, summed over threads."""
    found = {}
    for run in runs:
        if "this_run" in run and run["rows"] >= found.get(run["model"], run)["rows"]:
            found[run["model"]] = run
    return [
        {
            "model": pathlib.Path(model).relative_to(folder).parts[0],
            "rows": run["rows"],
            "seconds": run["this_run"]["seconds_by_stage"],
        }
        for model, run in found.items()
    ]


def figure(value: float) -> str:
    """A number with three or so digits that count.

    >>> figure(1234.5), figure(12.34), figure(0.561), figure(math.nan)
    ('1,234', '12.3', '0.56', '-')
    """
    if math.isnan(value):
        return "-"
    return f"{value:,.{0 if value >= 100 else 1 if value >= 10 else 2}f}"


def comparison_lines(compared: list[Comparison]) -> list[str]:
    rows = [("", "measured", "against", "measured", "ratio", "wanted")]
    for one in compared:
        missed = ", missed" if one.reached is False else ""
        wanted = f"{'at most' if one.at_most else 'at least'} {one.wanted:g}{missed}"
        baseline = one.baseline
        rows.append((one.ours.name, with_unit(one.ours), baseline.name, with_unit(baseline), figure(one.ratio), wanted))
    samples = {each.name: each.sample for one in compared for each in (one.ours, one.baseline)}
    lines = [*aligned(rows), "", *(f"  {name}: {sample}" for name, sample in samples.items())]
    if any(math.isnan(value) for one in compared for each in (one.ours, one.baseline) for value in each.values):
        lines += ["", f"  -: many reviews took less than {FEWEST_SECONDS} s more than few; give more --reviews"]
    return lines


def aligned(rows: list[tuple[str, ...]]) -> list[str]:
    """Columns as wide as their widest cell.

    >>> aligned([("a", "bcd"), ("ef", "g")])
    ['a   bcd', 'ef  g']
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def with_unit(one: Figure) -> str:
    return f"{figure(one.median)} {one.unit}" if one.values else "-"


def stage_lines(found: list[dict]) -> list[str]:
    lines = []
    for one in found:
        total = sum(one["seconds"].values())
        told = ", ".join(f"{stage} {took:.1f} s ({took / total:.0%})" for stage, took in one["seconds"].items())
        lines.append(f"  {one['rows']:,} rows with {one['model']}: {told}")
    return ["Scoring by stage, summed over threads", *lines] if lines else []


def scaling_lines(found: list[Scaled]) -> list[str]:
    rows = [("job", "rows", "cores", "seconds", "peak MB")]
    rows += [(one.job, f"{one.rows:,}", f"{one.cores}", f"{one.seconds:.1f}", f"{one.peak_mb:,.0f}") for one in found]
    return ["Time, start-up included, and peak memory", *aligned(rows)] if found else []


def table(report: dict, compared: list[Comparison], scaled: list[Scaled]) -> str:
    """The whole table as text."""
    about = report["machine"]
    lines = [
        f"{about['cpu']}, {about['cores']} cores, {about['memory_gb']} GB, load {about['load']:.1f} before; "
        f"{report['date']}; "
        f"{report['reviews']:,} reviews of {report['mean_words']:g} words; vectors {report['vectors']}; "
        f"medians of {report['repeats']}",
        "",
    ]
    if about["load"] > 1:
        lines += [
            "The machine was busy with other things before: trust no ratio of what uses one core to what uses all",
            "",
        ]
    parts = [comparison_lines(compared) if compared else [], stage_lines(report["stages"]), scaling_lines(scaled)]
    for part in filter(None, parts):
        lines += [*part, ""]
    return "\n".join(lines)


def of(place, about: dict, compared: list[Comparison], scaled: list[Scaled]) -> dict:
    """All that was measured, for JSON."""
    return {
        "date": time.strftime("%Y-%m-%d"),
        "machine": about,
        **{name: getattr(place, name) for name in ("reviews", "mean_words", "vectors", "repeats")},
        "comparisons": [
            {
                **dataclasses.asdict(one),
                "ours_median": one.ours.median,
                "baseline_median": one.baseline.median,
                "ratio": one.ratio,
                "reached": one.reached,
            }
            for one in compared
        ],
        "stages": stages(place.runs, place.folder),
        "scaling": [dataclasses.asdict(one) for one in scaled],
        "runs": place.runs,
    }


def write(path: pathlib.Path, report: dict) -> None:
    """Writes it as JSON, with null for what could not be told."""
    path.parent.mkdir(exist_ok=True)
    told = json.loads(json.dumps(report), parse_constant=lambda _: None)
    path.write_text(json.dumps(told, indent=2, allow_nan=False) + "\n")
