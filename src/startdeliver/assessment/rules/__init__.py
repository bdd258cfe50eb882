"""The built-in assessor: what facts mean, and which status follows."""
