-- Fills the job's table of lookups (column_no, text, value, matches), one line a text that is
-- staged for a looked-up column: what the rule "lookup" finds for it in another table, or what the
-- map of the job's assignment says. value is null where nothing is found, or several values are.
-- Texts are compared trimmed; rows that the caller may not see (row-level security) are not found.
-- Called by _validate_values before anything is cast. Returns the columns with such texts.
-- Raises PI211.
CREATE OR REPLACE FUNCTION pgimport._store_lookups(
    p_job pgimport.job
)
RETURNS text[]
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $_store_lookups$
-- the fragments were quoted where they were made: @plpgsql_check_options: security_warnings = false
DECLARE
    c_lookup CONSTANT text := pgimport._staging_name(p_job.job_id, '_lookup');
    v_assigned text := p_job.options -> 'assignment' ->> 'column';
    v_memory text;
    v_made boolean := false;
    v_unknown text[];
    r_column record;
BEGIN
    IF v_assigned IS NULL AND NOT EXISTS (
        SELECT FROM pgimport.target_column AS t
        WHERE t.target_id = p_job.target_id AND t.rules ? 'lookup'
    ) THEN
        RETURN '{}'::text[];
    END IF;

    v_memory := pgimport._raise_memory();
    FOR r_column IN
        SELECT c.* FROM pgimport._written_columns(p_job) AS c
        WHERE c.is_looked_up
        ORDER BY c.column_no
    LOOP
        IF NOT v_made THEN
            PERFORM pgimport._drop_staged(c_lookup);
            EXECUTE format(
                'CREATE %s TABLE pgimport_staging.%I (column_no integer NOT NULL, '
                'text text NOT NULL, value text, matches bigint NOT NULL) '
                'WITH (autovacuum_enabled = false)',
                CASE WHEN (p_job.options ->> 'durable')::boolean THEN '' ELSE 'UNLOGGED' END,
                c_lookup
            );
            v_made := true;
        END IF;

        EXECUTE format(
            'INSERT INTO pgimport_staging.%1$I (column_no, text, value, matches) '
            'SELECT $1, w.text, CASE WHEN count(DISTINCT k.value) = 1 THEN min(k.value) END, '
            'count(DISTINCT k.value) '
            'FROM (SELECT DISTINCT q.text FROM (SELECT %2$s AS text '
            'FROM pgimport_staging.%3$I AS s) AS q WHERE q.text IS NOT NULL) AS w '
            'LEFT JOIN (%4$s) AS k ON k.key = %5$s GROUP BY w.text',
            c_lookup,
            r_column.plain_sql,
            pgimport._staging_name(p_job.job_id),
            CASE
                WHEN r_column.column_name = v_assigned THEN format(
                    'SELECT btrim(m.key) AS key, m.value FROM jsonb_each_text(%L::jsonb) AS m',
                    p_job.options -> 'assignment' -> 'map'
                )
                ELSE pgimport._lookup_sql(r_column.column_name, r_column.rules -> 'lookup')
            END,
            pgimport._lookup_key_sql(
                'w.text',
                r_column.column_name IS DISTINCT FROM v_assigned
                AND pgimport._ignores_case(r_column.column_name, r_column.rules -> 'lookup')
            )
        ) USING r_column.column_no;
    END LOOP;

    IF v_made THEN
        -- by hash: a text may be longer than an entry of a B-tree
        EXECUTE format('CREATE INDEX ON pgimport_staging.%I USING hash (text)', c_lookup);
        EXECUTE format('ANALYZE pgimport_staging.%I', c_lookup);
        EXECUTE format(
            'SELECT array_agg(c.column_name ORDER BY c.column_no) '
            'FROM pgimport._written_columns($1) AS c WHERE c.column_no IN ('
            'SELECT l.column_no FROM pgimport_staging.%I AS l WHERE l.value IS NULL)', c_lookup
        ) INTO v_unknown USING p_job;
        PERFORM pgimport._give_staging(p_job.job_id);
    END IF;
    PERFORM set_config('work_mem', v_memory, true);

    RETURN coalesce(v_unknown, '{}');
END;
$_store_lookups$;

COMMENT ON FUNCTION pgimport._store_lookups(pgimport.job) IS
'internal: fills the table of lookups of a job; returns the columns with unknown texts.';

-- SQL expression with the code of the issue of a text that was looked up in vain.
-- Called by _value_code_sql.
CREATE OR REPLACE FUNCTION pgimport._lookup_code_sql(
    p_job_id uuid,
    p_column_no integer,
    p_plain_sql text
)
RETURNS text
LANGUAGE plpgsql
IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $_lookup_code_sql$
BEGIN
    RETURN format(
        '(SELECT CASE WHEN l.matches > 1 THEN ''ambiguous_reference'' ELSE ''not_found'' END '
        'FROM pgimport_staging.%I AS l WHERE l.column_no = %s AND l.text = %s)',
        pgimport._staging_name(p_job_id, '_lookup'), p_column_no, p_plain_sql
    );
END;
$_lookup_code_sql$;

COMMENT ON FUNCTION pgimport._lookup_code_sql(uuid, integer, text) IS
'internal: SQL with the code of the issue of a text that was looked up in vain.';
