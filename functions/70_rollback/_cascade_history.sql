-- Writes the history of the rows that a cascade is about to delete, of all tables whose targets
-- keep one: rows of p_children as _cascade_set names them. The job is the one that is rolled back.
-- Called by _cascade_delete.
CREATE OR REPLACE FUNCTION pgimport._cascade_history(
    p_job_id uuid,
    p_children regclass[],
    p_bounds integer[],
    p_rels oid[],
    p_tids tid[]
)
RETURNS void
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $_cascade_history$
-- fragments were quoted where they were made: @plpgsql_check_options: security_warnings = false
DECLARE
    v_target pgimport.target;
    r_part record;
    r_key record;
BEGIN
    FOR v_target IN
        SELECT t.* FROM pgimport.target AS t
        WHERE t.options @> '{"row_history": true}'
            AND t.dropped_at IS NULL
            AND to_regclass(format('%I.%I', t.schema_name, t.table_name)) IS NOT NULL
        ORDER BY t.target_id
    LOOP
        FOR r_part IN
            SELECT s.*
            FROM unnest(p_children, p_bounds) WITH ORDINALITY AS c (child, bound, place)
            CROSS JOIN LATERAL pgimport._cascade_part_sql(
                c.child, coalesce(p_bounds[c.place::integer - 1], 0) + 1, c.bound
            ) AS s
            WHERE c.child IN (
                SELECT r.relation
                FROM pgimport._table_tree(pgimport._target_relation(v_target)) AS r (relation)
            )
            ORDER BY c.place
        LOOP
            SELECT k.* INTO STRICT r_key
            FROM pgimport._history_key_sql(v_target, 'c.%1$I') AS k;
            EXECUTE format(
                'INSERT INTO pgimport.row_history '
                '(written_at, target_id, job_id, action, key, key_hash) '
                'SELECT $3, $4, $5, ''delete'', %s, %s FROM %s AS c INNER JOIN %s ON %s',
                r_key.key, r_key.key_hash, r_part.relation, r_part.named, r_part.condition
            ) USING p_rels, p_tids, clock_timestamp(), v_target.target_id, p_job_id;
        END LOOP;
    END LOOP;
END;
$_cascade_history$;

COMMENT ON FUNCTION
pgimport._cascade_history(uuid, regclass[], integer[], oid[], tid[]) IS
'internal: writes the history of the rows that a cascade is about to delete.';
