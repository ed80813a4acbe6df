"""Bytes of a text file to rows and their values, and what the rows show of how they should be read."""
