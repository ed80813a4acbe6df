"""The vocabulary is that of plain Python over all counts, whether all tokens can be held or are too many."""

import dataclasses
import os
import pathlib
import threading

import numpy as np
import pytest

from beam_pipelines.archive.extents import Sizes
from beam_pipelines.archive.read_options import ReadOptions
from beam_pipelines.artifacts.scale import Scale
from beam_pipelines.preparing import training_tokens, vocabulary_choice
from beam_pipelines.preparing.embeddings import word_vectors
from beam_pipelines.preparing.job import Job, Unrated, rating_rules
from beam_pipelines.preparing.settings import PreprocessSettings
from beam_pipelines.preparing.splits import SplitShares
from beam_pipelines.preparing.unrated_reviews import UnratedRules
from beam_pipelines.preparing.vocabulary_choice import Choice
from beam_pipelines.text import vocabulary
from tests.helpers.token_parts import write_counts
from tests.helpers.tokens import RULE
from tests.helpers.vocabularies import plain_choice

# Of 600 words, some have a vector that is none, and every third one has no token.
WORDS = [f"{word}{number}" for number in range(100) for word in ("good", "Film", "\u00c9t\u00e9", "zz", "FILM", "x")]
NOT_FINITE = ["good7", "x50"]
SCALE = Scale(0, 100)


@pytest.fixture
def counts() -> dict[str, int]:
    random = np.random.default_rng(4)
    with_word = [word.lower() for word in WORDS if random.random() < 0.5] + NOT_FINITE
    tokens = [*dict.fromkeys(with_word), *(f"unheard{number}" for number in range(200))]
    return {token: int(count) for token, count in zip(tokens, random.integers(1, 9, len(tokens)), strict=True)}


@pytest.fixture
def vectors(tmp_path) -> pathlib.Path:
    lines = [f"{word} {number} 1 {'nan' if word in NOT_FINITE else 2}\n" for number, word in enumerate(WORDS)]
    path = tmp_path / "some.vec"
    path.write_text("".join(lines), encoding="utf-8")
    return path


def job_of(folder: pathlib.Path, counts: dict[str, int], **flags) -> Job:
    """A job whose first reading has counted some tokens."""
    settings = PreprocessSettings(input=("a.csv",), output=str(folder), text_column="t", score_column="s", **flags)
    job = Job(
        settings=settings,
        found=[],
        read_options=ReadOptions.of(settings, columns=(), sizes=Sizes(1, 1), nullable=()),
        rules=rating_rules(settings),
        shares=SplitShares(test=0, validation=0),
        folder=str(folder),
    )
    most = None if settings.embeddings else training_tokens.most_without_vector(settings.trained_tokens)
    write_counts(pathlib.Path(job.counted), counts, most=most)
    return job


def written_vectors(choice: Choice, folder: pathlib.Path) -> np.ndarray:
    choice.write_vectors(str(folder))
    return np.load(folder / "vectors.npy")


@pytest.mark.parametrize("most_held", [1 << 19, 0])
@pytest.mark.parametrize("trained", [0, 5, 120, 5000])
def test_tokens_with_a_vector_and_the_most_frequent_without(tmp_path, monkeypatch, counts, vectors, most_held, trained):
    """Those among them whose vector is none, too."""
    monkeypatch.setattr(vocabulary_choice, "MOST_HELD", most_held)
    monkeypatch.setattr(training_tokens, "_PARTS_AT_A_TIME", 3)
    job = job_of(tmp_path, counts, embeddings=str(vectors), trained_tokens=trained, unseen_tokens=40)
    choice = vocabulary_choice.choose_tokens(job)
    chosen, training = choice.vocabulary, choice.training

    read, _ = word_vectors.read(str(vectors), counts, RULE, 40)
    pretrained, without, misses = plain_choice(counts, read, trained)
    assert chosen.tokens == pretrained + without
    assert chosen.pretrained == len(pretrained) > 150
    written = written_vectors(choice, tmp_path)
    assert (written.dtype, written.shape) == (np.float32, (chosen.size, 3))
    assert written[2 : 2 + len(pretrained)].tolist() == [read[token].tolist() for token in pretrained]
    assert not written[:2].any()
    assert not written[2 + len(pretrained) :].any()
    totals = vocabulary.coverage(chosen, training)
    hits = [token for token in counts if token in read]
    assert (totals.distinct_tokens, totals.tokens) == (len(counts), sum(counts.values()))
    assert (totals.embedding_hits, totals.embedding_misses) == (len(hits), len(counts) - len(hits))
    assert totals.share_of_tokens_with_vector == sum(counts[token] for token in hits) / sum(counts.values())
    assert list(totals.most_frequent_without_vector.items()) == list(misses.items())
    # Else this would not tell the two ways apart.
    assert (len(training.tokens) < len(counts)) == (most_held == 0 and trained < 200)


