"""A shard is written bit by bit: memory holds blocks of an extent, and never all of it."""

import pathlib
import subprocess
import sys

import pytest

from tests.helpers.reviews import write_csv

MEGABYTE = 1 << 20
# Prints the peak in kilobytes; a job has its sizes fixed by `extent_bytes`.
RUN = """
import resource, sys
from beam_pipelines.archive import extents

extent_bytes = int(sys.argv.pop(1))
extents.Sizes.of = classmethod(lambda cls, archive_bytes: cls(1 << 20, extent_bytes))
from beam_pipelines import score

assert score.main(sys.argv[1:]) == 0
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // (1 if sys.platform == "linux" else 1024))
"""


def peak_megabytes(archive: pathlib.Path, model: pathlib.Path, output: pathlib.Path, extent_bytes: int) -> float:
    where = [f"--input={archive}", f"--model={model}", f"--output={output}", "--text_column=text", "--id_column=id"]
    ended = subprocess.run(
        [sys.executable, "-c", RUN, str(extent_bytes), *where, "--keep_columns=*,given=score"],
        check=True,
        capture_output=True,
        text=True,
    )
    return int(ended.stdout.split()[-1]) / 1024


@pytest.mark.slow
def test_memory_does_not_grow_with_the_extent(rows, cnn, tmp_path):
    filler = "x" * 4000  # What is carried along, and costs no time to score.
    many = [{**row, "id": f"{row['id']}-{copy}", "more": f"{copy}{filler}"} for copy in range(36) for row in rows]
    archive = write_csv(tmp_path / "large.csv", many)
    assert archive.stat().st_size > 56 * MEGABYTE
    of_blocks = peak_megabytes(archive, cnn, tmp_path / "blocks", MEGABYTE)
    of_one = peak_megabytes(archive, cnn, tmp_path / "one", 64 * MEGABYTE)
    assert len(list((tmp_path / "blocks/scores").iterdir())) > 50
    assert len(list((tmp_path / "one/scores").iterdir())) == 1
    assert of_one < 1.1 * of_blocks, (of_one, of_blocks)
