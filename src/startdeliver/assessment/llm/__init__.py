"""The assessor that asks a language model."""
