"""What is compiled while the image is built: all that a worker runs, so that it compiles nothing itself."""

import csv
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest

from deploy.dataflow import warm_up
from tests.helpers.reviews import review

ROOT = pathlib.Path(__file__).parents[2]


@pytest.mark.slow
def test_a_worker_finds_all_of_it(tmp_path, cnn):
    kept, archive = tmp_path / "compiled", tmp_path / "a.csv"
    environment = os.environ | {
        **{"NUMBA_CACHE_DIR": str(kept), "NUMBA_CPU_NAME": "x86-64-v3", "NUMBA_CPU_FEATURES": ""},
        "PYTHONPATH": str(ROOT),
    }
    random = np.random.default_rng(3)
    with archive.open("w", newline="") as file:
        scores = random.integers(0, 100, 5000).tolist()
        csv.writer(file).writerows([("text", "score"), *((review(random, score), score) for score in scores)])

    def run(*arguments: object) -> list[str]:
        subprocess.run([sys.executable, *map(str, arguments)], cwd=tmp_path, env=environment, check=True)
        return sorted(path.name for path in kept.rglob("*.nbc"))

    compiled = run(warm_up.__file__)
    assert len(compiled) > 40
    flags = ["--input", archive, "--text_column=text"]
    prepare = ["beam_pipelines.preprocess", *flags, "--score_column=score", "--output=prepared"]
    score = ["beam_pipelines.score", *flags, "--model", cnn, "--output=scored", "--explain"]
    assert run("-m", *prepare) == run("-m", *score) == compiled
