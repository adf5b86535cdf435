-- SQL by which the history of a key is found; $1: the key as the user gave it, h: a row of history.
-- key_hash: as _history_key_sql makes it. same: condition that the unique index takes both keys for
-- the same; of columns that were masked the hash alone says so. shown: the key as it is shown.
-- Called by row_history. Raises PI001, PI003.
CREATE OR REPLACE FUNCTION pgimport._history_lookup_sql(
    p_target pgimport.target,
    p_key text[],
    OUT key_hash text,
    OUT same text,
    OUT shown text
)
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_history_lookup_sql$
DECLARE
    v_values text;
    r_column record;
BEGIN
    IF cardinality(p_key) IS DISTINCT FROM cardinality(p_target.key_columns)
        OR array_ndims(p_key) <> 1
    THEN
        RAISE EXCEPTION USING
            ERRCODE = CASE WHEN p_key IS NULL THEN 'PI001' ELSE 'PI003' END,
            MESSAGE = format('a key of target "%s" has %s', p_target.name,
                pgimport._count_of(cardinality(p_target.key_columns), 'value')),
            DETAIL = format('They are: %s.', array_to_string(p_target.key_columns, ', ')),
            HINT = 'select * from pgimport.row_history(''codes'', ''{value,value}'');';
    END IF;

    FOR r_column IN
        SELECT c.column_name, c.key_position AS place, p_key[c.key_position] AS value, y.type,
            k.equal_operator, concat('::' || k.compare_type, ' COLLATE ' || k.collation_name)
                AS cast_sql
        FROM pgimport._target_columns(p_target.target_id) AS c
        -- a cast to a type with a length would cut what does not fit
        CROSS JOIN LATERAL (SELECT format_type(c.base_type, CASE
            WHEN c.base_type NOT IN (
                    'varchar'::regtype, 'bpchar'::regtype, 'bit'::regtype, 'varbit'::regtype
                ) THEN c.base_typmod
            ELSE -1
        END) AS type) AS y
        LEFT JOIN pgimport._key_columns(p_target.target_id) AS k ON k.column_name = c.column_name
        WHERE c.key_position IS NOT NULL
        ORDER BY c.key_position
    LOOP
        IF pgimport._cast_sqlstate(r_column.value, r_column.type) IS NOT NULL THEN
            RAISE EXCEPTION USING
                ERRCODE = 'PI003',
                MESSAGE = format('"%s" is not a value of column "%s", which is %s',
                    left(r_column.value, 200), r_column.column_name, r_column.type),
                HINT = 'Give the key as texts, in the order of the key of the target.';
        END IF;
        v_values := concat_ws(', ', v_values,
            format('($1[%1$s])::%2$s AS k%1$s', r_column.place, r_column.type));
        same := concat_ws(' AND ', same, format(
            'CASE WHEN h.key[%1$s] = ''***'' THEN h.key_hash IS NOT NULL '
            'WHEN h.key[%1$s] IS NULL OR $1[%1$s] IS NULL '
            'THEN h.key[%1$s] IS NULL AND $1[%1$s] IS NULL '
            'ELSE (h.key[%1$s])::%2$s%3$s %4$s ($1[%1$s])::%2$s%3$s END',
            r_column.place, r_column.type, r_column.cast_sql, r_column.equal_operator
        ));
        shown := concat_ws(', ', shown, pgimport._shown_key(
            p_target.target_id, r_column.column_name, format('h.key[%s]', r_column.place)
        ));
    END LOOP;
    key_hash := (
        SELECT format('(SELECT %s FROM (SELECT %s) AS q)', k.key_hash, v_values)
        FROM pgimport._history_key_sql(p_target, 'q.k%2$s') AS k
    );
    shown := format('ARRAY[%s]::text[]', shown);
END;
$_history_lookup_sql$;

COMMENT ON FUNCTION pgimport._history_lookup_sql(pgimport.target, text[]) IS
'internal: SQL by which the history of a key is found.';

