"""Moves entries from the stream into PostgreSQL: each row and the position in one transaction."""
