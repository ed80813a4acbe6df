"""A small server of an export that speaks as TensorFlow Serving does, for laptops and tests."""
