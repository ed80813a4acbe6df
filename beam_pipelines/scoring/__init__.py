"""From blocks to scores: the model run over their texts, the shards, the summary.

`ScoreReviews` is the step for pipelines of one's own.
"""


def __getattr__(name: str):
    # Only when it is asked for: it brings Beam and TensorFlow along.
    if name == "ScoreReviews":
        from beam_pipelines.scoring.score_reviews_transform import ScoreReviews

        return ScoreReviews
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
