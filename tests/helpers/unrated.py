"""A rated archive and one of other texts, and the command that prepares both."""

import csv
import pathlib

import numpy as np

from beam_pipelines import preprocess

WORDS = ["good", "bad", "film", "song", "album", "dull", "great"]
TEACHERS = ["", "80", '{"20": 1, "80": 3}']


def texts_of(count: int, seed: int) -> list[str]:
    """Made of known words, and of one that nobody else wrote in each."""
    random = np.random.default_rng(seed)
    return [f"{' '.join(random.choice(WORDS, 12))} word{seed}x{number}" for number in range(count)]


RATED, NEW = texts_of(90, seed=1), texts_of(150, seed=2)
# Rated ones among the others, some in other spellings; equal ones; none, and one without a token.
OTHERS = [*RATED[:40], *NEW, *(f"{text.upper()}!" for text in [*RATED[40:60], *NEW[:30]]), "", "  ", "..."]
ROWS = [(f"u{number}", text, TEACHERS[number % 3]) for number, text in enumerate(OTHERS)]


def write_csv(path: pathlib.Path, header: list[str], rows: list[tuple]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([header, *rows])


def write_archives(folder: pathlib.Path) -> pathlib.Path:
    """rated.csv, and in two files the others."""
    rated = [(f"r{number}", text, number % 101) for number, text in enumerate(RATED)]
    write_csv(folder / "rated.csv", ["id", "text", "score"], rated)
    for name, rows in {"a": ROWS[:100], "b": ROWS[100:]}.items():
        write_csv(folder / f"others/{name}.csv", ["id", "text", "judge"], rows)
    return folder


def prepare(folder: pathlib.Path, output: pathlib.Path, *flags: str, unrated: object = None) -> int:
    arguments = [f"--input={folder}/rated.csv", f"--unrated={unrated or folder / 'others'}", f"--output={output}"]
    columns = ["--text_column=text", "--score_column=score", "--id_column=id"]
    return preprocess.main([*arguments, *columns, *flags])
