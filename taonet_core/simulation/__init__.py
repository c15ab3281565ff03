"""Sequences from physics: populations, scenes, surveys."""
