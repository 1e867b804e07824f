"""The PostgreSQL side: tables, rows, counts. Knows no stream and no HTTP."""
