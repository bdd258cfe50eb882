"""What goes to Intercom: Startdeliver's data as attributes (advanced tier) and core fields (by their rules).

`choices` says what goes and under which name; `plan` computes, as data, what is missing and what differs from what
Intercom last confirmed; `preview` shows that very plan; `runs` executes it: `definitions` first, then `queue` and
`writer`, one queue row per record; `record` keeps what Intercom confirmed, and the log.
"""
