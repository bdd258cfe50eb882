"""Measures what issue-sized claims about speed and size promise; see README.md beside this file."""
