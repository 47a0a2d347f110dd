"""Parsers, one for each CalcJob, under the same module name."""
