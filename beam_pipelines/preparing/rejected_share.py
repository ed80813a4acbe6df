"""Ends a job that rejects more rows of an archive than it is allowed to."""

from beam_pipelines.archive import damage, rejects
from beam_pipelines.preparing import row_counts
from beam_pipelines.preparing.job import Job
from beam_pipelines.preparing.row_counts import RowCounts


def check(rows: RowCounts, job: Job, size_bytes: int, of: str = "") -> None:
    """Stops where more is rejected than allowed.

    Args:
      rows: Of the archive.
      job: With its settings.
      size_bytes: Of the archive.
      of: Tells whose rows, where there are others.

    Raises:
      UserError: Names the reason that dominates.
    """
    rejected, unread_share = row_counts.by_reason(rows.rejected), rows.unread_bytes / max(size_bytes, 1)
    if rows.damaged and job.settings.damaged_files == "stop":
        # What is damaged then ends the job when all else is written, however much it is.
        rejected.pop(damage.DAMAGED_FILE, None)
        unread_share = 0.0
    rejects.check_share(
        rejected,
        rows.remarks,
        rows.read,
        allowed=job.settings.max_rejected_share,
        output=job.settings.output,
        unread_share=unread_share,
        of=of,
    )
