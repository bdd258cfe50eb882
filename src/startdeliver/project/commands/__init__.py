"""The subcommands of `startdeliver`, one module per subject.

They import Django inside their functions only, so that `--help` is fast and works even if a setting is wrong.
"""
