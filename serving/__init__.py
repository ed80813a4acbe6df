"""What it takes to put an export behind TensorFlow Serving."""
