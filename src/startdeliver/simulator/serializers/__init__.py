"""Records as the JSON objects of API 2.16."""
