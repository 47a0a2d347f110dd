"""Scripts that a CalcJob uploads and runs on the remote computer; they import nothing from this package."""
