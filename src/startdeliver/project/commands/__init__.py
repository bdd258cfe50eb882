"""The subcommands of `startdeliver`, one module per subject. They import Django inside their functions only, so that
`--help` is quick and works even when a setting is wrong."""
