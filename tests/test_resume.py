"""A job that was killed goes on: it loses, doubles and redoes nothing, and ends as if nothing had happened."""

import dataclasses
import json
import os
import pathlib
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import time

import pandas as pd
import pytest

from beam_pipelines import score
from beam_pipelines.archive import inputs
from beam_pipelines.errors import UserError
from beam_pipelines.scoring.summary.finished_extent import FinishedExtent
from tests.helpers.reviews import write_csv

OF_THE_RUN = ("this_run", "settings")


@pytest.fixture(scope="module")
def dump(tmp_path_factory, rows) -> pathlib.Path:
    """Some dozens of extents of some blocks each, in files of three kinds, with rows that cannot be scored."""
    folder = tmp_path_factory.mktemp("dump")
    many = [{**row, "id": f"{row['id']}-{copy}"} for copy in range(30) for row in rows]
    many = [{**row, "text": "" if place % 97 == 0 else row["text"]} for place, row in enumerate(many)]
    write_csv(folder / "a.csv", many[:5000])
    pd.DataFrame(many[5000:8000]).to_json(folder / "b.jsonl.gz", orient="records", lines=True)
    pd.DataFrame(many[8000:]).to_parquet(folder / "c.parquet", row_group_size=1500)
    return folder


def arguments(dump, model, output, *flags: str) -> list[str]:
    where = ["--input", f"{dump}/*", "--model", str(model), "--output", str(output)]
    return [*where, "--text_column=text", "--id_column=id", "--max_rejected_share=1", *flags]


@pytest.fixture
def small_extents(monkeypatch):
    from beam_pipelines.archive import extents

    monkeypatch.setattr(extents, "MIN_BLOCK_BYTES", 20_000)
    monkeypatch.setattr(extents, "WANTED_BLOCKS", 1 << 30)
    monkeypatch.setattr(extents, "WANTED_EXTENTS", 40)


# A process of its own has its blocks made small by this.
SMALL = (
    "from beam_pipelines.archive import extents; extents.MIN_BLOCK_BYTES = 20_000; "
    "extents.WANTED_BLOCKS, extents.WANTED_EXTENTS = 1 << 30, 40; "
)
RUN = (
    SMALL + "from beam_pipelines import score; from beam_pipelines.commands import entry; entry.run_command(score.main)"
)


