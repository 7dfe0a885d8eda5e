"""The agent: the ReAct loop, its values and its events."""
