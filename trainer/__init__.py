"""Fits a GloVe CNN or LSTM to prepared reviews and exports it as a SavedModel."""
