# Sourced once by the PostgreSQL image, when it has made an empty cluster: the same roles as in the
# embedded server. psql reads the passwords from its environment, so no argument list holds them.
psql --quiet --no-psqlrc -v ON_ERROR_STOP=1 --username "$POSTGRES_USER" <<'SQL'
\getenv owner_password POSTGRES_INGEST_PASSWORD
\getenv worker_password POSTGRES_WORKER_PASSWORD
CREATE ROLE ingest LOGIN PASSWORD :'owner_password';
CREATE ROLE ingest_worker LOGIN PASSWORD :'worker_password';
-- A consumer ends the backend of one that stopped answering.
GRANT pg_signal_backend TO ingest;
CREATE DATABASE ingest OWNER ingest;
SQL
