"""Measures whether the memory of bulk scoring grows with the archive.

    python -m benchmarks.memory --model demo/trained

Scores 1,000,000 short reviews and 100,000 long ones, and a tenth of each, made of the whole IMDB
reviews of `make demo`: the first words of one, or two in a row. As CSV, and the long ones also as
Parquet in one row group. Prints the peak of each process and the ratios; it takes some 6 minutes on
2 cores.
"""

import argparse
import csv
import pathlib
import sys
import tempfile

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks import process
from demo import corpora

SHORT_WORDS = 20


def texts(work: pathlib.Path) -> list[str]:
    """The whole reviews."""
    path = work / "whole.csv"
    corpora.whole_reviews(path)
    with path.open(newline="", encoding="utf-8") as file:
        return [row["text"] for row in csv.DictReader(file)]


def short(found: list[str], place: int) -> str:
    return " ".join(found[place % len(found)].split()[:SHORT_WORDS])


def long(found: list[str], place: int) -> str:
    return f"{found[place % len(found)]} {found[(7 * place + 1) % len(found)]}"


def write(path: pathlib.Path, rows: list[str]) -> None:
    """Writes rows as CSV or Parquet, by the name."""
    if path.suffix == ".parquet":
        pq.write_table(pa.table({"text": rows}), path, row_group_size=len(rows))
        return
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["text"])
        writer.writerows([row] for row in rows)


def main(argv=None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True)
    parser.add_argument("--short_rows", type=int, default=1_000_000)
    parser.add_argument("--long_rows", type=int, default=100_000)
    given = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        found = texts(work)
        for make, rows, extension in (
            (short, given.short_rows, "csv"),
            (long, given.long_rows, "csv"),
            (long, given.long_rows, "parquet"),
        ):
            peaks = []
            for count in (rows // 10, rows):
                archive = work / f"{make.__name__}-{count}.{extension}"
                write(archive, [make(found, place) for place in range(count)])
                output = work / f"{archive.name}-scored"
                flags = {"input": archive, "model": given.model, "output": output, "text_column": "text"}
                peaks.append(process.run("beam_pipelines.score", **flags).peak_mb)
            print(
                f"{rows:,} {make.__name__} rows of {extension}: {peaks[1]:,.0f} MB, a tenth {peaks[0]:,.0f} MB, "
                f"ratio {peaks[1] / peaks[0]:.2f}",
                flush=True,
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
