"""From blocks to scores: the model run over their texts, the shards, the summary."""
