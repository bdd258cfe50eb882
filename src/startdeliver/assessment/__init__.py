"""What the state of each customer is, why, and what to do next (product.md section 8).

evidence (facts with ids) → assessor (built in, or a language model) → history. Every statement cites facts.
"""
