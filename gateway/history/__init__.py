"""Looking back over runs: summaries, statistics, drift. Pure folds over records, and who reads them."""
