-- What people call a key by: from its hash, which tells nothing about the key.
ALTER TABLE api_key ADD COLUMN key_id text NOT NULL
    GENERATED ALWAYS AS (encode(substring(key_hash FROM 1 FOR 6), 'hex')) STORED UNIQUE;
ALTER TABLE api_key ADD COLUMN name text NOT NULL DEFAULT '';
ALTER TABLE api_key ADD COLUMN expires_at timestamptz;
