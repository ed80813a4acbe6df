"""The report of a scoring job: `summary.json` for people, as one HTML file."""

import json

from beam_pipelines.artifacts.scale import Scale
from beam_pipelines.files import storage
from beam_pipelines.reporting import page, phrases
from beam_pipelines.reporting.page import Section
from beam_pipelines.scoring.summary import drift
from beam_pipelines.scoring.summary.block_statistics import EXCERPT_CHARACTERS

SHOWN_FILES = 20
SHOWN_TOKENS = 20
RANKED = {
    "best": "The best reviews",
    "worst": "The worst reviews",
    "least_certain": "The least certain reviews",
}
STAGES = {
    "load": "loading the model",
    "read": "reading",
    "tokenise": "making tokens of text",
    "score": "scoring",
    "explain": "explaining",
    "write": "statistics and writing",
}


def write(folder: str, summary: dict, scale: Scale) -> None:
    """Writes `report.html`.

    Args:
      folder: The job's.
      summary: What `summary.json` will hold.
      scale: The range of the scores.
    """
    told = sections(summary, scale)
    html = page.render("The scores of an archive", headline(summary), told, page.images(told))
    storage.write_bytes(folder, "report.html", html)


def headline(summary: dict) -> str:
    """The result in some sentences."""
    said = (
        f"{summary['rows_read']:,} rows read: {summary['rows_scored']:,} scored, {summary['rows_rejected']:,} rejected"
        f"{phrases.format_counts(summary['rejected_by_reason'])}."
    )
    if summary["rows_scored"]:
        said += (
            f" The mean score is {summary['score_mean']:.3g}; the {summary['interval_share']:.0%} intervals are "
            f"{summary['interval_width_mean']:.3g} wide on average."
        )
    if summary["drift"]:
        said += " The archive is unlike the training data, as told below."
    return f"{said} {drift.TRUST_LESS}" if drift.TRUST_LESS in summary["drift"] else said


def sections(summary: dict, scale: Scale) -> list[Section]:
    """The parts of the report, in order."""
    scored = summary["rows_scored"] > 0
    found = [
        *([_scores(summary, scale), _likeness(summary)] if scored else []),
        *([_unknown(summary)] if summary["unknown_tokens"] else []),
        *([_errors(summary)] if summary["rows_with_true_score"] or summary["true_scores_off_scale"] else []),
        *(_ranked(title, summary[name]) for name, title in RANKED.items() if summary[name]),
        _files(summary),
        *([_rejects(summary)] if summary["rows_rejected"] else []),
        *([_run(summary)] if "this_run" in summary else []),
    ]
    made = {name: summary[name] for name in ("settings", "fingerprint", "versions") if name in summary}
    return [*found, Section("How it was made", code=json.dumps(made, indent=2, ensure_ascii=False))]


def _table(header: list[str], rows: list[list], marked: tuple = ()) -> dict:
    return {"header": header, "rows": rows, "marked": list(marked)}


def _scores(summary: dict, scale: Scale) -> Section:
    from beam_pipelines.scoring.summary import figures

    counts, training = summary["score_histogram"], summary["training_score_histogram"]
    return Section("Scores", "scores", figure=figures.scores(counts, training, scale))


def _likeness(summary: dict) -> Section:
    from beam_pipelines.scoring.summary import figures

    lengths, shares = summary["tokens_histogram"], summary["known_share_histogram"]
    return Section(
        "Is it what the model learned from?",
        "likeness",
        text=" ".join(summary["drift"]) or drift.likeness(lengths, shares),
        table=_table(
            ["", "this archive", "training data", "PSI"],
            [
                ["tokens of half of the reviews, at most about", *_compared(lengths, "median"), lengths["psi"]],
                ["share of the tokens with a vector", *_compared(shares, "share"), shares["psi"]],
            ],
        ),
        figure=figures.lengths_and_words(lengths, shares),
        caption="PSI, the population stability index: by convention 0.1 is a shift and 0.25 a large one. It is told "
        "only where it is beyond chance too. Words are compared with reviews that the vocabulary was not made of, "
        "where there are enough.",
    )


def _compared(compared: dict, name: str) -> list:
    return [compared[name], compared[f"training_{name}"]]


