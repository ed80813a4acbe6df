"""How a model is fitted, how an interrupted run goes on, and where it may start from."""
