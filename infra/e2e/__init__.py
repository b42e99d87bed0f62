"""The whole system, deployed to an emulator by each framework, polled by real ticks, and disturbed.

`python -m e2e` runs it; `scenario.py` is the order of events. Every expectation is a condition with a deadline.
"""
