"""Workflows: programmes that customers are enrolled in, by hand or by rule, with their history.

`rules` is pure and takes plain facts; `facts` says where they come from and is where packages above register theirs.
"""