def _unknown(summary: dict) -> Section:
    rows = [[token, count] for token, count in list(summary["unknown_tokens"].items())[:SHOWN_TOKENS]]
    return Section(
        "The most frequent unknown words",
        text=f"{summary['tokens_without_id']:,} of {summary['tokens']:,} tokens have neither a vector nor an id: the "
        "model cannot tell them apart.",
        table=_table(["word", "times"], rows),
    )


def _errors(summary: dict) -> Section:
    names = ("rows_with_true_score", "mae", "rmse", "bias", "coverage", "interval_share")
    said = (
        "In the unit of the scores; bias is the score less the true one, on average. Reviews that the model learned "
        "from flatter it."
    )
    return Section(
        "Against the true scores",
        text=" ".join([said, *off_scale(summary)]),
        table=_table(
            ["reviews", "MAE", "RMSE", "bias", "coverage of the interval", "promised"],
            [[summary[name] for name in names]],
        ),
    )


def off_scale(summary: dict) -> list[str]:
    """The sentence about true scores that the model's scale does not hold, where there are such."""
    count = summary["true_scores_off_scale"]
    scale = f"from {summary['score_min']:g} to {summary['score_max']:g}"
    return [f"{count:,} true scores do not lie {scale} and are left out of the error."] if count else []


def _ranked(title: str, rows: list[dict]) -> Section:
    with_text = "text" in rows[0]
    shown = [
        [row["id"], *(row[name] for name in ("score", "low", "high")), *([_excerpt(row["text"])] if with_text else [])]
        for row in rows
    ]
    return Section(title, table=_table(["review", "score", "from", "to", *(["it begins"] if with_text else [])], shown))


def _excerpt(text: str) -> str:
    return text + "..." if len(text) == EXCERPT_CHARACTERS else text


def _files(summary: dict) -> Section:
    names = ("rows_read", "rows_scored", "rows_rejected")
    rows = [[path, *(counts[name] for name in names)] for path, counts in summary["by_file"].items()]
    rest = rows[SHOWN_FILES:]
    if rest:
        sums = [sum(row[column] for row in rest) for column in range(1, 1 + len(names))]
        rows = [*rows[:SHOWN_FILES], [f"{len(rest):,} more files", *sums]]
    total = ["together", *(summary[name] for name in names)]
    table = _table(["file", "read", "scored", "rejected"], [*rows, total], (len(rows),))
    return Section("Rows by file", text="Rows read are rows scored and rows rejected, in each file.", table=table)


def _rejects(summary: dict) -> Section:
    rows = []
    for reason, count in summary["rejected_by_reason"].items():
        examples = summary["reject_examples"].get(reason, [])
        for place, one in enumerate(examples):
            cells = ["", None] if place else [reason, count]
            rows.append([*cells, f"{one['file']}:{one['place']}", *([one["raw"]] if "raw" in one else [])])
    with_raw = any(len(row) > 3 for row in rows)
    return Section(
        "Rejected rows",
        text="Some examples; all of them lie in the folder rejected.",
        table=_table(["reason", "rows", "such as", *(["what stood there"] if with_raw else [])], rows),
    )


def _run(summary: dict) -> Section:
    run, waste = summary["this_run"], summary["padding_waste"]
    seconds = run["seconds_by_stage"]
    total = sum(seconds.values())
    rows = [[STAGES.get(name, name), seconds[name], seconds[name] / max(total, 1e-9)] for name in _ordered(seconds)]
    said = (
        f"{run['rows_scored'] + run['rows_rejected']:,} rows in {run['seconds']:,} s, start-up included: "
        f"{run['rows_per_second']:,.0f} rows and {run['mb_per_second']:.2f} MB of text a second. Times by stage are "
        "summed over all workers."
    )
    if summary["batches"]:
        said += (
            f" Batches held {summary['rows_per_batch']:,.0f} reviews on average; {waste:.1%} of the places for tokens "
            "in them were padding."
        )
    return Section("This run", text=said, table=_table(["stage", "seconds", "share"], rows))


def _ordered(seconds: dict) -> list[str]:
    known = [name for name in STAGES if name in seconds]
    return [*known, *(name for name in seconds if name not in STAGES)]
