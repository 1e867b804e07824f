"""The stream between workers and consumers: sharded Valkey streams, and who may do what to them."""
