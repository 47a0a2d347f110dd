"""Reports on surfaces and interfaces."""
