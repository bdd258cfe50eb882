"""The endpoints of Intercom's API 2.16: plain functions from a `Call` to an answer."""
