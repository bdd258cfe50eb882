"""The evidence: facts about a customer, each with an id, a date, a link and a sentence."""
