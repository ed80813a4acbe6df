import csv
import re

import numpy as np
import pytest

from benchmarks import archive


@pytest.fixture(scope="module")
def rows(glove, tmp_path_factory):
    path = tmp_path_factory.mktemp("archive") / "reviews.csv"
    archive.write(str(path), reviews=2_000, mean_words=60, vectors=str(glove))
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_lengths_are_those_of_the_notebooks_archive():
    lengths = archive.draw_lengths(np.random.default_rng(0), archive.REVIEWS, archive.MEAN_WORDS)
    assert len(lengths) == 86_450
    assert lengths.mean() == pytest.approx(602, rel=0.01)
    assert lengths.std() == pytest.approx(281, rel=0.02)
    assert (lengths.min() >= 1, lengths.max()) == (True, 5_769)


def test_a_text_has_the_words_drawn_for_it(glove):
    random = np.random.default_rng(0)
    lengths = np.array([1, 7, 300])
    texts = archive.draw_texts(random, archive.read_words(str(glove)), lengths)
    assert [len(re.findall(r"\w+", text)) for text in texts] == [1, 7, 300]


def test_texts_are_what_people_write(rows):
    texts = [row["review_content"] for row in rows]
    words = [len(re.findall(r"\w+", text)) for text in texts]
    assert np.mean(words) == pytest.approx(60, rel=0.03)
    assert max(words) == archive.longest_review(60) == 575
    # A tenth of the reviews may hold words beyond ASCII, six in a thousand of their words.
    assert np.mean([not text.isascii() for text in texts]) == pytest.approx(0.1 * (1 - 0.994**60), abs=0.01)
    assert 0.1 < np.mean(["\n" in text for text in texts]) < 0.5
    assert 0.3 < np.mean(['"' in text for text in texts]) < 0.8
    assert all(text.endswith(".") for text in texts)


def test_few_words_have_no_vector_and_some_are_frequent(rows, glove):
    known = {line.split()[0] for line in glove.read_text().splitlines()}
    tokens = re.findall(r"\w+", " ".join(row["review_content"] for row in rows).lower())
    assert np.mean([token not in known for token in tokens]) == pytest.approx(0.03, abs=0.005)
    counts = np.array([tokens.count(word) for word in ("excellent", "wonderful", "of")])
    assert (np.diff(counts) < 0).all()


def test_titles_hold_the_score(rows):
    assert all(re.fullmatch(r"\w+ - \w+ - \d+%", row["review_title"]) for row in rows)
    scores = [archive.score_of(row["review_title"]) for row in rows]
    assert (min(scores) >= 0, max(scores) <= 100, 60 < np.mean(scores) < 90) == (True, True, True)


def test_equal_flags_give_equal_bytes_and_parts_are_the_first_rows(glove, tmp_path):
    paths = [tmp_path / name for name in ("one.csv", "two.csv", "part.csv")]
    for path in paths[:2]:
        archive.write(str(path), reviews=50, mean_words=30, vectors=str(glove))
    archive.copy_first(paths[0], paths[2], 20)
    whole, again, part = (path.read_bytes() for path in paths)
    assert whole == again
    assert whole.startswith(part)
    assert len(list(archive.read_rows(str(paths[2])))) == 20
