"""Background work.

`jobs` is the port that the rest of the product uses: enqueue, progress, stopping, cancel, and the registration of
handlers and periodic tasks (`registry`). Nothing in it says which engine runs the jobs:

- on SQLite, `embedded` keeps them in the application's own table and runs them in one process tree;
- on PostgreSQL, `distributed` hands them to Procrastinate, which runs them on any number of machines.

`docs/adr/0002-one-port-two-engines.md` gives the reasons.
"""
