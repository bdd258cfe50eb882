"""The state of each customer, why it is so, and what to do next.

evidence (facts with ids) → assessor (`rules`, or a language model: `llm`) → history. Every statement cites facts.
`reader` reads the tone of messages, `stage` is what the pipeline of changes and the jobs run, `services` writes.
"""
