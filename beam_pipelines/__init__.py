"""The two Beam jobs, `preprocess` and `score`, and the steps that they are made of."""
