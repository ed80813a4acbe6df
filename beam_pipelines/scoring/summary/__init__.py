"""What a scoring job tells: statistics of each block, their totals, drift, and the report."""
