"""Loops that run as fast as the processor can: compiled once, on all cores, over vectors of numbers or bytes."""
