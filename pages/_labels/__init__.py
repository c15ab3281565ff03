"""Experts' labels on the pages."""
