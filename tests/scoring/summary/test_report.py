"""The report of a scoring job: one file, escaped, readable from a summary alone."""

import dataclasses
import re

from beam_pipelines.artifacts.exports import Verdict
from beam_pipelines.scoring.summary import job_summary, report
from beam_pipelines.scoring.summary.job_summary import RunMetrics
from beam_pipelines.scoring.summary.row_examples import RANKINGS, RankedRow, RejectExample
from beam_pipelines.scoring.summary.statistics import Statistics
from tests.helpers.pages import NASTY, Tags
from tests.helpers.summaries import INFO, statistics_of

RUN = RunMetrics(
    rows_scored=10,
    rows_rejected=2,
    seconds=2.0,
    rows_per_second=6.0,
    mb_per_second=0.1,
    seconds_by_stage={"tokenise": 1.5, "load": 0.5, "write": 0.1},
)


BY_FILE = {"in/a.csv": {"rows_read": 12, "rows_scored": 10, "rows_rejected": 2}}


def page(tmp_path, **changed) -> str:
    summary = job_summary.summary_of(statistics_of(0, **changed), BY_FILE, INFO)
    report.write(str(tmp_path), summary, RUN, {})
    return (tmp_path / "report.html").read_text()


def test_it_is_one_file_with_its_figures_inside(tmp_path):
    tags = Tags(page(tmp_path))
    assert tags.count["img"] == 2
    assert all(link.startswith("data:image/png;base64,") for link in tags.links)


def test_it_has_all_that_the_summary_has(tmp_path):
    told = re.sub("<[^>]*>", " ", page(tmp_path))
    titles = [ranking.title for ranking in RANKINGS.values()]
    for title in (*titles, "Rows by file", "Rejected rows", "Against the true scores", "This run"):
        assert title in told
    assert "12 rows read: 10 scored, 2 rejected (bad 2)." in told
    assert "25.0% of the places for tokens in them were padding" in told
    assert told.index("loading the model") < told.index("making tokens of text") < told.index("statistics and writing")


def test_text_is_escaped(tmp_path):
    rows = [RankedRow(NASTY, "in/a.csv", 1, score=1.0, low=0.0, high=2.0, text=NASTY + "\x00")]
    found = page(
        tmp_path,
        best=rows,
        worst=rows,
        least_certain=rows,
        reject_examples={"bad": [RejectExample("in/a.csv", 1, NASTY)]},
        unknown_tokens={NASTY: 3},
    )
    assert "script" not in Tags(found).count
    assert found.count("&lt;script&gt;alert(") == 8
    assert "\x00" not in found


def test_many_files_are_summed(tmp_path):
    sums = {"rows_read": 2, "rows_scored": 1, "rows_rejected": 1}
    by_file = {f"{number}.csv": sums for number in range(25)}
    table = report._files(by_file, {**sums, "rows_read": 50}).table
    assert len(table["rows"]) == report.SHOWN_FILES + 2
    assert table["rows"][-2] == ["5 more files", 10, 5, 5]
    assert table["rows"][-1][:2] == ["together", 50]


def test_a_model_that_is_no_better_than_the_median_is_told(tmp_path):
    info = dataclasses.replace(
        INFO, verdict=Verdict("test", 20.0, {"median": 19.0}, "The model is no better than that.")
    )
    assert report.headline(job_summary.summary_of(statistics_of(0), BY_FILE, info)).endswith(
        " The model is no better than that."
    )
    assert job_summary.summary_of(statistics_of(0), BY_FILE, INFO).verdict == ""


def test_a_job_without_rows_has_a_report(tmp_path):
    empty = Statistics(score_histogram=[0] * 10, tokens_histogram=[0] * 29, known_share_histogram=[0] * 20)
    report.write(str(tmp_path), job_summary.summary_of(empty, {}, INFO), RUN, {})
    assert "0 rows read: 0 scored, 0 rejected." in (tmp_path / "report.html").read_text()
