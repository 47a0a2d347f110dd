"""The workflow from a recipe to a potential for the whole interphase."""
