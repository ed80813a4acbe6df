"""Phrases that the commands' last lines and the reports have in common."""

from collections.abc import Mapping, Sequence


def format_counts(counts: Mapping[str, int]) -> str:
    """Counts by name in brackets, for the end of a phrase; empty where there are none.

    >>> format_counts({"empty_text": 2, "bad_row": 1000}), format_counts({})
    (' (empty_text 2, bad_row 1,000)', '')
    """
    return f" ({', '.join(f'{name} {count:,}' for name, count in counts.items())})" if counts else ""


def some_of(names: Sequence[str], most: int = 5) -> str:
    """Some names for a sentence, each of a sensible length, and how many more there are.

    >>> some_of(["a.csv", "b.csv"]), some_of(["a", "b", "c", "d"], most=2)
    ('a.csv, b.csv', 'a, b and 2 more')
    """
    listed = ", ".join(shortened(name) for name in names[:most])
    return f"{listed} and {len(names) - most:,} more" if len(names) > most else listed


def shortened(name: str, most: int = 200) -> str:
    """A name without its middle where it is longer than is sensible.

    >>> shortened("reviews-of-the-whole-year.csv", most=15)
    'reviews...r.csv'
    """
    if len(name) <= most:
        return name
    kept = (most - 3) // 2 + 1
    return f"{name[:kept]}...{name[len(name) - (most - 3 - kept) :]}"


def printable(name: str) -> str:
    r"""A name with \xNN for each byte that was not UTF-8, which Python holds as half of a surrogate pair.

    >>> printable("caf\udce9.csv")
    'caf\\xe9.csv'
    """
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
