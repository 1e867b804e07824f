"""Events over HTTP into PostgreSQL: acknowledged means stored, once."""
