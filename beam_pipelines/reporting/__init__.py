"""Reports that are one HTML file: the page, and how its figures look."""
