"""Shared by raw SQL statements: bulk writes, dialects, triggers, and the lock that admits one writer at a time."""
