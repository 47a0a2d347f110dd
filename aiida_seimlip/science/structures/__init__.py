"""Building and perturbing atomic structures."""
