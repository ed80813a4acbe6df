"""Chooses the vocabulary between the two readings, in the launching process, and writes its graph and vectors."""

import io

import numpy as np
import pyarrow as pa

from beam_pipelines.artifacts import prepared
from beam_pipelines.artifacts.prepared import VocabularyTotals
from beam_pipelines.errors import UserError, logger
from beam_pipelines.files import storage
from beam_pipelines.preparing import doubts, training_tokens
from beam_pipelines.preparing.embeddings import word_vectors
from beam_pipelines.preparing.job import Job
from beam_pipelines.text import transform_graph, vocabulary
from beam_pipelines.text.vocabulary import TrainingTokens, Vocabulary

# Up to so many distinct tokens, all of them are held (some 100 MB) while the vectors are read, once. Of more, only
# words of the vectors are held, for which these are read once more, before.
MOST_HELD = 1 << 19
_LOWER_SHARES = (
    " If so, lower --test_share and --validation_share, or give more rows; rows of equal text fall into one split"
)


def choose(job: Job) -> VocabularyTotals:
    """Chooses the vocabulary, and writes its graph and its vectors.

    Raises:
      UserError: No token can be learned from, or the vectors are of other words.
    """
    settings = job.settings
    training, chosen = choose_tokens(job)
    if not chosen.tokens:
        raise UserError("--trained_tokens 0 without --embeddings leaves no vocabulary")
    transform_graph.write_graph(
        job.folder, chosen.tokens, first_trained_id=chosen.first_trained_id, max_tokens=settings.max_tokens
    )
    array = io.BytesIO()
    np.save(array, chosen.vectors)
    storage.write_bytes(job.folder, prepared.VECTORS, array.getvalue())
    totals = vocabulary.coverage(chosen, training)
    if settings.embeddings:
        doubts.warn_of_missing_vectors(totals, settings.embeddings)
    return totals


def choose_tokens(job: Job) -> tuple[TrainingTokens, Vocabulary]:
    """Chooses the vocabulary by what the first reading has counted, and returns it with the tokens to choose from.

    Raises:
      UserError: No token can be learned from, or the vectors are of other words.
    """
    settings = job.settings
    distinct, _ = training_tokens.read_totals(job.temporary)
    if not distinct:
        raise UserError(
            "no token to learn from: no rated row with words fell into the training split; is --text_column right?"
            + (_LOWER_SHARES if settings.test_share or settings.validation_share else "")
        )
    most = training_tokens.most_without_vector(settings.trained_tokens)
    if not settings.embeddings:
        training = training_tokens.read(job.temporary, pa.array([], pa.binary()), most)
        no_vectors = np.zeros((0, settings.vector_size), np.float32)
        return training, vocabulary.choose(training, {}, no_vectors, settings.trained_tokens)
    source, words = settings.embeddings, None
    if distinct > MOST_HELD:
        logger.info("listing the words of --embeddings, as not all %s tokens can be held", f"{distinct:,}")
        source = word_vectors.rereadable(source)
        words = word_vectors.list_words(source)
    training = training_tokens.read(job.temporary, words, most)
    vectors, dim = word_vectors.read(source, frozenset(training.tokens), settings.unseen_tokens)
    if not any(token in vectors for token in training.tokens):
        raise UserError(
            f"--embeddings {settings.embeddings}: none of its words is a token of the training split; is it of the "
            f"right language? Likewise, {doubts.SPACES}"
        )
    return training, vocabulary.choose(training, vectors.rows, vectors.matrix(dim), settings.trained_tokens)
