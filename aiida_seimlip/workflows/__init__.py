"""WorkChains: active learning and its stages."""
