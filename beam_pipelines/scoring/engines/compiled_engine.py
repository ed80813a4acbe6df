"""Computes what an exported model does, in compiled loops: faster on many reviews, and no padding."""

from typing import Any

import numpy as np
import pyarrow as pa
import tensorflow as tf

from beam_pipelines.artifacts.exports import RECURRENCE, WINDOWS, ExportInfo
from beam_pipelines.scoring.engines.compiled_cnn import CompiledCnn
from beam_pipelines.scoring.engines.compiled_lstm import CompiledLstm
from beam_pipelines.scoring.engines.engine_metrics import EngineMetrics
from beam_pipelines.text.compiled_encoder import CompiledEncoder
from beam_pipelines.text.encoded import Encoded

# By the names of the arrays of the folded form, which are the arguments of the class.
NETWORKS: dict[frozenset[str], type] = {WINDOWS: CompiledCnn, RECURRENCE: CompiledLstm}


def compiled_network(model: Any) -> CompiledCnn | CompiledLstm | None:
    """Compiles the model of a loaded export; None where it has no folded form, or one that no loops here compute."""
    arrays = {name: values.numpy() for name, values in model.fold().items()} if hasattr(model, "fold") else {}
    network_class = NETWORKS.get(frozenset(arrays))
    return network_class(**arrays) if network_class else None


class CompiledEngine:
    """The compiled encoder over the export's vocabulary, and the compiled form of its model.

    Args:
      model: The loaded export, whose `finish` makes scores of what the network pools.
      network: Its compiled form.
      folder: Its folder, local.
      info: What the export says of itself.
    """

    name = "compiled"

    def __init__(self, model: Any, network: CompiledCnn | CompiledLstm, folder: str, info: ExportInfo):
        first_trained_id = info.training.vocabulary.first_trained_id
        self._encoder = CompiledEncoder(
            folder, rule=info.rule, first_trained_id=first_trained_id, max_tokens=info.max_tokens
        )
        self._network = network
        self._finish = model.finish

    def encode(self, texts: pa.Array) -> Encoded:
        """Makes ids of texts, string [batch]."""
        return self._encoder.encode(self._encoder.tokenize(texts))

    def run(
        self, ids: np.ndarray, starts: np.ndarray, lengths: np.ndarray, metrics: EngineMetrics
    ) -> dict[str, np.ndarray]:
        """Scores reviews: see `SavedModelEngine.run`."""
        metrics.add_batch(tokens=lengths.sum(), slots=lengths.sum())
        pooled = self._network.pool(ids, starts, lengths)
        return {name: values.numpy() for name, values in self._finish(*map(tf.constant, pooled)).items()}
