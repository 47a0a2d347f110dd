"""Options of workflows on crystals, and what they find."""
