"""Moment tensor potentials: generation, evaluation, grades, selection and training."""
