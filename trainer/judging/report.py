"""The report of a training run: one HTML file that needs no other, and its figures as PNG files."""

import json
import pathlib

from beam_pipelines.artifacts import trained
from beam_pipelines.artifacts.prepared import TEST, TRAIN
from beam_pipelines.files import storage
from beam_pipelines.reporting import page
from beam_pipelines.reporting.page import Section
from trainer.judging import report_sections
from trainer.judging.finished_run import FinishedRun

# What of `metrics.json` the last section shows.
HOW_IT_WAS_MADE = (
    "trainer_settings",
    "versions",
    "interval",
    "head",
    "folds",
    "ngram_strength",
    "best_epoch",
    "export",
)


def write(folder: pathlib.Path, run: FinishedRun, *, title: str, probes: tuple[str, ...], with_text: bool) -> None:
    """Writes `report.html` and `plots/*.png`.

    Args:
      folder: The run's.
      run: What is reported.
      title: Of the page.
      probes: Sentences whose scores it shows, besides those that it always has.
      with_text: Whether it may show words of reviews and their ids.
    """
    contents = sections(run, probes=probes, with_text=with_text)
    images = page.images(contents)
    for name, image in images.items():
        storage.write_bytes(str(folder), f"{trained.PLOTS}/{name}.png", image)
    storage.write_bytes(str(folder), trained.REPORT, page.render(title, headline(run), contents, images))


def headline(run: FinishedRun) -> str:
    """Says the result in a few sentences."""
    figures, rows = run.metrics[run.judged_split], run.metrics[TRAIN]["rows"]
    sentences = (
        f"Learned from {rows:,} reviews{_unrated(run)}, on a scale from {run.scale.low:g} to {run.scale.high:g}. "
        f"On {figures['rows']:,} {run.judged_split} reviews the mean absolute error is {figures['mae']:.3g}, "
        f"or {figures['mae_share']:.1%} of the scale"
    )
    # The training split has no baselines beside it.
    if "median" in figures:
        sentences += (
            f" (TF-IDF + logistic regression {figures['tfidf_logistic']['mae_share']:.1%}, TF-IDF + ridge "
            f"{figures['tfidf_ridge']['mae_share']:.1%}, median {figures['median']['mae_share']:.1%})"
        )
    if run.judged_split != TEST:
        sentences += ", on reviews that also chose the epoch and calibrated the interval, which flatters"
    verdict = run.metrics["verdict"]
    return (
        f"{sentences}, and {figures['coverage']:.0%} of the true scores lie in their "
        f"{run.judgement.share:.0%} interval. {verdict['sentence'] if verdict else ''}"
    ).rstrip()


def _unrated(run: FinishedRun) -> str:
    words, taught = run.metrics["unrated_reviews"], run.metrics["taught_reviews"]
    return (f", {taught:,} that a teacher scored" if taught else "") + (
        f", and words from {words:,} unrated ones" if words else ""
    )


def sections(run: FinishedRun, *, probes: tuple[str, ...], with_text: bool) -> list[Section]:
    """Makes the parts of the report, in order."""
    parts = [
        report_sections.comparison(run),
        *report_sections.branches(run),
        *report_sections.by_bin(run),
        *report_sections.plots(run),
        report_sections.probes(run, probes),
    ]
    if with_text:
        parts += [report_sections.nearest_words(run), report_sections.misses(run)]
    how = {name: run.metrics[name] for name in HOW_IT_WAS_MADE}
    return [*parts, Section("How it was made", code=json.dumps(how, indent=2, ensure_ascii=False))]
