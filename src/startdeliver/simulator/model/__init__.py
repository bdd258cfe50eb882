"""The state of a simulated workspace and the operations that change it."""
