"""CalcJobs, one in each module."""
