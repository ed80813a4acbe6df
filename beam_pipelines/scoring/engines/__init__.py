"""What runs an exported model over many reviews: the SavedModel, or a compiled form that gives the same scores."""
