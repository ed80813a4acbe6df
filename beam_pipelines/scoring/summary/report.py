"""The report of a scoring job: the summary for people, as one HTML file."""

import json
from typing import Any

from beam_pipelines.archive import hints
from beam_pipelines.files import storage
from beam_pipelines.reporting import page, phrases
from beam_pipelines.reporting.page import Section
from beam_pipelines.scoring.summary import charts, drift
from beam_pipelines.scoring.summary.job_summary import REPORT, RunMetrics, Summary
from beam_pipelines.scoring.summary.row_examples import EXCERPT_CHARACTERS, RANKINGS, RankedRow

SHOWN_FILES = 20
ROWS = ("rows_read", "rows_scored", "rows_rejected")
SHOWN_TOKENS = 20
STAGES = {
    "load": "loading the model",
    "read": "reading",
    "tokenise": "making tokens of text",
    "score": "scoring",
    "explain": "explaining",
    "write": "statistics and writing",
}


def write(folder: str, summary: Summary, run: RunMetrics | None, manifest: dict[str, Any]) -> None:
    """Writes `report.html`.

    Args:
      folder: The job's.
      summary: Of the whole job.
      run: What this run of it took; None where the job ran elsewhere.
      manifest: What the folder says of the job.
    """
    parts = sections(summary, run, manifest)
    html = page.render("The scores of an archive", headline(summary), parts, page.images(parts))
    storage.write_bytes(folder, REPORT, html)


def headline(summary: Summary) -> str:
    """The result in some sentences."""
    sentences = [
        f"{summary.rows_read:,} rows read: {summary.rows_scored:,} scored, {summary.rows_rejected:,} rejected"
        f"{phrases.format_counts(summary.rejected_by_reason)}."
    ]
    if summary.rows_scored:
        sentences.append(
            f"The mean score is {summary.score_mean:.3g}; the {summary.interval_share:.0%} intervals are "
            f"{summary.interval_width_mean:.3g} wide on average."
        )
    sentences += [f"{line[0].upper()}{line[1:]}." for line in hints.remark_lines(summary.remarks, summary.rows_read)]
    if summary.drift:
        sentences.append("The archive is unlike the training data, as told below.")
    if drift.TRUST_LESS in summary.drift:
        sentences.append(drift.TRUST_LESS)
    if summary.verdict:
        sentences.append(summary.verdict)
    return " ".join(sentences)


def sections(summary: Summary, run: RunMetrics | None, manifest: dict[str, Any]) -> list[Section]:
    """The parts of the report, in order."""
    rankings = ((ranking.title, getattr(summary, name)) for name, ranking in RANKINGS.items())
    made = {name: manifest[name] for name in ("settings", "fingerprint", "versions") if name in manifest}
    return [
        *([_scores(summary), _likeness(summary)] if summary.rows_scored else []),
        *([_unknown(summary)] if summary.unknown_tokens else []),
        *([_errors(summary)] if summary.rows_with_true_score or summary.true_scores_off_scale else []),
        *(_ranking(title, rows) for title, rows in rankings if rows),
        *([_files(summary.by_file, {name: getattr(summary, name) for name in ROWS})] if summary.by_file else []),
        *([_rejects(summary)] if summary.rows_rejected else []),
        *([_run(summary, run)] if run else []),
        Section("How it was made", code=json.dumps(made, indent=2, ensure_ascii=False)),
    ]


def _table(header: list[str], rows: list[list], marked: tuple = ()) -> dict:
    return {"header": header, "rows": rows, "marked": list(marked)}


def _scores(summary: Summary) -> Section:
    figure = charts.scores(summary.score_histogram, summary.training_score_histogram, summary.scale)
    return Section("Scores", "scores", figure=figure)


def _likeness(summary: Summary) -> Section:
    lengths, shares = summary.tokens_histogram, summary.known_share_histogram
    rows = [
        ["tokens of half of the reviews, at most about", lengths.median, lengths.training_median, lengths.psi],
        ["share of the tokens with a vector", shares.share, shares.training_share, shares.psi],
    ]
    return Section(
        "Is it what the model learned from?",
        "likeness",
        text=" ".join(summary.drift) or drift.likeness(lengths, shares),
        table=_table(["", "this archive", "training data", "PSI"], rows),
        figure=charts.lengths_and_words(lengths, shares),
        caption="PSI, the population stability index: by convention 0.1 is a shift and 0.25 a large one. It is told "
        "only where it is beyond chance too. Words are compared with reviews that the vocabulary was not made of, "
        "where there are enough.",
    )


