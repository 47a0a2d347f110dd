"""Options and records of starts: recipes, packing, condensation and their checks."""
