"""Telling others of events: addresses, signed messages, patience, and a log of each telling."""
