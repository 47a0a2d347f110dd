"""Parts of the stand-in for VASP: what it reads, what it refuses, how it fails, and the files that it writes."""
