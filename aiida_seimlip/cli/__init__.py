"""The command line `aiida-seimlip`."""
