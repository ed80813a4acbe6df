"""Beam at run time: runners, counters, and a step that overlaps with its neighbours."""
