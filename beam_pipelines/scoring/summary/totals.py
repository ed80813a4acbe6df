"""Adds up statistics: of blocks to those of an extent, and of extents to those of a job.

Whatever ran when and where, the same rows give the same totals: sums of floating-point numbers are exact until they are
told, examples are chosen by where they stand, and the rare tokens are left out of an extent, never on the way.
"""

import collections
from collections.abc import Iterable
from fractions import Fraction
from typing import Any

import numpy as np

from beam_pipelines.archive import rejects
from beam_pipelines.scoring.summary.row_examples import RANKED_ROWS, RANKINGS, REJECT_EXAMPLES
from beam_pipelines.scoring.summary.statistics import Statistics

_SUMS = (
    "rows_read",
    "rows_scored",
    "rows_rejected",
    "stored_bytes",
    "unread_bytes",
    "tokens",
    "known_tokens",
    "truncated",
    "batches",
    "tokens_in_batches",
    "slots_in_batches",
    "tokens_without_id",
    "rows_with_true_score",
    "true_scores_off_scale",
    "rows_covered",
)
_EXACT_SUMS = (
    "score_sum",
    "interval_width_sum",
    "explained_gap_sum",
    "error_sum",
    "absolute_error_sum",
    "squared_error_sum",
)
_COUNTERS = ("columns_left_out", "rejected_by_reason", "remarks", "unknown_tokens")
_HISTOGRAMS = ("score_histogram", "tokens_histogram", "known_share_histogram")
MOST_NOTES = 20


class Totals:
    """Statistics that were added up, in any order and grouping."""

    def __init__(self) -> None:
        self._sums: collections.Counter[str] = collections.Counter()
        self._exact: dict[str, Fraction] = {}
        self._counters: dict[str, collections.Counter[str]] = {name: collections.Counter() for name in _COUNTERS}
        self._histograms: dict[str, Any] = dict.fromkeys(_HISTOGRAMS, 0)
        self._engines: set[str] = set()
        self._notes: set[str] = set()
        self._damaged: dict[str, str] = {}
        # By ranking or reason, with what examples are sorted by.
        self._ranked: dict[str, list[tuple]] = {name: [] for name in RANKINGS}
        self._rejects: dict[str, list[tuple]] = {}

    def add(self, statistics: Statistics, order: Any) -> None:
        """Adds statistics; `order` tells where their rows stand among those of others."""
        self._sums.update({name: value for name in _SUMS if (value := getattr(statistics, name)) is not None})
        for name in _EXACT_SUMS:
            if (value := getattr(statistics, name)) is not None:
                self._exact[name] = self._exact.get(name, Fraction()) + Fraction(value)
        for name in _COUNTERS:
            self._counters[name].update(getattr(statistics, name))
        for name in _HISTOGRAMS:
            if values := getattr(statistics, name):
                self._histograms[name] = self._histograms[name] + np.array(values, np.int64)
        self._engines.update(statistics.engines)
        self._notes.update(statistics.notes)
        self._damaged = rejects.merge_damaged(self._damaged, statistics.damaged)
        for name, ranking in RANKINGS.items():
            rows = enumerate(getattr(statistics, name))
            ranked = ((ranking.rank(row.score, row.low, row.high), order, index, row) for index, row in rows)
            self._add_ranked(name, ranked)
        for reason, examples in statistics.reject_examples.items():
            self._add_rejects(reason, ((order, index, row) for index, row in enumerate(examples)))

    def merge(self, other: "Totals") -> None:
        """Adds what others have added up."""
        self._sums.update(other._sums)
        for name, value in other._exact.items():
            self._exact[name] = self._exact.get(name, Fraction()) + value
        for name, counter in other._counters.items():
            self._counters[name].update(counter)
        for name, histogram in other._histograms.items():
            self._histograms[name] = self._histograms[name] + histogram
        self._engines |= other._engines
        self._notes |= other._notes
        self._damaged = rejects.merge_damaged(self._damaged, other._damaged)
        for name, ranked in other._ranked.items():
            self._add_ranked(name, ranked)
        for reason, others in other._rejects.items():
            self._add_rejects(reason, others)

    def _add_ranked(self, name: str, ranked: Iterable[tuple]) -> None:
        self._ranked[name] = sorted([*self._ranked[name], *ranked], key=lambda entry: entry[:3])[:RANKED_ROWS]

    def _add_rejects(self, reason: str, added: Iterable[tuple]) -> None:
        first = sorted([*self._rejects.get(reason, []), *added], key=lambda entry: entry[:2])
        self._rejects[reason] = first[:REJECT_EXAMPLES]

    def statistics(self, most_tokens: int) -> Statistics:
        """The sums as statistics, with so many of the tokens without an id."""
        counts = {name: dict(sorted(counter.items())) for name, counter in self._counters.items()}
        values: dict[str, Any] = {
            **{name: self._sums[name] for name in _SUMS if name in self._sums},
            **{name: float(value) for name, value in self._exact.items()},
            **counts,
            **{name: values.tolist() for name, values in self._histograms.items() if not isinstance(values, int)},
            "unknown_tokens": most_frequent(counts["unknown_tokens"], most_tokens),
            "engines": sorted(self._engines),
            "notes": sorted(self._notes)[:MOST_NOTES],
            "damaged": dict(sorted(self._damaged.items())),
            **{name: [row for *_, row in ranked] for name, ranked in self._ranked.items()},
            "reject_examples": {reason: [row for *_, row in rows] for reason, rows in sorted(self._rejects.items())},
        }
        return Statistics(**values)


def most_frequent(counts: dict[str, int], most: int) -> dict[str, int]:
    """The most frequent tokens, ties by token."""
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:most])
