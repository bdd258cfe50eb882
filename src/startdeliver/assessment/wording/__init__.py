"""The sentences of an assessment."""
