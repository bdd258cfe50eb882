"""CSV files in: `csvfile` reads them, `forms` reads dates and numbers, `targets` says what can be imported,
`customers` and `users` do it in sets, `service` is what pages and the background job call.
"""
