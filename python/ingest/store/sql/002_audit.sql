-- What workers counted as accepted, moved here from Valkey once an hour is over.
ALTER TABLE ledger ADD COLUMN accepted bigint NOT NULL DEFAULT 0;

-- The last move of each shard: what was added to the ledger and is to be taken from Valkey's
-- counters, once. data_set names the counters of which it was read.
CREATE TABLE fold (
    shard    int PRIMARY KEY,
    data_set text NOT NULL,
    number   bigint NOT NULL,
    fields   text[] NOT NULL,
    rows     bigint[] NOT NULL
);

-- How many accepted events a letter stands for: one, or as many as a whole entry's header says.
ALTER TABLE dead_letter ADD COLUMN rows bigint NOT NULL DEFAULT 1;

-- Letters that were dropped, and whole entries that were replayed: should their entry be read
-- again, they are not counted again. tuple_hash is the SHA-256 of the letter's bytes.
CREATE TABLE settled_letter (
    shard      int NOT NULL,
    entry_id   text NOT NULL,
    tuple_hash bytea NOT NULL,
    is_whole   boolean NOT NULL,
    settled_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX settled_letter_entry ON settled_letter (shard, entry_id);
