"""What the README shows runs as it stands there."""

import json
import pathlib
import re

import pandas as pd

README = (pathlib.Path(__file__).parent.parent / "README.md").read_text()


def lines(folder: pathlib.Path, name: str) -> list[dict]:
    return [json.loads(line) for path in folder.glob(f"{name}*") for line in path.open()]


def test_the_pipeline_of_one_s_own(rows, cnn, tmp_path, monkeypatch):
    code = next(block for block in re.findall(r"```python\n(.*?)```", README, re.DOTALL) if "def run" in block)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "dump").mkdir()
    (tmp_path / "trained").symlink_to(cnn)
    table = pd.DataFrame([*rows[:50], {**rows[50], "text": ""}])
    table.rename(columns={"text": "body"}).to_parquet("dump/a.parquet")
    names: dict = {}
    exec(code, names)
    assert {row["id"]: row["stars"] for row in lines(tmp_path / "scored", "scores")} == {
        row["id"]: row["score"] for row in rows[:50]
    }
    [reject] = lines(tmp_path / "scored", "rejects")
    assert (reject["reason"], reject["row"]["id"]) == ("empty_text", "r50")

    # Whatever columns there are.
    table[["text"]].assign(day=pd.Timestamp("2020-02-02")).to_parquet("other.parquet")
    names["run"]("other.parquet", "trained", "other", text_column="text")
    assert [row["day"] for row in lines(tmp_path / "other", "scores")] == ["2020-02-02 00:00:00"] * 50
