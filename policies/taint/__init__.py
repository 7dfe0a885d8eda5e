"""Where the words of a call come from: from the people who asked, or from what a tool brought."""
