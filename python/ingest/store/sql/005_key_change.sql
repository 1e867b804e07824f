-- At once and in the order in which writers take them: taken one by one they could deadlock.
LOCK TABLE project, api_key, key_generation;

-- Which keys changed with which number of key_generation, so that workers read those alone. A key
-- that is in no other table any more was deleted. In the order of commits: the number is taken by
-- updating one row, whose lock is held until the commit.
CREATE TABLE key_change (
    generation bigint NOT NULL,
    key_hash   bytea NOT NULL
);
CREATE INDEX key_change_generation ON key_change (generation);

-- Who knows an older number than this reads all keys: the changes since are not all noted.
ALTER TABLE key_generation ADD COLUMN noted_since bigint NOT NULL DEFAULT 0;
UPDATE key_generation SET noted_since = generation;

-- At most 1000 numbers are kept, at most 200 keys of each: reading all costs little more than that.
-- AFTER the rows, as before: their locks come first and the number's last, whatever was changed.
CREATE OR REPLACE FUNCTION bump_key_generation() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    number bigint;
    noted  bigint;
BEGIN
    EXECUTE format('UPDATE %I.key_generation SET generation = generation + 1,
        noted_since = greatest(noted_since, generation - 999) RETURNING generation',
        TG_TABLE_SCHEMA) INTO number;
    EXECUTE format('DELETE FROM %I.key_change WHERE generation <= $1 - 1000', TG_TABLE_SCHEMA)
        USING number;
    IF TG_OP <> 'TRUNCATE' AND number IS NOT NULL THEN
        EXECUTE format(CASE TG_TABLE_NAME
            WHEN 'project' THEN 'INSERT INTO %1$I.key_change SELECT $1, key_hash
                FROM touched JOIN %1$I.api_key USING (project_id) LIMIT 201'
            ELSE 'INSERT INTO %1$I.key_change SELECT $1, key_hash FROM touched LIMIT 201'
        END, TG_TABLE_SCHEMA) USING number;
        GET DIAGNOSTICS noted = ROW_COUNT;
    END IF;
    IF TG_OP = 'TRUNCATE' OR noted > 200 THEN
        EXECUTE format('UPDATE %I.key_generation SET noted_since = generation', TG_TABLE_SCHEMA);
    END IF;
    RETURN NULL;
END $$;

-- A trigger that is told the rows is for one event and one side of it. A project without keys,
-- as any is when it is made or deleted, is none that workers know.
DROP TRIGGER key_generation ON api_key;
DROP TRIGGER key_generation ON project;
CREATE TRIGGER key_made AFTER INSERT ON api_key
    REFERENCING NEW TABLE AS touched
    FOR EACH STATEMENT EXECUTE FUNCTION bump_key_generation();
CREATE TRIGGER key_deleted AFTER DELETE ON api_key
    REFERENCING OLD TABLE AS touched
    FOR EACH STATEMENT EXECUTE FUNCTION bump_key_generation();
CREATE TRIGGER key_was AFTER UPDATE ON api_key
    REFERENCING OLD TABLE AS touched
    FOR EACH STATEMENT EXECUTE FUNCTION bump_key_generation();
CREATE TRIGGER key_is AFTER UPDATE ON api_key
    REFERENCING NEW TABLE AS touched
    FOR EACH STATEMENT EXECUTE FUNCTION bump_key_generation();
CREATE TRIGGER keys_gone AFTER TRUNCATE ON api_key
    FOR EACH STATEMENT EXECUTE FUNCTION bump_key_generation();
CREATE TRIGGER project_is AFTER UPDATE ON project
    REFERENCING NEW TABLE AS touched
    FOR EACH STATEMENT EXECUTE FUNCTION bump_key_generation();

-- Who reads keys reads this too, without being told again.
DO $$
DECLARE
    reader text;
BEGIN
    FOR reader IN
        SELECT DISTINCT CASE acl.grantee WHEN 0 THEN 'PUBLIC' ELSE acl.grantee::regrole::text END
        FROM pg_class, aclexplode(relacl) AS acl
        WHERE pg_class.oid = 'api_key'::regclass AND acl.privilege_type = 'SELECT'
    LOOP
        EXECUTE 'GRANT SELECT ON key_change TO ' || reader;
    END LOOP;
END $$;
