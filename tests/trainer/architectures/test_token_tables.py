"""The compiled CNN pools the same of the folded table as the tables do themselves."""

import pytest
import tensorflow as tf

from beam_pipelines.scoring.engines.compiled_cnn import CompiledCnn
from tests.helpers.models import fitted, pooled_by, random_ids


@pytest.mark.parametrize("preset", ["default", "notebook"])
def test_a_bulk_job_pools_the_same_of_the_folded_table(preset):
    cnn, ids = fitted(preset, "cnn"), random_ids()
    folded = {name: values.numpy() for name, values in cnn.fold().items()}
    by_tables = cnn.tables.pool(ids)
    assert len(by_tables) == len(cnn.POOLED)
    for pooled, values in zip(pooled_by(CompiledCnn(**folded), ids), by_tables, strict=True):
        assert pooled == pytest.approx(values.numpy(), abs=1e-5)


def test_rounding_does_not_add_up_along_thousands_of_equal_tokens():
    tables = fitted("default", "cnn").tables
    once, often = (tables.pool(tf.ragged.constant([[7] * times], dtype=tf.int64))[-1].numpy() for times in (1, 4096))
    assert often == pytest.approx(4096 * once, rel=1e-6)
