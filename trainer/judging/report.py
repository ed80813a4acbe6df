"""The report of a training run: one HTML file that needs no other, and its figures as PNG files."""

import json
import pathlib

from beam_pipelines.files import storage
from beam_pipelines.reporting import page
from beam_pipelines.reporting.page import Section
from trainer.judging import report_sections as parts
from trainer.judging.report_sections import Run


def write(folder: pathlib.Path, run: Run) -> None:
    """Writes `report.html` and `plots/*.png`."""
    told = sections(run)
    drawn = page.images(told)
    for name, image in drawn.items():
        storage.write_bytes(str(folder), f"plots/{name}.png", image)
    title = f"A {run.settings.model.upper()} that scores reviews"
    storage.write_bytes(str(folder), "report.html", page.render(title, headline(run), told, drawn))


def headline(run: Run) -> str:
    """The result in two sentences."""
    figures, rows = run.found[run.judged], run.found["train"]["rows"]
    said = (
        f"Learned from {rows:,} reviews, on a scale from {run.scale.low:g} to {run.scale.high:g}. "
        f"On {figures['rows']:,} {run.judged} reviews the mean absolute error is {figures['mae']:.3g}, "
        f"or {figures['mae_share']:.1%} of the scale"
    )
    if "median" in figures:
        said += (
            f" (TF-IDF + ridge {figures['tfidf_ridge']['mae_share']:.1%}, median {figures['median']['mae_share']:.1%})"
        )
    if run.judged != "test":
        said += ", on reviews that also chose the epoch and calibrated the interval, which flatters"
    return (
        f"{said}, and {figures['coverage']:.0%} of the true scores lie in their {run.settings.interval:.0%} interval."
    )


def sections(run: Run) -> list[Section]:
    """The parts of the report, in order."""
    found = [
        parts.comparison(run),
        *parts.by_bin(run),
        *parts.plots(run),
        parts.probes(run),
    ]
    if not run.settings.no_text_in_reports:
        found += [parts.nearest_words(run), *parts.misses(run)]
    told = {name: run.found[name] for name in ("trainer_settings", "versions", "interval", "best_epoch", "export")}
    return [*found, Section("How it was made", code=json.dumps(told, indent=2, ensure_ascii=False))]
