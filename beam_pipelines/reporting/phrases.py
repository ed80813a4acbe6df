"""Phrases that the commands' last lines and the reports have in common."""

from collections.abc import Mapping


def format_counts(counts: Mapping[str, int]) -> str:
    """Counts by name in brackets, for the end of a phrase; empty where there are none.

    >>> format_counts({"empty_text": 2, "bad_row": 1000}), format_counts({})
    (' (empty_text 2, bad_row 1,000)', '')
    """
    return f" ({', '.join(f'{name} {count:,}' for name, count in counts.items())})" if counts else ""
