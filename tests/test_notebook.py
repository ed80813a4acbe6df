"""Inside IPython, as in Jupyter, the jobs and the step work, and leave the notebook's logging as it was."""

import json
import os
import pathlib
import subprocess
import sys

import pandas as pd
import pytest

CELLS = """
import logging
logging.basicConfig(format="notebook: %(message)s")

from beam_pipelines import score
arguments = ["--input={archive}", "--model={model}", "--text_column=text", "--id_column=id"]
print("status", score.main([*arguments, "--output=called"]))

%run -m beam_pipelines.score -- --input={archive} --model={model} --text_column=text --id_column=id --output=run1
%run -m beam_pipelines.score -- --input={archive} --model={model} --text_column=text --id_column=id --output=run2
logging.getLogger().warning("after the jobs")

import apache_beam as beam
import pyarrow as pa
from beam_pipelines.scoring import ScoreReviews

def write(batch):
    with open("step.json", "w") as file:
        json.dump(batch.to_pylist(), file)

import json
with beam.Pipeline(runner="FnApiRunner") as root:
    batches = root | beam.Create([pa.RecordBatch.from_pylist([{{"id": "a", "text": "good"}}])], reshuffle=False)
    scored = batches | ScoreReviews(model="{model}", text_column="text", keep_columns="id")
    _ = scored.scores | beam.Map(write)
print("the end")
"""


@pytest.fixture(scope="module")
def session(archive, cnn, tmp_path_factory) -> tuple[pathlib.Path, subprocess.CompletedProcess]:
    """The folder of a session, and what it printed."""
    folder = tmp_path_factory.mktemp("notebook")
    (folder / "cells.ipy").write_text(CELLS.format(archive=archive, model=cnn))
    command = [sys.executable, "-m", "IPython", "--no-banner", "--colors=NoColor", "cells.ipy"]
    environment = {**os.environ, "IPYTHONDIR": str(folder / "ipython")}
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, env=environment)
    return folder, done


def test_a_job_returns_its_status(session):
    folder, done = session
    assert "status 0\n" in done.stdout, done.stderr
    assert done.stdout.endswith("the end\n")
    for output in ("called", "run1", "run2"):
        assert len(pd.read_parquet(folder / output / "scores")) == 400


def test_the_step_scores(session):
    [row] = json.loads((session[0] / "step.json").read_text())
    assert row["id"] == "a"
    assert 0 <= row["score"] <= 100


def test_each_line_of_the_log_stands_there_once(session):
    """Once for each of the two that were run as programs, and the notebook's own log speaks afterwards."""
    _, done = session
    assert done.stderr.count(" scoring 1 files, ") == 2
    assert done.stderr.count("notebook: after the jobs\n") == 1
