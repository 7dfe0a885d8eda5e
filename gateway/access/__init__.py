"""Who calls: keys, principals, and the check of what a caller shows."""
