"""Startdeliver: a self-hosted customer-success hub joined to Intercom, both ways."""

__version__ = "0.1.0"
