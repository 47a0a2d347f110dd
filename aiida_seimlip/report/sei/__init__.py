"""The report on a potential for the whole interphase."""
