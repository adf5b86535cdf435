-- How far sequences have come: {oid: {sequence, column, last, step}}, last null where the caller
-- may not see it. Those that number columns of a table, or stand in its defaults, have the column's
-- name; the others of the database are there too, unless they are many: a trigger may use them.
-- Called by rehearse_job before and after.
CREATE OR REPLACE FUNCTION pgimport._sequence_state(
    p_relation regclass
)
RETURNS jsonb
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $_sequence_state$
DECLARE
    -- each that is read stays locked against ALTER and DROP until the transaction ends
    c_most CONSTANT integer := 200;
    v_few boolean := (
        SELECT count(*) <= c_most FROM pg_sequence AS q
        INNER JOIN pg_class AS c ON c.oid = q.seqrelid
        WHERE c.relnamespace <> 'pgimport_staging'::regnamespace
    );
BEGIN
    RETURN (
        SELECT coalesce(jsonb_object_agg(q.seqrelid, jsonb_build_object(
            'sequence', format('%I.%I', n.nspname, c.relname),
            'column', o.attname,
            'last', CASE WHEN has_sequence_privilege(q.seqrelid, 'SELECT, USAGE')
                THEN coalesce(
                    pg_sequence_last_value(q.seqrelid), q.seqstart - q.seqincrement
                ) END,
            'step', q.seqincrement
        )), '{}')
        FROM pg_sequence AS q
        INNER JOIN pg_class AS c ON c.oid = q.seqrelid
        INNER JOIN pg_namespace AS n ON n.oid = c.relnamespace
        LEFT JOIN (
            SELECT u.seqrelid, min(a.attname) AS attname
            FROM (
                SELECT d.objid AS seqrelid, d.refobjsubid AS attnum
                FROM pg_depend AS d
                WHERE d.classid = 'pg_class'::regclass
                    AND d.refclassid = 'pg_class'::regclass
                    AND d.refobjid = p_relation
                    AND d.deptype IN ('a', 'i')
                UNION
                SELECT d.refobjid, f.adnum
                FROM pg_attrdef AS f
                INNER JOIN pg_depend AS d
                    ON d.classid = 'pg_attrdef'::regclass
                        AND d.objid = f.oid
                        AND d.refclassid = 'pg_class'::regclass
                WHERE f.adrelid = p_relation
            ) AS u
            INNER JOIN pg_attribute AS a
                ON a.attrelid = p_relation AND a.attnum = u.attnum
            GROUP BY u.seqrelid
        ) AS o ON o.seqrelid = q.seqrelid
        WHERE o.attname IS NOT NULL OR (
                v_few
                AND n.nspname NOT IN ('pgimport', 'pgimport_staging')
                AND NOT pg_is_other_temp_schema(c.relnamespace)
            )
    );
END;
$_sequence_state$;

COMMENT ON FUNCTION pgimport._sequence_state(regclass) IS
'internal: how far the sequences of a table, and of the database, have come.';

-- Sequences that moved between two states, and those of the table whether they moved or not:
-- [{sequence, column, moved}], moved in steps, null where the caller may not see it.
-- Called by rehearse_job.
CREATE OR REPLACE FUNCTION pgimport._moved_sequences(
    p_before jsonb,
    p_after jsonb
)
RETURNS jsonb
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_moved_sequences$
BEGIN
    RETURN (
        SELECT coalesce(
            jsonb_agg(
                jsonb_build_object('sequence', m.sequence, 'column', m.column_name,
                    'moved', m.moved)
                ORDER BY m.column_name IS NULL, m.sequence
            ),
            '[]'
        )
        FROM (
            SELECT
                b.value ->> 'sequence' AS sequence,
                b.value ->> 'column' AS column_name,
                div(
                    (a.value ->> 'last')::numeric - (b.value ->> 'last')::numeric,
                    (b.value ->> 'step')::numeric
                ) AS moved
            FROM jsonb_each(p_before) AS b
            INNER JOIN jsonb_each(p_after) AS a ON a.key = b.key
        ) AS m
        WHERE m.column_name IS NOT NULL OR m.moved <> 0
    );
END;
$_moved_sequences$;

COMMENT ON FUNCTION pgimport._moved_sequences(jsonb, jsonb) IS
'internal: the sequences that moved between two states.';
