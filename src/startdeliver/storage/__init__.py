"""What raw statements share: bulk writes, dialects, the lock that lets one writer compute at a time."""
