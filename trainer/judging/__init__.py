"""How good a model is: errors and intervals beside the baselines, and the report."""
