"""Measures the claims about speed and size; see README.md in this folder."""
