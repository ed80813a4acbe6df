"""A damaged file does not end a job in the middle: all else is written, and then it is named."""

import gzip
import json
import pathlib
import re
import zlib
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from beam_pipelines import preprocess, score
from beam_pipelines.errors import UserError
from tests.helpers.commands import run_preprocess, run_score
from tests.helpers.rejects import rejected
from tests.helpers.reviews import write_csv

COLUMNS = ["--id_column=id"]
TOO_MUCH = r"of the rows were rejected, most often for damaged_file \(1\), [\d.]+% of the archive cannot be read"
RATED = ["--score_column=score", "--id_column=id"]


@pytest.fixture(params=["cut", "changed"])
def harm(request) -> str:
    """A file that ends too early tells not what it lacks; of another one, what is behind its damage is there."""
    return request.param


@pytest.fixture
def dump(rows, tmp_path, harm) -> pathlib.Path:
    """300 good rows, and a file that is damaged in its middle, so far from its start that nobody sees it at first."""
    folder = tmp_path / "dump"
    folder.mkdir()
    write_csv(folder / "a.csv", rows[:300])
    random = np.random.default_rng(5)
    noisy = [{**row, "text": f"{row['text'][:40]} {random.bytes(1000).hex()}"} for row in rows[300:370]]
    first = write_csv(tmp_path / "first.csv", noisy).read_bytes()
    packing = zlib.compressobj(wbits=zlib.MAX_WBITS | 16)
    good = packing.compress(first) + packing.flush(zlib.Z_FULL_FLUSH)
    assert len(good) > 1 << 16
    # No block of deflate begins with such a byte.
    (folder / "b.csv.gz").write_bytes(good if harm == "cut" else good + b"\xff" * (len(good) // 2))
    return folder


def refused(main: Callable[[list[str]], int], flags: list[str], told: str) -> int:
    """The exit status of a command that ends with an error."""
    with pytest.raises(UserError, match=told) as ended:
        main(flags)
    return ended.value.status


def check_rejects(dump: pathlib.Path, output: pathlib.Path) -> None:
    [reject] = rejected(output)
    assert (reject["file"], reject["reason"]) == (f"{dump}/b.csv.gz", "damaged_file")
    size = (dump / "b.csv.gz").stat().st_size
    lost = rf"[\d,]+ of {size:,} bytes are not read|how much is missing is not known"
    assert re.fullmatch(rf"damaged behind uncompressed byte [\d,]+: .*; ({lost})", reject["raw"])


def test_scoring_writes_all_else_and_then_names_the_file(dump, harm, cnn, tmp_path, caplog):
    output = tmp_path / "out"
    flags = [f"--input={dump}", f"--model={cnn}", f"--output={output}", "--text_column=text", *COLUMNS]
    told = (
        rf"{re.escape(str(dump))}/b\.csv\.gz is damaged .*; all else is written: replace what is damaged and begin "
        "anew, or add --resume --damaged_files reject to do without the rest of it"
    )
    assert refused(score.main, flags, told) == 2
    ids = pd.read_parquet(output / "scores")["id"].tolist()
    assert ids == [f"r{number}" for number in range(370)]
    check_rejects(dump, output)
    summary = json.loads((output / "summary.json").read_text())
    assert summary["rows_scored"] == 370
    assert summary["rejected_by_reason"] == {"damaged_file": 1}
    [damaged] = summary["damaged"]
    assert damaged == f"{dump}/b.csv.gz"
    scores = {path: path.stat().st_mtime_ns for path in (output / "scores").iterdir()}
    # What is known to be lost counts as much as if it had been rejected row by row.
    if harm == "changed":
        assert refused(score.main, [*flags, "--resume", "--damaged_files=reject"], TOO_MUCH) == 3
    assert score.main([*flags, "--resume", "--damaged_files=reject", "--max_rejected_share=0.6"]) == 0
    told = [record.getMessage() for record in caplog.records if "the rest of it is left out" in record.getMessage()][-1]
    assert told.startswith(f"{damaged} is damaged behind uncompressed byte ")
    assert {path: path.stat().st_mtime_ns for path in (output / "scores").iterdir()} == scores


def test_preprocess_writes_all_else_and_then_names_the_file(dump, harm, tmp_path):
    output = tmp_path / "out"
    flags = [f"--input={dump}", f"--output={output}", "--text_column=text", *RATED]
    told = (
        rf"{re.escape(str(dump))}/b\.csv\.gz is damaged .*; all else is written: replace what is damaged and begin "
        "anew, or add --overwrite --damaged_files reject to do without the rest of it"
    )
    assert refused(preprocess.main, flags, told) == 2
    check_rejects(dump, output)
    assert json.loads((output / "statistics.json").read_text())["rows"]["kept"] == 370
    if harm == "changed":
        assert refused(preprocess.main, [*flags, "--overwrite", "--damaged_files=reject"], TOO_MUCH) == 3
    enough = ["--overwrite", "--damaged_files=reject", "--max_rejected_share=0.6"]
    assert run_preprocess(tmp_path, dump, *RATED, *enough)["rows"]["kept"] == 370


def test_a_file_that_is_damaged_where_it_begins_costs_itself_alone(rows, cnn, tmp_path):
    (tmp_path / "in").mkdir()
    write_csv(tmp_path / "in/a.csv", rows[:40])
    (tmp_path / "in/b.csv.gz").write_bytes(gzip.compress(b"id,text\nr1,fine\n")[:12])
    with pytest.raises(UserError, match=r"in/b\.csv\.gz is .*; all else is written"):
        run_score(tmp_path / "in", cnn, tmp_path / "out")
    assert json.loads((tmp_path / "out/summary.json").read_text())["rows_scored"] == 40
    assert [(reject["reason"], reject["place"]) for reject in rejected(tmp_path / "out")] == [("damaged_file", 0)]


def test_where_all_files_are_damaged_no_work_begins(cnn, tmp_path):
    (tmp_path / "in").mkdir()
    for name in "ab":
        (tmp_path / f"in/{name}.csv.gz").write_bytes(gzip.compress(b"id,text,score\nr1,fine,3\n")[:12])
    with pytest.raises(UserError, match=r"in/a\.csv\.gz"):
        run_score(tmp_path / "in", cnn, tmp_path / "out")
    with pytest.raises(UserError, match=r"in/a\.csv\.gz"):
        run_preprocess(tmp_path, tmp_path / "in", *RATED)
    assert not (tmp_path / "out").exists()
