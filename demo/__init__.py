"""The demo: learn from rated texts, score an unrated archive."""
