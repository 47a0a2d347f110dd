"""Options of workflows on potentials themselves, and what they find."""