@pytest.mark.parametrize("most_held", [1 << 19, 0])
@pytest.mark.parametrize("slots", [0, 3, 60])
def test_words_of_unrated_texts_get_the_first_slots(tmp_path, monkeypatch, counts, vectors, most_held, slots):
    """The most frequent ones that no training review holds; then come those of the file, as without."""
    monkeypatch.setattr(vocabulary_choice, "MOST_HELD", most_held)
    job = job_of(tmp_path, counts, embeddings=str(vectors), unseen_tokens=slots)
    job = dataclasses.replace(
        job, unrated=Unrated(found=[], read_options=job.read_options, rules=UnratedRules(text_column="t", scale=SCALE))
    )
    words = list(dict.fromkeys(word.lower() for word in WORDS if word.lower() not in [*counts, *NOT_FINITE]))
    unrated = {word: 5 + number % 7 for number, word in enumerate(words[::4])}
    write_counts(pathlib.Path(job.counted_unrated), {**unrated, **dict.fromkeys(counts, 99), "unheard of": 99})
    chosen = vocabulary_choice.choose_tokens(job).vocabulary

    by_count = sorted(unrated, key=lambda word: (-unrated[word], word))
    first = by_count[:slots]
    expected = {*first, *[word for word in words if word not in first][: slots - len(first)]}
    unseen = [token for token in chosen.tokens[: chosen.pretrained] if token not in counts]
    assert len(unseen) == slots
    assert set(unseen) == expected


def test_a_token_whose_vector_is_none_may_be_learned(tmp_path, monkeypatch, counts, vectors):
    monkeypatch.setattr(vocabulary_choice, "MOST_HELD", 0)
    job = job_of(tmp_path, {**counts, NOT_FINITE[0]: 100}, embeddings=str(vectors), trained_tokens=1)
    chosen = vocabulary_choice.choose_tokens(job).vocabulary
    assert chosen.tokens[chosen.pretrained :] == [NOT_FINITE[0]]


@pytest.mark.parametrize("trained", [7, 5000])
def test_without_embeddings_the_most_frequent_are_learned(tmp_path, counts, trained):
    job = job_of(tmp_path, counts, trained_tokens=trained, vector_size=4)
    choice = vocabulary_choice.choose_tokens(job)
    chosen = choice.vocabulary
    _, expected, misses = plain_choice(counts, {}, trained)
    assert (chosen.tokens, chosen.pretrained) == (expected, 0)
    assert written_vectors(choice, tmp_path).shape == (len(expected) + 2, 4)
    totals = vocabulary.coverage(chosen, choice.training)
    assert (totals.distinct_tokens, totals.embedding_misses) == (len(counts), len(counts))
    assert totals.most_frequent_without_vector == misses


def test_vectors_from_a_pipe_are_read_again(tmp_path, monkeypatch, counts, vectors):
    monkeypatch.setattr(vocabulary_choice, "MOST_HELD", 0)
    expected = vocabulary_choice.choose_tokens(job_of(tmp_path / "file", counts, embeddings=str(vectors)))
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(vectors.read_bytes(),))
    writer.start()
    choice = vocabulary_choice.choose_tokens(job_of(tmp_path / "piped", counts, embeddings=str(pipe)))
    writer.join()
    assert choice.vocabulary == expected.vocabulary
    assert (written_vectors(choice, tmp_path / "piped") == written_vectors(expected, tmp_path / "file")).all()
