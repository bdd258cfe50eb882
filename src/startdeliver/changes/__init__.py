"""What changed: one table that every writer appends to, and how its readers take rows from it.

This package only records and hands out. What is done with a change is listed in `sync/pipeline.py`.
"""
