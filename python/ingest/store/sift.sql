-- Places the staged rows one page of the staging table at a time, and the rows of a page one by one
-- only where it holds a duplicate or poison. Gives the number (from 1, as staged) of each row that
-- was not placed, with the reason; a duplicate has none.
--
-- Each BEGIN with an EXCEPTION is a savepoint inside the server: no round trips. What no row
-- caused (a deadlock, a full disk, a missing privilege) is raised again.
CREATE OR REPLACE FUNCTION pg_temp.place_staged(not_rows text[])
RETURNS TABLE (number int, state text, column_name text, constraint_name text, message text)
LANGUAGE plpgsql AS $$
DECLARE
    pages bigint := pg_relation_size('pg_temp.staged') / current_setting('block_size')::int;
    first tid;
    behind tid;
    taken int := 0;
    total int;
    placed int;
    staged record;
BEGIN
    FOR page IN 0 .. pages - 1 LOOP
        first := format('(%s,0)', page);
        behind := format('(%s,0)', page + 1);
        SELECT count(*) INTO total FROM pg_temp.staged WHERE ctid >= first AND ctid < behind;
        BEGIN
            INSERT INTO event (
                event_id, project_id, timestamp, received_at,
                event_type, user_id, session_id, properties
            )
            SELECT
                event_id, project_id, timestamp, received_at,
                event_type, user_id, session_id, properties
            FROM pg_temp.staged WHERE ctid >= first AND ctid < behind
            ON CONFLICT (event_id, project_id, timestamp) DO NOTHING;
            GET DIAGNOSTICS placed = ROW_COUNT;
            IF placed < total THEN
                RAISE EXCEPTION 'the page holds a duplicate';
            END IF;
        EXCEPTION WHEN OTHERS THEN
            number := taken;
            FOR staged IN
                SELECT * FROM pg_temp.staged WHERE ctid >= first AND ctid < behind
            LOOP
                number := number + 1;
                BEGIN
                    INSERT INTO event (
                        event_id, project_id, timestamp, received_at,
                        event_type, user_id, session_id, properties
                    )
                    VALUES (
                        staged.event_id, staged.project_id, staged.timestamp, staged.received_at,
                        staged.event_type, staged.user_id, staged.session_id, staged.properties
                    )
                    ON CONFLICT (event_id, project_id, timestamp) DO NOTHING;
                    IF NOT FOUND THEN
                        state := NULL;
                        RETURN NEXT;
                    END IF;
                EXCEPTION WHEN OTHERS THEN
                    IF left(SQLSTATE, 2) = ANY (not_rows) THEN
                        RAISE;
                    END IF;
                    GET STACKED DIAGNOSTICS
                        state = RETURNED_SQLSTATE,
                        column_name = COLUMN_NAME,
                        constraint_name = CONSTRAINT_NAME,
                        message = MESSAGE_TEXT;
                    RETURN NEXT;
                END;
            END LOOP;
        END;
        taken := taken + total;
    END LOOP;
END $$
