"""Measures the rates and the memory that the README reports."""
