"""What is said of a comparison of two models: in the terminal, and as one HTML file that needs no other."""

import os

from beam_pipelines.artifacts.exports import Export
from beam_pipelines.artifacts.prepared import TEST
from beam_pipelines.files import leases, storage
from beam_pipelines.reporting import page
from beam_pipelines.reporting.page import Section
from serving.checking.comparison import STANDARD_ERRORS, Comparison, Errors, is_remembered

_LINE_CHARACTERS = 60
_REPORT_CHARACTERS = 300


def lines(comparison: Comparison, new: Export) -> list[str]:
    """The comparison in the terminal, a line each."""
    return [
        *_sentences(comparison, new),
        *(["moved furthest:"] if comparison.movers else []),
        *(
            f"  {mover.name}: {mover.old:.3g} -> {mover.new:.3g}"
            + ("" if mover.text is None else f"  {mover.text[:_LINE_CHARACTERS]!r}")
            for mover in comparison.movers
        ),
    ]


def write(path: str, old: Export, new: Export, comparison: Comparison, faults: list[str]) -> None:
    """Writes the report."""
    header, rows = ["review", "old", "new", "moved by", "it begins"], []
    for mover in comparison.movers:
        quoted = [] if mover.text is None else [mover.text[:_REPORT_CHARACTERS]]
        rows.append([mover.name, mover.old, mover.new, mover.new - mover.old, *quoted])
    table = {"header": header[: len(rows[0])], "rows": rows, "marked": []} if rows else None
    verdict = f"It does not pass: {'; '.join(faults)}." if faults else "It passes."
    text = " ".join(f"{sentence[0].upper()}{sentence[1:]}." for sentence in _sentences(comparison, new))
    sections = [
        Section("All reviews", text=text),
        *([Section("The reviews that moved furthest", table=table)] if table else []),
    ]
    title = f"Version {new.version} against {old.version}"
    rendered = page.render(title, f"{comparison.rows:,} reviews, scored with both. {verdict}", sections, {})
    folder, name = os.path.split(storage.absolute(path))
    storage.write_bytes(folder, name, rendered)
    # The folder is the user's, and so may be a .tmp in it.
    leases.clear_own(folder)


def errors_sentence(errors: Errors) -> str:
    """Says whether a model errs more than the other."""
    return (
        f"mean absolute error {errors.old:.4g} before, {errors.new:.4g} now; the difference is "
        f"{errors.new - errors.old:+.4g}, its standard error {errors.standard_error:.2g}"
    )


def worse(errors: Errors) -> str:
    """Says that a model errs more than may be, and than what."""
    return f"{errors_sentence(errors)}, of which {STANDARD_ERRORS} are allowed"


def _sentences(comparison: Comparison, new: Export) -> list[str]:
    of_test = new.info.metrics.get(TEST, {}).get("mae")
    remembered = comparison.errors is not None and is_remembered(comparison.errors, of_test)
    doubt = (
        f"on its test reviews the new model's error is {of_test or 0:.4g}: it seems to have learned from this sample"
    )
    return [
        f"the mean score of {comparison.rows:,} reviews was {comparison.old_mean:.4g} and is {comparison.new_mean:.4g} "
        f"({comparison.mean_shift:+.1%} of the range)",
        f"rank correlation {comparison.rank_correlation:.3f}",
        f"{comparison.moved_share:.1%} of the scores lie beyond the old interval",
        *([errors_sentence(comparison.errors)] if comparison.errors else []),
        *([doubt] if remembered else []),
    ]
