"""Models: one seam, its backends, and when a decision is lent to a larger one."""
