"""A folder of versions that a server watches, and what is put into it and taken out again."""
