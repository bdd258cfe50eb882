"""The demo workspace: people, conversations and events that look like those of a company selling software.

Names and texts are in `data/`. Nothing there is real.
"""

from startdeliver.simulator.demo.people import demo_companies, demo_people
from startdeliver.simulator.demo.seed import seed_demo

__all__ = ["demo_companies", "demo_people", "seed_demo"]
