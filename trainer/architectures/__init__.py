"""What is fitted: the architectures, their layers, and how their outputs become scores and intervals."""
