"""Search and lists: the query grammar, the searchable fields, and paging."""