-- Which import made this record? What jobs did to the record of a key, newest first, page by page:
-- p_after is the last history_id of the page before. The key is given in the order of the target's
-- key columns, each value as a text that its column would take; it finds what the unique index
-- would take for the same. Only of targets with the option row_history, and since it was set; also
-- of other targets of the same table and key. line_no: the physical line of the file; of records
-- that a rollback deleted or restored, those of the row that the same job had written. actor and
-- role_name: who did it.
-- Called by users. Raises PI001, PI003, PI201, PI204, PI205.
CREATE OR REPLACE FUNCTION pgimport.row_history(
    p_target text,
    p_key text[],
    p_after bigint DEFAULT NULL,
    p_limit integer DEFAULT 100
)
RETURNS TABLE (
    history_id bigint,
    written_at timestamptz,
    action text,
    key text[],
    job_id uuid,
    job_status text,
    source text,
    file_no integer,
    file_name text,
    row_no bigint,
    line_no bigint,
    actor text,
    role_name text
)
LANGUAGE plpgsql
STABLE
CALLED ON NULL INPUT
SET search_path = pg_catalog, pg_temp
SET extra_float_digits = 1
SET row_security = on
SET jit = off
AS $row_history$
#variable_conflict use_column
-- the fragments were quoted where they were made: @plpgsql_check_options: security_warnings = false
-- @plpgsql_check_options: extra_warnings = false
DECLARE
    v_target pgimport.target := pgimport._find_target(p_target);
    v_targets bigint[];
    v_hash bigint;
    r_key record;
BEGIN
    IF p_limit IS NULL OR p_limit NOT BETWEEN 1 AND 10000 THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI003',
            MESSAGE = format(
                '"p_limit" must be between 1 and 10000, not %s', coalesce(p_limit::text, 'null')
            ),
            HINT = 'Page on with p_after, the last history_id of the page before.';
    END IF;
    SELECT array_agg(t.target_id) INTO v_targets
    FROM pgimport.target AS t
    WHERE t.schema_name = v_target.schema_name
        AND t.table_name = v_target.table_name
        AND t.key_columns = v_target.key_columns;
    SELECT k.* INTO STRICT r_key
    FROM pgimport._history_lookup_sql(v_target, p_key) AS k;
    EXECUTE format('SELECT %s', r_key.key_hash) INTO v_hash USING p_key;

    -- p: the row of the files; of what a rollback did, the one from which the same job wrote it.
    -- e: the log has the first word on who it was after the act
    RETURN QUERY EXECUTE format(
        'SELECT h.history_id, h.written_at, h.action, %3$s, h.job_id, j.status, j.source, '
        'p.file_no, f.file_name, p.row_no, coalesce(p.line_no, p.row_no + f.line_offset), '
        'CASE WHEN e.role_name IS NULL THEN j.actor ELSE e.actor END, '
        'coalesce(e.role_name, j.owner_role) '
        'FROM (SELECT h.* FROM pgimport.row_history AS h '
        'WHERE h.target_id = ANY ($2) AND %1$s AND %2$s AND ($4 IS NULL OR h.history_id < $4) '
        'ORDER BY h.history_id DESC LIMIT $5) AS h '
        'INNER JOIN pgimport.job AS j ON j.job_id = h.job_id '
        'LEFT JOIN LATERAL (SELECT h.file_no, h.row_no, h.line_no WHERE h.row_no IS NOT NULL '
        'UNION ALL SELECT min(o.file_no), min(o.row_no), min(o.line_no) '
        'FROM pgimport.row_history AS o '
        'WHERE h.row_no IS NULL AND o.target_id = h.target_id '
        'AND o.key_hash IS NOT DISTINCT FROM h.key_hash AND o.job_id = h.job_id '
        'AND (o.key_hash IS NOT NULL OR o.key = h.key) AND o.row_no IS NOT NULL '
        'HAVING count(DISTINCT (o.file_no, o.row_no)) = 1) AS p ON true '
        'LEFT JOIN pgimport.file AS f ON f.job_id = h.job_id AND f.file_no = p.file_no '
        'LEFT JOIN LATERAL (SELECT e.actor, e.role_name FROM pgimport.job_event AS e '
        'WHERE e.job_id = h.job_id AND e.happened_at >= h.written_at '
        'ORDER BY e.event_id LIMIT 1) AS e ON true '
        'ORDER BY h.history_id DESC',
        CASE WHEN v_hash IS NULL THEN 'h.key_hash IS NULL'
            ELSE '(h.key_hash = $3 OR h.key_hash IS NULL)' END,
        r_key.same,
        r_key.shown
    ) USING p_key, v_targets, v_hash, p_after, p_limit;
END
$row_history$;

COMMENT ON FUNCTION pgimport.row_history(text, text[], bigint, integer) IS
'Lists what jobs did to the record of a key, newest first (p_after: last history_id of the page '
'before): action insert, update, delete or restore, job, file, row and line, by whom. For targets '
'with the option row_history. '
'Example: select * from pgimport.row_history(''codes'', array[''A1'', ''6f1f64a0-…''])';
