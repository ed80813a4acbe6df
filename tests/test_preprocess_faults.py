"""The whole job on what it cannot use: one sentence says what to do, and nothing of the user's is touched."""

import pandas as pd
import pytest

from beam_pipelines.errors import UserError
from tests.helpers.commands import run_preprocess
from tests.helpers.rejects import rejected
from tests.helpers.reviews import write_csv


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--score_column=none"], r"reviews.csv has no column 'none'; it has: id, title, score, text"),
        (["--score_column=score", "--embeddings=no/glove.txt"], "--embeddings no/glove.txt: there is no such file"),
        (
            ["--score_column=title"],
            r"no rated row at all: 400 rows read, 400 rejected .score_not_a_number 400., 0 skipped; read the "
            "number in the text with --title_column COLUMN --score_pattern '.+%'",
        ),
        (["--title_column=text"], r"skipped .title_without_score 400.; does --score_pattern fit the titles"),
        (
            ["--score_column=score", "--trained_tokens=0"],
            "--trained_tokens 0 without --embeddings leaves no vocabulary",
        ),
        (["--score_column=score", "--sample_share=0"], "no token to learn from: no rated row with words fell into"),
        (["--score_column=score", "--score_max=50"], "score_out_of_range .*; are --score_min and --score_max right"),
    ],
)
def test_mistakes_get_one_sentence(tmp_path, archive, flags, message):
    with pytest.raises(UserError, match=message):
        run_preprocess(tmp_path, archive, *flags)


def test_a_refused_job_is_no_obstacle_to_the_right_one(tmp_path, archive):
    """Its rejects can be looked at until then."""
    with pytest.raises(UserError, match="no rated row at all: .* see .*out/rejected"):
        run_preprocess(tmp_path, archive, "--score_column=title")
    assert len(rejected(tmp_path / "out")) == 400
    assert run_preprocess(tmp_path, archive, "--score_column=score")["rows"]["kept"] == 400
    assert rejected(tmp_path / "out") == []


def test_a_folder_with_files_is_not_touched(tmp_path, archive):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine")
    with pytest.raises(UserError, match="is not empty, and no job wrote it; choose another folder"):
        run_preprocess(tmp_path, archive, "--score_column=score")
    with pytest.raises(UserError, match="no job wrote it, so --overwrite deletes nothing"):
        run_preprocess(tmp_path, archive, "--score_column=score", "--overwrite")
    assert (tmp_path / "out" / "mine.txt").read_text() == "mine"


def test_the_input_is_never_deleted(tmp_path, rows):
    (tmp_path / "out").mkdir()
    archive = write_csv(tmp_path / "out" / "reviews.csv", rows)
    with pytest.raises(UserError, match=r"out holds .*reviews.csv, which the job reads; choose another folder"):
        run_preprocess(tmp_path, archive, "--score_column=score", "--overwrite")
    assert archive.exists()


def test_a_parquet_file_whose_text_is_none_is_rejected_row_by_row(tmp_path):
    pd.DataFrame({"text": [1, 2, 3], "score": [1, 2, 3]}).to_parquet(tmp_path / "a.parquet")
    with pytest.raises(UserError, match="no rated row at all: 3 rows read, 3 rejected .text_not_a_string 3"):
        run_preprocess(tmp_path, tmp_path / "a.parquet", "--score_column=score")
    assert [reject["place"] for reject in rejected(tmp_path / "out")] == [1, 2, 3]
