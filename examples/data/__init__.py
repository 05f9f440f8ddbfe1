"""Synthetic bank data for the demo and the program that makes it."""
