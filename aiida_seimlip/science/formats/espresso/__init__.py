"""Files of Quantum ESPRESSO."""
