"""`--dry_run` tells what a job would do, and writes nothing."""

import re

import pandas as pd
import pytest

from beam_pipelines import preprocess, score
from beam_pipelines.errors import UserError
from tests.helpers.commands import run_score
from tests.helpers.folders import contents
from tests.helpers.reviews import write_csv


@pytest.fixture
def dump(rows, tmp_path):
    """Two files: 60 rows, of which 6 have no text, and one row."""
    folder = tmp_path / "dump"
    folder.mkdir()
    write_csv(
        folder / "a.csv",
        [{**row, "text": "" if place % 10 == 0 else row["text"]} for place, row in enumerate(rows[:60])],
    )
    write_csv(folder / "b.csv", rows[60:61])
    return folder


def dry(command, dump, output, *flags: str) -> int:
    return command.main(
        [f"--input={dump}", f"--output={output}", "--text_column=text", "--id_column=id", *flags, "--dry_run"]
    )


def test_scoring_tells_its_extents_first_rows_rejects_and_cost(dump, rows, cnn, tmp_path, capsys):
    assert dry(score, dump, tmp_path / "out", f"--model={cnn}", "--engine=saved_model") == 0
    assert not (tmp_path / "out").exists()
    first, *shown, share, cost, last = capsys.readouterr().out.splitlines()
    assert re.fullmatch(
        r"2 files, 0\.0 MB: 1 extent of up to 1 MB, each of which becomes a shard of scores \(more, .*\)", first
    )
    # The smallest file comes first.
    names = [re.match(r"  (\S+): ", line)[1] for line in shown]
    assert names[:2] == [rows[60]["id"], rows[1]["id"]]
    assert len(names) == 5
    assert repr(rows[60]["text"][:60]) in shown[0]
    assert share == "a sample of 61 rows: 9.8% would be rejected (empty_text 6)"
    assert re.fullmatch(
        r"about [\d.e-]+ core-hours and [\d.]+ MB of scores, as this machine scored [\d.e-]+ MB with the engine "
        r"saved_model",
        cost,
    )
    assert last == "nothing was written"


def test_the_shown_scores_are_those_of_the_job(dump, cnn, tmp_path, capsys):
    assert dry(score, dump, tmp_path / "none", f"--model={cnn}") == 0
    shown = re.findall(r"^  (\S+): (\S+) \((\S+) to (\S+)\)", capsys.readouterr().out, re.M)
    run_score(dump, cnn, tmp_path / "out", "--max_rejected_share=1", "--id_column=id")
    scores = pd.read_parquet(tmp_path / "out/scores").set_index("id")
    for name, *numbers in shown:
        expected = scores.loc[name, ["score", "score_low", "score_high"]]
        assert [float(number) for number in numbers] == pytest.approx(expected.tolist(), rel=6e-3)
    assert len(shown) == 5


def test_preprocess_tells_its_rows_scores_and_rejects(dump, rows, tmp_path, capsys):
    assert dry(preprocess, dump, tmp_path / "out", "--score_column=score") == 0
    assert not (tmp_path / "out").exists()
    first, *shown, share, last = capsys.readouterr().out.splitlines()
    assert first == "2 files, 0.0 MB: about 61 rows, in 1 extent of up to 1 MB, which are read twice"
    assert shown[0] == f"  r60: {rows[60]['score']:g}  {rows[60]['text'][:60]!r}"
    assert len(shown) == 5
    assert share == "a sample of 61 rows: 55 rated, 9.8% would be rejected (empty_text 6)"
    assert last == "nothing was written"


def test_an_output_that_is_there_stays_as_it_is(dump, cnn, prepared, tmp_path, capsys):
    run_score(dump, cnn, tmp_path / "out", "--max_rejected_share=1", "--id_column=id")
    before = contents(tmp_path / "out"), contents(prepared)
    assert dry(score, dump, tmp_path / "out", f"--model={cnn}") == 0
    assert dry(preprocess, dump, prepared, "--score_column=score") == 0
    assert (contents(tmp_path / "out"), contents(prepared)) == before


def test_what_is_wrong_is_told_as_by_the_job(dump, cnn, tmp_path):
    with pytest.raises(UserError, match="no column 'review'|review"):
        score.main(
            [f"--input={dump}", f"--output={tmp_path}/out", "--text_column=review", f"--model={cnn}", "--dry_run"]
        )
