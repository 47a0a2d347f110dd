"""Calcfunctions, the only creators of data besides the CalcJobs: a folder for each subject."""