def contents(folder: pathlib.Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def shards(folder: pathlib.Path) -> dict[str, bytes]:
    return {name: data for name, data in contents(folder).items() if name.startswith(("scores", "rejected", "stat"))}


def summary(folder: pathlib.Path) -> dict:
    found = json.loads((folder / "summary.json").read_text())
    return {name: value for name, value in found.items() if name not in OF_THE_RUN}


@pytest.fixture(scope="module")
def undisturbed(dump, cnn, tmp_path_factory) -> pathlib.Path:
    output = tmp_path_factory.mktemp("undisturbed") / "out"
    subprocess.run([sys.executable, "-c", RUN, *arguments(dump, cnn, output)], check=True, capture_output=True)
    assert len(list((output / "scores").iterdir())) > 40
    return output


def test_what_is_missing_is_made_again_and_what_stands_is_not_touched(dump, cnn, undisturbed, tmp_path, small_extents):
    shutil.copytree(undisturbed, tmp_path / "out")
    names = sorted(path.name for path in (tmp_path / "out/scores").iterdir())
    for name in (names[0], *names[7:30:5], names[-1]):
        (tmp_path / "out/scores" / name).unlink()
    (tmp_path / "out/summary.json").unlink()
    (tmp_path / "out/.tmp").mkdir()
    (tmp_path / "out/.tmp/half").write_bytes(b"half a shard")
    left = {path: path.stat().st_mtime_ns for path in (tmp_path / "out/scores").iterdir()}
    assert score.main(arguments(dump, cnn, tmp_path / "out", "--resume")) == 0
    assert shards(tmp_path / "out") == shards(undisturbed)
    assert {path: path.stat().st_mtime_ns for path in left} == left
    assert summary(tmp_path / "out") == summary(undisturbed)
    run = json.loads((tmp_path / "out/summary.json").read_text())["this_run"]
    assert 0 < run["rows_scored"] < 0.3 * summary(undisturbed)["rows_scored"]
    assert not (tmp_path / "out/.tmp").exists()


@pytest.mark.parametrize("kind", ["scores", "rejected", "statistics"])
def test_what_is_damaged_is_made_again(dump, cnn, undisturbed, tmp_path, small_extents, kind):
    shutil.copytree(undisturbed, tmp_path / "out")
    path = sorted((tmp_path / "out" / kind).iterdir())[1]
    path.write_bytes(path.read_bytes()[:-5])
    assert score.main(arguments(dump, cnn, tmp_path / "out", "--resume")) == 0
    assert shards(tmp_path / "out") == shards(undisturbed)
    assert summary(tmp_path / "out") == summary(undisturbed)
    run = json.loads((tmp_path / "out/summary.json").read_text())["this_run"]
    assert 0 < run["rows_scored"] < 0.1 * summary(undisturbed)["rows_scored"]


def test_a_job_that_is_done_is_not_done_again(dump, cnn, undisturbed, tmp_path, small_extents):
    shutil.copytree(undisturbed, tmp_path / "out")
    assert score.main(arguments(dump, cnn, tmp_path / "out", "--resume")) == 0
    assert shards(tmp_path / "out") == shards(undisturbed)
    assert json.loads((tmp_path / "out/summary.json").read_text())["this_run"]["rows_scored"] == 0


def test_a_job_stays_with_the_engine_that_it_began_with(dump, cnn, undisturbed, tmp_path, small_extents):
    """Two engines agree up to rounding, which is not byte for byte."""
    shutil.copytree(undisturbed, tmp_path / "out")
    for path in (tmp_path / "out/statistics").iterdir():
        extent = FinishedExtent.from_json(json.loads(path.read_text()))
        assert extent.statistics.engines == ["compiled"]
        statistics = dataclasses.replace(extent.statistics, engines=["saved_model"])
        path.write_text(json.dumps(dataclasses.replace(extent, statistics=statistics).to_json()))
    missing = sorted((tmp_path / "out/scores").iterdir())[3]
    missing.unlink()
    assert score.main(arguments(dump, cnn, tmp_path / "out", "--resume")) == 0
    assert summary(tmp_path / "out")["engines"] == ["saved_model"]
    assert summary(undisturbed)["engines"] == ["compiled"]
    for folder, engine in ((tmp_path / "out", "saved_model"), (undisturbed, "compiled")):
        assert json.loads((folder / "manifest.json").read_text())["engines"] == [engine]


@pytest.mark.slow
def test_killed_at_ten_moments_it_ends_as_if_nothing_had_happened(dump, cnn, undisturbed, tmp_path):
    """Ten real processes are killed, each after a random time within the work."""
    output = tmp_path / "out"
    command = [sys.executable, "-c", RUN, *arguments(dump, cnn, output, "--resume")]
    moments = random.Random(11)
    stood: dict[pathlib.Path, int] = {}
    kills = 0
    while kills < 10:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        before = len(list(output.glob("scores/*")))
        # The start alone takes seconds: the clock of most kills runs from the first new shard on.
        while kills % 3 and len(list(output.glob("scores/*"))) == before and process.poll() is None:
            time.sleep(0.01)
        time.sleep(moments.uniform(0, 0.1) if kills % 3 else moments.uniform(0, 8))
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
            process.wait()
            kills += 1
            assert {path: path.stat().st_mtime_ns for path in stood} == stood
            stood = {path: path.stat().st_mtime_ns for path in output.glob("scores/*")}
        else:
            # It was done before it could be killed: the rest of the kills hit another job.
            assert process.returncode == 0
            assert shards(output) == shards(undisturbed)
            shutil.rmtree(output)
            stood = {}
    subprocess.run(command, check=True, capture_output=True)
    assert {path: path.stat().st_mtime_ns for path in stood} == stood
    assert shards(output) == shards(undisturbed)
    assert summary(output) == summary(undisturbed)


@pytest.mark.slow
def test_a_disk_that_is_full_ends_the_job_with_a_sentence_and_it_goes_on_later(dump, cnn, undisturbed, tmp_path):
    """A limit on the size of a file gives the same kind of error in the same place as a full disk."""
    output = tmp_path / "out"
    command = [sys.executable, "-c", RUN, *arguments(dump, cnn, output, "--resume")]
    largest = max(path.stat().st_size for path in (undisturbed / "scores").iterdir())

    def limited():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest - 1, largest - 1))

    failed = subprocess.run(
        command,
        capture_output=True,
        text=True,
        preexec_fn=limited,
        env={**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)},
    )
    assert failed.returncode not in (0, 2)
    assert "File too large" in failed.stderr.splitlines()[-1]
    assert "Traceback" not in failed.stderr
    assert not list(output.glob(".tmp/*"))
    subprocess.run(command, check=True, capture_output=True)
    assert shards(output) == shards(undisturbed)
    assert summary(output) == summary(undisturbed)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (["--text_column=title"], "settings text_column was text and is title"),
        (["--keep_columns=title", "--explain"], "settings explain was False and is True"),
        (["--output_format=csv"], "settings output_format was parquet and is csv"),
        (["--encoding=latin-1"], "settings encoding was utf-8 and is iso8859-1"),
    ],
)
def test_other_settings_are_refused_with_their_names(dump, cnn, undisturbed, small_extents, change, told):
    before = contents(undisturbed)
    with pytest.raises(UserError, match=f"--resume: the job in {undisturbed} was another one: .*{told}"):
        score.main(arguments(dump, cnn, undisturbed, "--resume", *change))
    assert contents(undisturbed) == before


