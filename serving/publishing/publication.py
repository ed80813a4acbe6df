"""What is known of a version that was published."""

import dataclasses
import datetime
from typing import ClassVar

from beam_pipelines.artifacts.exports import Export
from beam_pipelines.artifacts.typed_json import TypedJson


@dataclasses.dataclass(frozen=True)
class Publication(TypedJson):
    """What is known of a version in the folder.

    Attributes:
      version: Its number.
      published: When it was put there, in UTC as 2026-01-01T12:00:00Z.
      mae: Its mean absolute error, in the archive's unit; None where no reviews were held out.
      mae_split: The reviews that it was measured on.
      forced: Why it was published although it did not pass; None where it did.
      fault: What did not pass then.
      withdrawn: When it was rolled back; None where it was not.
    """

    OMITTED_IF_NONE: ClassVar = ("mae", "mae_split", "forced", "fault", "withdrawn")

    version: int
    published: str
    mae: float | None = None
    mae_split: str | None = None
    forced: str | None = None
    fault: str | None = None
    withdrawn: str | None = None


def measured(export: Export) -> tuple[str, float] | tuple[None, None]:
    """The reviews that the export's error was measured on, and its mean absolute error; None where there were none."""
    for split in ("test", "validation"):
        figures = export.info.metrics.get(split)
        if figures and figures.get("rows"):
            return split, figures["mae"]
    return None, None


def now() -> str:
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def exported_at(version: int) -> str:
    """When a version was exported, which its number tells where the trainer chose it; empty where it does not.

    >>> exported_at(20260101120000), exported_at(7)
    ('2026-01-01T12:00:00Z', '')
    """
    try:
        return datetime.datetime.strptime(str(version), "%Y%m%d%H%M%S").strftime("%Y-%m-%dT%H:%M:%SZ")
    except ValueError:
        return ""
