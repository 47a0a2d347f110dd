"""Options of models side by side, and the records of what is found."""
