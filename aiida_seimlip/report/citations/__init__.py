"""The programs and papers that a process really used, to be cited with its results."""
