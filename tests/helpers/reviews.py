"""Makes reviews whose words tell their score, and writes them as CSV."""

import csv
import pathlib

import numpy as np

GOOD = ["excellent", "wonderful", "brilliant", "masterpiece", "stunning", "superb"]
BAD = ["boring", "terrible", "awful", "waste", "dull", "disaster"]
PLAIN = [
    "the",
    "record",
    "song",
    "band",
    "album",
    "riff",
    "voice",
    "drums",
    "sound",
    "track",
    "it",
    "was",
    "and",
    "with",
    "of",
]
DIM = 8


def review(random: np.random.Generator, score: int) -> str:
    """A text of good words where the score is high and of bad ones where it is low; some with newlines."""
    words = []
    share_of_good = 0.95 if score >= 60 else 0.05
    for _ in range(int(random.integers(4, 60))):
        if random.random() < 0.5:
            words.append(random.choice(PLAIN))
        else:
            words.append(random.choice(GOOD if random.random() < share_of_good else BAD))
    return " ".join(words).capitalize() + random.choice([".", "!\n\nThe end", ', "they" said', " unheardof"])


def write_csv(path: pathlib.Path, rows: list[dict]) -> pathlib.Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
    return path
