"""Changes of one statistic of a source, one a file. See `base.py` for the contract."""
