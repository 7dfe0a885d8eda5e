"""Where runs, responses and conversations are kept: the seams, their twins in memory, and `sql`."""
