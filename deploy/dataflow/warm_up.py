"""Has all compiled that a worker will run, so that none of them does it again.

    python deploy/dataflow/warm_up.py

Both jobs run on a few rows, with a model of each kind, in the formats whose loops differ. NUMBA_CACHE_DIR says where
the compiled code lies, and NUMBA_CPU_NAME for which processors it is. This runs while the image is built.
"""

import csv
import gzip
import json
import pathlib
import subprocess
import sys
import tempfile
from collections.abc import Sequence

# Some megabytes: the loops over the bytes of a file are not worth loading for less. To learn from, few will do.
ROWS, SHARE_TO_LEARN_FROM = 10_000, 0.05
WORDS = ["good", "bad", "dull", "superb", "film", "band", "Straße", "don't", "naïve", "東京", "1999", "rock-and-roll"]
FORMATS = {
    "quoted.csv.gz": [],
    "unquoted.tsv": ["--csv_quote", "none"],
    "escaped.csv": ["--csv_escape", "\\"],
    "lines.jsonl": [],
}


def rows() -> list[dict[str, str]]:
    """Rated reviews of some length, with quotes and newlines in them, none like another."""
    made = []
    for index in range(ROWS):
        words = [WORDS[(index * 7 + place * place) % len(WORDS)] for place in range(5 + index % 60)]
        text = f'{" ".join(words)}, "{index}"\nend'
        made.append({"id": str(index), "stars": str(index % 5 + 1), "text": text})
    return made


def write(folder: pathlib.Path) -> None:
    """Writes the rows in each format, and vectors of some of their words."""
    made = rows()
    flat = [{**row, "text": row["text"].replace("\n", " ").replace('"', "")} for row in made]
    _write_csv(folder / "quoted.csv", made)
    (folder / "quoted.csv.gz").write_bytes(gzip.compress((folder / "quoted.csv").read_bytes()))
    _write_csv(folder / "unquoted.tsv", flat, delimiter="\t", quoting=csv.QUOTE_NONE)
    _write_csv(folder / "escaped.csv", made, doublequote=False, escapechar="\\")
    (folder / "lines.jsonl").write_text("".join(json.dumps(row) + "\n" for row in made))
    vectors = (f"{word.lower()} {index / 10} 0.5 {-index / 10} 1" for index, word in enumerate(WORDS))
    (folder / "vectors.txt").write_text("\n".join(vectors) + "\n")


def _write_csv(path: pathlib.Path, made: list[dict[str, str]], **dialect) -> None:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, ["id", "stars", "text"], **dialect)
        writer.writeheader()
        writer.writerows(made)


def run(command: str, flags: str, folder: pathlib.Path, more: Sequence[str] = ()) -> None:
    """Runs a command in a folder, in a process of its own."""
    program = [sys.executable, "-c", "from beam_pipelines import console; console.main()"]
    subprocess.run([*program, command, *flags.split(), *more], cwd=folder, check=True)


def main() -> None:
    scale = "--text_column text --score_column stars --score_min 1 --score_max 5 --embeddings vectors.txt "
    scale += f"--sample_share {SHARE_TO_LEARN_FROM}"
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        write(folder)
        for file, dialect in FORMATS.items():
            run("preprocess", f"--input {file} --output prepared-{file} {scale}", folder, dialect)
        for model in ("cnn", "lstm"):
            run("train", f"--data prepared-quoted.csv.gz --output {model} --model {model} --epochs 1", folder)
            for file, dialect in FORMATS.items():
                flags = f"--input {file} --model {model} --output {model}-{file} --text_column text"
                run("score", flags, folder, dialect)
            flags = f"--input lines.jsonl --model {model} --output {model}-explained --text_column text --explain"
            run("score", flags, folder)


if __name__ == "__main__":
    main()
