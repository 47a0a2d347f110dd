"""Condensation engines: packed cells in, dense and relaxed cells out."""
