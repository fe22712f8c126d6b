"""Trials at full count: each breaks something on purpose many times and says whether it held."""
