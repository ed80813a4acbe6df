"""What the README shows runs as it stands there."""

import json
import pathlib
import re

import pandas as pd

README = (pathlib.Path(__file__).parent.parent / "README.md").read_text()


def test_the_pipeline_of_one_s_own(rows, cnn, tmp_path):
    code = next(block for block in re.findall(r"```python\n(.*?)```", README, re.DOTALL) if "def run" in block)
    pd.DataFrame([*rows[:50], {**rows[50], "text": ""}]).to_parquet(tmp_path / "in.parquet")
    names: dict = {}
    exec(code, names)
    names["run"](str(tmp_path / "in.parquet"), str(cnn), str(tmp_path / "out"))
    found = [json.loads(line) for path in (tmp_path / "out").glob("scores*") for line in path.open()]
    assert {row["id"]: row["stars"] for row in found} == {row["id"]: row["score"] for row in rows[:50]}
    [reject] = [json.loads(line) for path in (tmp_path / "out").glob("rejects*") for line in path.open()]
    assert (reject["reason"], reject["row"]["id"]) == ("empty_text", "r50")
