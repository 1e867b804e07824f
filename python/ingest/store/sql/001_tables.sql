-- The tables of ingest. Unqualified: they go to the first schema of the search path.

CREATE TABLE project (
    project_id uuid PRIMARY KEY,
    name       text NOT NULL UNIQUE,
    plan       text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

-- Of a key only its SHA-256 is kept.
CREATE TABLE api_key (
    key_hash   bytea PRIMARY KEY CHECK (octet_length(key_hash) = 32),
    project_id uuid NOT NULL REFERENCES project,
    created_at timestamptz NOT NULL DEFAULT now(),
    revoked_at timestamptz
);
CREATE INDEX api_key_project ON api_key (project_id);

-- Columns in the order of the tuples. The id leads the key: ids made by workers grow with time, so
-- inserts go to the right edge of the index. No foreign key and no volatile default: either makes
-- COPY insert row by row. No default partition: it blocks DETACH CONCURRENTLY.
CREATE TABLE event (
    event_id    uuid NOT NULL,
    project_id  uuid NOT NULL,
    timestamp   timestamptz NOT NULL,
    received_at timestamptz NOT NULL,
    event_type  text NOT NULL,
    user_id     text,
    session_id  text,
    properties  jsonb NOT NULL,
    PRIMARY KEY (event_id, project_id, timestamp)
) PARTITION BY RANGE (timestamp);
CREATE INDEX event_timestamp ON event USING brin (timestamp);

-- A consumer that is alive. Its backend is ended before its shards are taken over;
-- backend_start tells a recycled process id from the same backend.
CREATE TABLE consumer (
    owner         text PRIMARY KEY,
    backend_pid   int NOT NULL,
    backend_start timestamptz NOT NULL,
    beat_at       timestamptz NOT NULL,
    leased_until  timestamptz NOT NULL
);

-- How far each shard is stored. It moves in the transaction that stores the rows, and only from
-- the entry the owner started at. run_id: the Valkey server whose entries up to here were all read.
CREATE TABLE position (
    shard      int PRIMARY KEY,
    entry_id   text NOT NULL DEFAULT '0-0',
    run_id     text,
    owner      text,
    updated_at timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 50);

-- The fate of accepted events by receive hour. The shard is in the key so that two consumers never
-- wait for one row.
CREATE TABLE ledger (
    shard      int NOT NULL,
    project_id uuid NOT NULL,
    hour       timestamptz NOT NULL,
    stored     bigint NOT NULL DEFAULT 0,
    duplicates bigint NOT NULL DEFAULT 0,
    dead       bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (shard, project_id, hour)
) WITH (fillfactor = 50);

-- What could not be stored: one tuple, or a whole entry whose bytes could not be read (no event_id).
CREATE TABLE dead_letter (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    dead_at     timestamptz NOT NULL DEFAULT now(),
    shard       int NOT NULL,
    entry_id    text NOT NULL,
    project_id  uuid,
    event_id    uuid,
    tuple       bytea NOT NULL,
    event       jsonb,
    sqlstate    text,
    column_name text,
    message     text NOT NULL
);
CREATE INDEX dead_letter_entry ON dead_letter (shard, entry_id);

CREATE TABLE setting (
    name  text PRIMARY KEY,
    value text NOT NULL
);
