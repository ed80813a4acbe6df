"""How long a run still takes, for its progress."""


def at_most(seconds: float) -> str:
    """Says so in minutes, or in seconds where it is less than one.

    >>> at_most(95), at_most(12.3)
    ('at most 2 min left', 'at most 12 s left')
    """
    return f"at most {seconds / 60:.0f} min left" if seconds >= 60 else f"at most {seconds:.0f} s left"
