"""Loops that run as fast as the processor can: compiled once, on all cores, over vectors of numbers or bytes.

A function that numba compiles stands in this package or, anywhere else, in a file called `compiled_*`. Such a file
holds loops alone (`text.compiled_splitting`), or those of the one class that lays out their arrays, with it
(`scoring.engines.compiled_cnn`). A class that does more than that, such as `text.compiled_tokenizer`, only calls the
loops of other such files.
"""
