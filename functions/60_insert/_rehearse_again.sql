-- Whether a constraint of a table is a foreign key that refers to the table itself.
-- Called by _rehearse_rows.
CREATE OR REPLACE FUNCTION pgimport._refers_to_itself(
    p_relation regclass,
    p_constraint text
)
RETURNS boolean
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_refers_to_itself$
BEGIN
    RETURN EXISTS (
        SELECT FROM pg_constraint AS k
        WHERE k.contype = 'f'
            AND k.conname = p_constraint
            AND k.conrelid IN (SELECT pgimport._table_tree(p_relation))
            AND k.confrelid IN (SELECT pgimport._table_tree(p_relation))
    );
END;
$_refers_to_itself$;

COMMENT ON FUNCTION pgimport._refers_to_itself(regclass, text) IS
'internal: whether a foreign key of a table refers to the table itself.';

-- Tries rows again that failed for want of a row they refer to: it may have been inserted since.
-- As long as that helps. p_inserts: the last place of those that are inserted. Called by
-- _rehearse_rows. Returns the failures that are left.
CREATE OR REPLACE FUNCTION pgimport._rehearse_again(
    p_job pgimport.job,
    p_relation regclass,
    p_statements text[],
    p_failures jsonb[],
    p_search_path text,
    p_inserts bigint,
    OUT failures jsonb[],
    OUT rows_inserted bigint,
    OUT rows_updated bigint
)
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $_rehearse_again$
DECLARE
    v_before bigint := -1;
    v_left jsonb[];
    v_again jsonb;
    v_failure jsonb;
BEGIN
    failures := p_failures;
    rows_inserted := 0;
    rows_updated := 0;
    WHILE v_before < rows_inserted + rows_updated LOOP
        v_before := rows_inserted + rows_updated;
        v_left := '{}'::jsonb[];
        FOREACH v_failure IN ARRAY failures LOOP
            v_again := v_failure;
            IF (v_failure -> 'waits')::boolean THEN
                v_again := pgimport._rehearse_piece(
                    p_job.job_id, p_relation, p_statements, (v_failure ->> 'place')::bigint,
                    (v_failure ->> 'place')::bigint, p_search_path
                );
            END IF;
            IF v_again IS NULL AND (v_failure ->> 'place')::bigint > p_inserts THEN
                rows_updated := rows_updated + 1;
            ELSIF v_again IS NULL THEN
                rows_inserted := rows_inserted + 1;
            ELSE
                v_left := v_left || v_failure;
            END IF;
        END LOOP;
        failures := v_left;
    END LOOP;
END;
$_rehearse_again$;

COMMENT ON FUNCTION pgimport._rehearse_again(
    pgimport.job, regclass, text[], jsonb[], text, bigint
) IS
'internal: tries rows of a rehearsal again that refer to other rows of the job.';
