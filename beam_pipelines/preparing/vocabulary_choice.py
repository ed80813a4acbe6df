"""Chooses the vocabulary between the two readings, in the launching process, and writes its graph and vectors."""

import dataclasses

import numpy as np
import pyarrow as pa

from beam_pipelines.artifacts import prepared
from beam_pipelines.artifacts.prepared import VocabularyTotals
from beam_pipelines.commands import entry
from beam_pipelines.errors import UserError, logger
from beam_pipelines.files import staged
from beam_pipelines.files.staged import StagedFile
from beam_pipelines.preparing import doubts, training_tokens
from beam_pipelines.preparing.embeddings import word_vectors
from beam_pipelines.preparing.embeddings.kept_vectors import KeptVectors
from beam_pipelines.preparing.job import Job
from beam_pipelines.text import vocabulary
from beam_pipelines.text.vocabulary import TrainingTokens, Vocabulary

# Up to so many distinct tokens, all of them are held (some 100 MB) while the vectors are read, once. Of more, only
# words of the vectors are held, for which these are read once more, before.
MOST_HELD = 1 << 19
_LOWER_SHARES = (
    " If so, lower --test_share and --validation_share, or give more rows; rows of equal text fall into one split"
)


@dataclasses.dataclass(frozen=True)
class Choice:
    """A vocabulary with what it was chosen from.

    Attributes:
      vocabulary: The vocabulary.
      training: The tokens of the training split.
      vectors: The pretrained vectors.
    """

    vocabulary: Vocabulary
    training: TrainingTokens
    vectors: KeptVectors

    def write_vectors(self, folder: str) -> None:
        """Writes the vectors by id into the prepared folder."""
        shape = (self.vocabulary.size, self.vocabulary.dim)
        header = {"descr": "<f4", "fortran_order": False, "shape": shape}
        file = StagedFile(folder)
        with staged.discarded(file):
            np.lib.format.write_array_header_1_0(file.stream, header)
            for vectors in vocabulary.initial_vectors(self.vocabulary, self.vectors.take):
                file.stream.write(vectors.tobytes())
            file.close()
            file.publish(prepared.VECTORS)


def choose(job: Job) -> VocabularyTotals:
    """Chooses the vocabulary, and writes its graph and its vectors.

    Raises:
      UserError: No token can be learned from, or the vectors are of other words.
    """
    settings, choice = job.settings, choose_tokens(job)
    chosen = choice.vocabulary
    if not chosen.tokens:
        raise UserError("--trained_tokens 0 without --embeddings leaves no vocabulary")
    choice.write_vectors(job.folder)
    totals = vocabulary.coverage(chosen, choice.training)
    # Only now, with the counts and the vectors' words gone: TensorFlow takes more memory than these.
    del choice
    pa.default_memory_pool().release_unused()
    entry.import_tensorflow()
    from beam_pipelines.text import transform_graph

    transform_graph.write_graph(
        job.folder,
        chosen.tokens,
        rule=settings.tokenizer,
        first_trained_id=chosen.first_trained_id,
        max_tokens=settings.max_tokens,
    )
    if settings.embeddings:
        doubts.warn_of_missing_vectors(totals, settings.embeddings)
    return totals


def choose_tokens(job: Job) -> Choice:
    """Chooses the vocabulary by what the first reading has counted.

    Raises:
      UserError: No token can be learned from, or the vectors are of other words.
    """
    settings = job.settings
    distinct, _ = training_tokens.read_totals(job.counted)
    if not distinct:
        raise UserError(
            "no token to learn from: no rated row with words fell into the training split; is --text_column right?"
            + (_LOWER_SHARES if settings.test_share or settings.validation_share else "")
        )
    most = training_tokens.most_without_vector(settings.trained_tokens)
    if settings.embeddings:
        training, vectors, dim = _read_with_vectors(job, settings.embeddings, distinct, most)
    else:
        training = training_tokens.read(job.counted, pa.array([], pa.binary()), most)
        vectors, dim = KeptVectors(), settings.vector_size
    return Choice(vocabulary.choose(training, vectors, dim, settings.trained_tokens), training, vectors)


def _read_with_vectors(job: Job, source: str, distinct: int, most: int) -> tuple[TrainingTokens, KeptVectors, int]:
    """Reads the tokens that may get an id, the vectors, and their length."""
    holds_all, slots, words = distinct <= MOST_HELD, job.settings.unseen_tokens, None
    if not holds_all:
        logger.info("listing the words of --embeddings, as not all %s tokens can be held", f"{distinct:,}")
    if not holds_all or job.unrated:
        source = word_vectors.rereadable(source)
        words = word_vectors.list_words(source)
    training = training_tokens.read(job.counted, None if holds_all else words, most)
    unseen = _most_frequent_unrated(job, words, training, slots) if job.unrated else []
    wanted = frozenset([*training.tokens, *unseen])
    vectors, dim = word_vectors.read(source, wanted, job.settings.tokenizer, unseen=slots - len(unseen))
    if not any(token in vectors for token in training.tokens):
        raise UserError(
            f"--embeddings {job.settings.embeddings}: none of its words is a token of the training split; is it of the "
            f"right language? Likewise, {doubts.SPACES}"
        )
    return training, vectors, dim


def _most_frequent_unrated(job: Job, words: pa.Array | None, training: TrainingTokens, most: int) -> list[str]:
    """The words of the vectors that are most frequent in --unrated, of those that no training review holds."""
    tokens, seen = training_tokens.read(job.counted_unrated, words, 0).tokens, frozenset(training.tokens)
    return [token for token in tokens if token not in seen][:most]
