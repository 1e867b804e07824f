-- The reference system's tables, with its indexes and its foreign key.

CREATE TABLE project (
    project_id uuid PRIMARY KEY,
    name       text NOT NULL UNIQUE,
    plan       text NOT NULL,
    api_key    text NOT NULL UNIQUE,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE event (
    event_id   uuid PRIMARY KEY,
    project_id uuid NOT NULL REFERENCES project,
    user_id    text,
    session_id text,
    event_type text NOT NULL,
    timestamp  timestamptz NOT NULL,
    properties jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX event_project ON event (project_id);
CREATE INDEX event_type ON event (event_type);
CREATE INDEX event_timestamp ON event (timestamp);
