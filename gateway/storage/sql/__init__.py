"""The stores in SQL: SQLite for one machine, PostgreSQL for several. Opened by `opening`."""
