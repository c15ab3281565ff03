"""Figures and pictures, made of values that were measured before."""
