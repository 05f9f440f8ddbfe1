"""Composition root: wires the rooms; the signerd command."""
