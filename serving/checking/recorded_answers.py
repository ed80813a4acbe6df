"""Whether the answers about an export's fixed texts are those that were recorded when it was exported."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

from beam_pipelines.artifacts import exports
from beam_pipelines.artifacts.exports import Comparison, Export


def compare(
    signature: str, outputs: Mapping[str, Any], export: Export, tolerance: float = exports.TOLERANCE
) -> Comparison:
    """Compares a signature's answer about the fixed texts with what was recorded.

    Args:
      signature: Its name.
      outputs: By name, [fixed texts] or [fixed texts, phrases] each.
      export: What it should be, with what was recorded.
      tolerance: By how much a score may differ, as a share of the range.
    """
    info = export.info
    for name, values in outputs.items():
        if not all(math.isfinite(number) for number in _numbers(values)):
            return Comparison(0.0, f"gives a {name} that is not finite")
    if signature == exports.REGRESS:
        gap = max(abs(got - fixed.score) for got, fixed in zip(outputs["outputs"], info.fixed_texts, strict=True))
        is_equal = gap <= tolerance * info.scale.span
        return Comparison(
            gap, "" if is_equal else f"scores the fixed texts {gap:g} otherwise than when the model was exported"
        )
    if not outputs.keys() >= {*exports.SCORES, *exports.EXACT_RESULTS}:
        return Comparison(0.0)  # `explain` of an earlier version.
    comparison = info.compare(outputs, tolerance)
    return Comparison(comparison.largest_gap, comparison.fault or _mislabelled(outputs, export))


def _mislabelled(outputs: Mapping[str, Any], export: Export) -> str:
    """What an answer wrongly says of itself; empty where nothing, as of an earlier version, which says nothing."""
    for version in outputs.get("model_version", []):
        if version != export.version:
            return f"says that it is version {version}, not {export.version}: a version keeps the number of its export"
    for name, value in {"score_min": export.info.score_min, "score_max": export.info.score_max}.items():
        for answered in outputs.get(name, []):
            if not math.isclose(answered, value, rel_tol=1e-6):
                return f"says {name} {answered:g}, not {value:g}"
    return ""


def _numbers(values: Any) -> Iterable[float]:
    for value in values:
        if isinstance(value, list):
            yield from _numbers(value)
        elif isinstance(value, int | float):
            yield value
