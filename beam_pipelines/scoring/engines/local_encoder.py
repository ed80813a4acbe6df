"""Counts the words of texts that a model does not know, without the rest of the model."""

import numpy as np
import pyarrow as pa

from beam_pipelines.artifacts.exports import EXACT_RESULTS, Export
from beam_pipelines.errors import logger
from beam_pipelines.files import storage
from beam_pipelines.text.encoded import Encoded


class LocalEncoder:
    """The encoder of an export: its compiled form, or where that differs or fails the SavedModel's own.

    Args:
      export: Where it lies.
    """

    def __init__(self, export: Export):
        with storage.local_copy(export.path) as folder:
            self._encode = _compiled(folder, export) or _of_saved_model(folder)

    def count_unknown(self, texts: pa.Array) -> tuple[pa.Array, np.ndarray]:
        """Returns the tokens without an id of their own, binary [distinct], and how often each came."""
        return self._encode(texts).unknown


def _compiled(folder: str, export: Export):
    """The compiled encoder; None where it does not give the tokens of the export's fixed texts."""
    info = export.info
    try:
        # numba takes a second to load, and the other needs none.
        from beam_pipelines.text.compiled_encoder import CompiledEncoder

        first = info.training.vocabulary.first_trained_id
        encoder = CompiledEncoder(folder, rule=info.rule, first_trained_id=first, max_tokens=info.max_tokens)

        def encode(texts: pa.Array) -> Encoded:
            return encoder.encode(encoder.tokenize(texts))

        found = encode(pa.array([text.text for text in info.fixed_texts])).result_columns
        recorded = {name: [getattr(text, name) for text in info.fixed_texts] for name in EXACT_RESULTS}
        if all(np.array_equal(found[name], np.array(recorded[name], found[name].dtype)) for name in EXACT_RESULTS):
            return encode
        reason = "gives other tokens for the fixed texts"
    except Exception as error:  # Whatever a machine has against compiling, the SavedModel tokenises there.
        reason = f"fails with {type(error).__name__}: {error}"
    logger.warning("the compiled encoder %s; using the SavedModel's", reason)
    return None


def _of_saved_model(folder: str):
    import tensorflow as tf

    from beam_pipelines.scoring.engines.saved_model_engine import SavedModelEngine

    return SavedModelEngine(tf.saved_model.load(folder)).encode
