"""Reading any archive: files and their formats, blocks, rows, and the rows that are rejected."""
