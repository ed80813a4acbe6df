"""Computes what an exported model does, in compiled loops: faster on many reviews, and no padding."""

from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import tensorflow as tf

from beam_pipelines.artifacts.exports import NGRAMS, RECURRENCE, WINDOWS, ExportInfo
from beam_pipelines.scoring.engines.compiled_cnn import CompiledCnn
from beam_pipelines.scoring.engines.compiled_lstm import CompiledLstm
from beam_pipelines.scoring.engines.compiled_ngrams import CompiledNgrams
from beam_pipelines.scoring.engines.engine_metrics import EngineMetrics
from beam_pipelines.text.compiled_encoder import CompiledEncoder
from beam_pipelines.text.encoded import Encoded

# By the names of the arrays of the folded form, which are the arguments of the class.
NETWORKS: dict[frozenset[str], type] = {WINDOWS: CompiledCnn, RECURRENCE: CompiledLstm}


class Network(Protocol):
    """What pools reviews as the export's `finish` takes them."""

    def pool(self, ids: np.ndarray, starts: np.ndarray, lengths: np.ndarray) -> tuple[np.ndarray, ...]: ...


class NetworkWithNgrams:
    """A network and the n-grams beside it: what the network pools, then the sums of the n-grams."""

    def __init__(self, network: Network, ngrams: CompiledNgrams):
        self._network = network
        self._ngrams = ngrams

    def pool(self, ids: np.ndarray, starts: np.ndarray, lengths: np.ndarray) -> tuple[np.ndarray, ...]:
        """See `CompiledCnn.pool` and `CompiledNgrams.pool`."""
        return *self._network.pool(ids, starts, lengths), self._ngrams.pool(ids, starts, lengths)


def compiled_network(model: Any) -> Network | None:
    """Compiles the model of a loaded export; None where it has no folded form, or one that no loops here compute."""
    arrays = {name: values.numpy() for name, values in model.fold().items()} if hasattr(model, "fold") else {}
    of_ngrams = {name: arrays.pop(name) for name in NGRAMS} if arrays.keys() >= NGRAMS else {}
    network_class = NETWORKS.get(frozenset(arrays))
    if network_class is None:
        return None
    network = network_class(**arrays)
    return NetworkWithNgrams(network, CompiledNgrams(**of_ngrams)) if of_ngrams else network


class CompiledEngine:
    """The compiled encoder over the export's vocabulary, and the compiled form of its model.

    Args:
      model: The loaded export, whose `finish` makes scores of what the network pools.
      network: Its compiled form.
      folder: Its folder, local.
      info: What the export says of itself.
    """

    name = "compiled"

    def __init__(self, model: Any, network: Network, folder: str, info: ExportInfo):
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
