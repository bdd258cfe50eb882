"""The HTTP server: routing to the API, faults and limits, OAuth, the control API and pages for people."""
