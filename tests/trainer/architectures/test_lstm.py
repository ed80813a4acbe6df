"""The LSTMs' folded form gives the model's outputs."""

import pytest

from beam_pipelines.scoring.engines.compiled_lstm import CompiledLstm
from tests.helpers.models import fitted, pooled_by, random_ids


@pytest.mark.parametrize("preset", ["default", "notebook"])
def test_what_a_bulk_job_pools_of_a_folded_lstm_is_what_the_model_gives(preset):
    lstm, ids = fitted(preset, "lstm"), random_ids()
    folded = {name: values.numpy() for name, values in lstm.fold().items()}
    pooled = pooled_by(CompiledLstm(**folded), ids)
    assert len(pooled) == len(lstm.POOLED)
    assert lstm.read_out(*pooled).numpy() == pytest.approx(lstm.model(ids.to_tensor()).numpy(), abs=1e-5)
