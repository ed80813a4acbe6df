"""From text to ids: one tokeniser, one vocabulary, one graph, for all three commands."""
