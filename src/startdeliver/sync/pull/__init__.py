"""What comes in from Intercom: `stages` is the order of a run, one module for each stage.

`work` is what the stages share and how a page is committed; `facts` and `threads` are pure (a conversation as the facts
of a ticket, and as a thread); `store` compares, matches and stores a page of conversations.
"""
