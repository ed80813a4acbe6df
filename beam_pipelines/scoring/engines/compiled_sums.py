"""Sums of table rows, compiled: in float32 within a run, and those of the runs in float64.

Rounding grows with the number of terms, and a review may have thousands.
"""

import numpy as np

from beam_pipelines.compiling.cache import compiled
from beam_pipelines.compiling.vectors import WIDTH, load, splat, store
from beam_pipelines.scoring.engines.compiled_cnn import RUN


@compiled
def sum_rows(rows, start, end, table, sums):
    """Sums the rows `rows[start:end]` of a table, float32 [rows, columns], into `sums`, float32 [columns]."""
    run_sums, all_sums = np.empty((1, len(sums)), np.float32), np.zeros(len(sums))
    for run_start in range(start, end, RUN):
        for column in range(0, len(sums), WIDTH):
            run_sum = splat(0)
            for index in range(run_start, min(run_start + RUN, end)):
                run_sum = run_sum + load(table, rows[index], column)
            store(run_sums, 0, column, run_sum)
        all_sums += run_sums[0]
    sums[:] = all_sums
