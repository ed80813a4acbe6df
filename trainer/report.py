"""The report of a training run: one HTML file that needs no other, and its figures as PNG files."""

import base64
import io
import json
import pathlib
import warnings

import jinja2

from beam_pipelines import storage
from trainer import report_sections as parts
from trainer.report_sections import Run, Section


def write(folder: pathlib.Path, run: Run) -> None:
    """Writes `report.html` and `plots/*.png`."""
    rendered = []
    for section in sections(run):
        image = ""
        if section.figure:
            data = io.BytesIO()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # A letter that the font lacks is drawn as a box.
                section.figure.savefig(data, format="png")
            storage.write_bytes(str(folder), f"plots/{section.name}.png", data.getvalue())
            image = base64.b64encode(data.getvalue()).decode()
        rendered.append({**vars(section), "image": image})
    environment = jinja2.Environment(loader=jinja2.FileSystemLoader(pathlib.Path(__file__).parent), autoescape=True)
    environment.filters["figure"] = _figure
    html = environment.get_template("report.html").render(
        title=f"A {run.settings.model.upper()} that scores reviews", headline=headline(run), sections=rendered
    )
    storage.write_bytes(str(folder), "report.html", html.encode())


def _figure(value) -> str:
    if isinstance(value, str):
        return value
    if value is None:
        return "-"
    return f"{value:,}" if isinstance(value, int) else f"{value:,.3g}" if abs(value) < 1000 else f"{value:,.0f}"


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