def _unknown(summary: Summary) -> Section:
    rows: list[list] = [[token, count] for token, count in list(summary.unknown_tokens.items())[:SHOWN_TOKENS]]
    return Section(
        "The most frequent unknown words",
        text=f"{summary.tokens_without_id:,} of {summary.tokens:,} tokens have neither a vector nor an id: the "
        "model cannot tell them apart.",
        table=_table(["word", "times"], rows),
    )


def _errors(summary: Summary) -> Section:
    text = (
        "In the unit of the scores; bias is the score less the true one, on average. Reviews that the model learned "
        "from flatter it."
    )
    row = [summary.rows_with_true_score, summary.mae, summary.rmse, summary.bias, summary.coverage]
    return Section(
        "Against the true scores",
        text=" ".join([text, *off_scale(summary)]),
        table=_table(
            ["reviews", "MAE", "RMSE", "bias", "coverage of the interval", "promised"],
            [[*row, summary.interval_share]],
        ),
    )


def off_scale(summary: Summary) -> list[str]:
    """The sentence about true scores that the model's scale does not hold, where there are such."""
    count = summary.true_scores_off_scale
    scale = f"from {summary.score_min:g} to {summary.score_max:g}"
    return [f"{count:,} true scores do not lie {scale} and are left out of the error."] if count else []


def _ranking(title: str, rows: list[RankedRow]) -> Section:
    with_text = rows[0].text is not None
    cells = [[row.id, row.score, row.low, row.high, *([_excerpt(row.text or "")] if with_text else [])] for row in rows]
    return Section(title, table=_table(["review", "score", "from", "to", *(["it begins"] if with_text else [])], cells))


def _excerpt(text: str) -> str:
    return text + "..." if len(text) == EXCERPT_CHARACTERS else text


def _files(by_file: dict[str, dict[str, int]], total: dict[str, int]) -> Section:
    rows: list[list] = [[path, *(counts[name] for name in ROWS)] for path, counts in by_file.items()]
    rest = rows[SHOWN_FILES:]
    if rest:
        sums = [sum(row[column] for row in rest) for column in range(1, 1 + len(ROWS))]
        rows = [*rows[:SHOWN_FILES], [f"{len(rest):,} more files", *sums]]
    together = ["together", *(total[name] for name in ROWS)]
    table = _table(["file", "read", "scored", "rejected"], [*rows, together], (len(rows),))
    return Section("Rows by file", text="Rows read are rows scored and rows rejected, in each file.", table=table)


def _rejects(summary: Summary) -> Section:
    rows = []
    for reason, count in summary.rejected_by_reason.items():
        for number, example in enumerate(summary.reject_examples.get(reason, [])):
            # The reason and its count stand beside the first example alone.
            cells = ["", None] if number else [reason, count]
            raw = [] if example.raw is None else [example.raw]
            rows.append([*cells, f"{example.file}:{example.row_number}", *raw])
    with_raw = any(len(row) > 3 for row in rows)
    return Section(
        "Rejected rows",
        text="Some examples; all of them lie in the folder rejected.",
        table=_table(["reason", "rows", "such as", *(["what stood there"] if with_raw else [])], rows),
    )


def _run(summary: Summary, run: RunMetrics) -> Section:
    seconds = run.seconds_by_stage
    total = max(sum(seconds.values()), 1e-9)
    rows = [[STAGES.get(name, name), seconds[name], seconds[name] / total] for name in _ordered(seconds)]
    text = (
        f"{run.rows_scored + run.rows_rejected:,} rows in {run.seconds:,} s, start-up included: "
        f"{run.rows_per_second:,.0f} rows and {run.mb_per_second:.2f} MB of text a second. Times by stage are "
        "summed over all workers."
    )
    if summary.batches:
        text += (
            f" Batches held {summary.rows_per_batch:,.0f} reviews on average; {summary.padding_waste:.1%} of the "
            "places for tokens in them were padding."
        )
    return Section("This run", text=text, table=_table(["stage", "seconds", "share"], rows))


def _ordered(seconds: dict[str, float]) -> list[str]:
    known = [name for name in STAGES if name in seconds]
    return [*known, *(name for name in seconds if name not in STAGES)]
