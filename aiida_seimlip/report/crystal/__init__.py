"""Reports on properties of crystals."""