def test_a_changed_archive_or_model_is_refused(dump, cnn, undisturbed, tmp_path, small_extents):
    changed = tmp_path / "dump"
    shutil.copytree(dump, changed)
    shutil.copytree(undisturbed, tmp_path / "out")
    manifest = tmp_path / "out/manifest.json"
    manifest.write_text(manifest.read_text().replace(str(dump), str(changed)))
    resume = arguments(changed, cnn, tmp_path / "out", "--resume")
    found = [
        dataclasses.replace(file, path=file.path.replace(str(dump), str(changed)))
        for file in inputs.read(str(tmp_path / "out"))
    ]
    inputs.write(str(tmp_path / "out"), found)
    os.utime(changed / "b.jsonl.gz", (1, 1))
    (changed / "a.csv").unlink()
    (changed / "new.csv").write_text("id,title,text,score\n")
    with pytest.raises(UserError) as refused:
        score.main(resume)
    for told in (
        "b.jsonl.gz was written again",
        "a.csv is gone",
        "new.csv is new",
    ):
        assert re.search(told, str(refused.value)), str(refused.value)
    other = tmp_path / "model"
    shutil.copytree(cnn, other)
    extra = next(other.glob("export/reviews/*/assets.extra/reviews.json"))
    about = json.loads(extra.read_text())
    about["digests"]["saved_model.pb"] = "another"
    extra.write_text(json.dumps(about))
    with pytest.raises(UserError, match=r"model_digest was \w{8}\.\.\. and is \w{8}\.\.\.;"):
        score.main(arguments(dump, other, undisturbed, "--resume"))


def test_what_no_job_wrote_is_not_resumed(archive, cnn, tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(UserError, match=r"no manifest.json: no job wrote it, so --resume goes on with nothing"):
        score.main(arguments(archive.parent, cnn, tmp_path, "--resume"))
