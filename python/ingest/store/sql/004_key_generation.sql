-- Changes with every change of keys and projects: workers read this row four times a second, and
-- those tables only when it moved. A row and no sequence: it must change with the commit, not before.
CREATE TABLE key_generation (
    generation bigint NOT NULL
);
CREATE UNIQUE INDEX key_generation_is_one ON key_generation ((true));
INSERT INTO key_generation VALUES (1);

-- Whoever may change the tables need not know of this one.
CREATE FUNCTION bump_key_generation() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    EXECUTE format('UPDATE %I.key_generation SET generation = generation + 1', TG_TABLE_SCHEMA);
    RETURN NULL;
END $$;

CREATE TRIGGER key_generation AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON api_key
    FOR EACH STATEMENT EXECUTE FUNCTION bump_key_generation();
CREATE TRIGGER key_generation AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON project
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
        EXECUTE 'GRANT SELECT ON key_generation TO ' || reader;
    END LOOP;
END $$;
