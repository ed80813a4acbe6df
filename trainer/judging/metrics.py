"""The model's figures beside those of the baselines, as `metrics.json` has them."""

import numpy as np

from beam_pipelines.artifacts.scale import Scale
from trainer.judging import baselines, evaluation


def beside_baselines(
    head, splits: dict[str, evaluation.Split], threshold: float, scale: Scale, *, share: float, seed: int
) -> dict:
    """Measures the model on every split, beside the baselines on validation and test.

    Returns:
      By split: `rows`, what `measure` says, and the same of each baseline; `fixed_width` has the
      model's own scores with an interval of one width that is calibrated to cover as much.
    """
    of_baselines = baselines.measure(splits, scale, seed=seed, share=share)
    validation = splits["validation"]
    gaps = np.abs(evaluation.answers(head, validation.outputs, threshold, scale).score - validation.truths)[
        validation.calibrates
    ]
    found: dict = {}
    for name, split in splits.items():
        found[name] = {"rows": len(split.truths)}
        if not len(split.truths):
            continue
        scores = evaluation.answers(head, split.outputs, threshold, scale)
        found[name] |= {**evaluation.measure(scores, split.truths, scale), **of_baselines[name]}
        if name != "train":
            constant = evaluation.fixed_width(scores.score, gaps, scale, share)
            found[name]["fixed_width"] = {
                "rows": len(split.truths),
                **evaluation.measure(constant, split.truths, scale),
            }
    return found
