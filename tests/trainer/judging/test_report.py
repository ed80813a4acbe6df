"""The report of a run: whole in itself, escaped, and silent about the reviews where that is asked."""

import re

import pytest

from tests.helpers.commands import train
from tests.helpers.pages import NASTY, Tags
from tests.helpers.reviews import BAD, GOOD, PLAIN
from trainer.judging import report_sections

PLOTS = {
    "calibration",
    "errors",
    "learning_curves",
    "nearest_words",
    "probes",
    "sample_weights",
    "scores",
    "sequence_lengths",
}


@pytest.fixture(scope="module")
def output(prepared, tmp_path_factory):
    return train(prepared, tmp_path_factory.mktemp("report") / "out", "--epochs=2", f"--probe={NASTY}")


def test_it_is_one_file_with_all_figures_inside(output):
    tags = Tags((output / "report.html").read_text())
    assert tags.count["img"] == len(PLOTS)
    assert all(link.startswith("data:image/png;base64,") for link in tags.links)
    assert {path.stem for path in (output / "plots").glob("*.png")} == PLOTS
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in (output / "plots").iterdir())


def test_it_compares_with_every_baseline(output):
    page = (output / "report.html").read_text()
    for name in report_sections.NAMES.values():
        assert name in page
    for title in ("Bias by true score", "Coverage of the interval by true score", "Width of the interval"):
        assert title in page


def test_text_is_escaped(output):
    page = (output / "report.html").read_text()
    assert "script" not in Tags(page).count
    assert "&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt; &amp; $x_1$" in page


@pytest.mark.slow
def test_the_largest_errors_show_their_words_unless_told_not_to(prepared, output, tmp_path):
    page = (output / "report.html").read_text()
    assert "The largest errors" in page
    assert re.search(r">r\d+<", page)
    silent = train(prepared, tmp_path / "out", "--epochs=1", "--no_text_in_reports")
    page = (silent / "report.html").read_text()
    assert not re.search(r">r\d+<", page)
    page = page.replace("This album is good", "").replace("This album is bad", "")
    of_reviews = [word for word in (*GOOD, *BAD, *PLAIN) if len(word) > 4 and word != "album"]
    assert [word for word in of_reviews if re.search(rf"\b{word}\b", page)] == []
    assert "nearest_words" not in {path.stem for path in (silent / "plots").iterdir()}
