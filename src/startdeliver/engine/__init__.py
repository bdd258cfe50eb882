"""Background work: jobs kept in the application's own database, and the process that works on them.

`jobs` is the port (enqueue, claim, heartbeat, progress, cancel, complete, fail, take_over), `registry` says which
function does which kind of job and what happens at intervals, `worker` is the process, `owner` tells whether the
process that holds a piece of work still lives. docs/adr/0002-jobs-in-our-own-database.md says why it is not a library.
"""
