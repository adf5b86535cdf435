-- The answer of a rehearsal: its keys, and in words what could not be undone or known.
-- p_found: what the rehearsal found: rows, inserted, updated, tried, waiting, failed, failures,
-- attempted, seconds, found, new_duplicates. Called by rehearse_job.
CREATE OR REPLACE FUNCTION pgimport._rehearse_answer(
    p_job pgimport.job,
    p_sample integer,
    p_found jsonb,
    p_sequences jsonb,
    p_started timestamptz
)
RETURNS jsonb
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $_rehearse_answer$
DECLARE
    v_tried bigint := (p_found -> 'tried')::bigint;
    v_inserted bigint := (p_found -> 'inserted')::bigint;
    v_updated bigint := (p_found -> 'updated')::bigint;
    v_failed bigint := (p_found -> 'failed')::bigint;
    v_waiting bigint := (p_found -> 'waiting')::bigint;
    v_clean bigint := (p_found -> 'clean_rows')::bigint;
    v_refused jsonb := p_found -> 'refused_because';
    v_warnings text[];
BEGIN
    v_warnings := ARRAY[
        CASE WHEN v_refused <> 'null' THEN format(
            'insert_job would insert nothing: %s', v_refused ->> 'message'
        ) END,
        CASE WHEN (p_found -> 'new_duplicates')::bigint > 0 THEN format(
            '%s came into the target after the check, %s here',
            pgimport._count_of((p_found -> 'new_duplicates')::bigint, 'duplicate'),
            CASE WHEN p_job.options ->> 'on_duplicate' = 'update'
                THEN 'updated' ELSE 'skipped' END
        ) END,
        CASE WHEN v_tried < (p_found -> 'rows')::bigint THEN format(
            'given up after %s of %s rows: too many fail', v_tried, p_found -> 'rows'
        ) END,
        CASE WHEN v_waiting > 0 THEN format(
            '%s to others of the job that were not rehearsed: rehearse all rows to know',
            pgimport._count_of(v_waiting, 'row')
            || CASE WHEN v_waiting = 1 THEN ' refers' ELSE ' refer' END
        ) END,
        (
            SELECT format(
                'numbers taken from sequences are not given back: %s', string_agg(format(
                    '%s by %s%s', s ->> 'sequence', s ->> 'moved',
                    CASE WHEN s ->> 'column' IS NULL
                        THEN ' (by a trigger, or by somebody else)' END
                ), ', ')
            )
            FROM jsonb_array_elements(p_sequences) AS s
            WHERE s -> 'moved' <> '0'
            HAVING count(*) > 0
        )
    ];

    RETURN pgimport._envelope(
        p_job,
        format(
            'rehearsed %s%s: %s would be inserted, %s%s; nothing was written',
            CASE WHEN v_tried < v_clean THEN v_tried || ' of ' END,
            pgimport._count_of(
                v_clean, CASE WHEN p_job.options ->> 'on_duplicate' = 'update'
                    THEN 'row' ELSE 'clean row' END
            ),
            v_inserted,
            CASE WHEN p_job.options ->> 'on_duplicate' = 'update'
                THEN v_updated || ' updated, ' END,
            CASE v_failed WHEN 0 THEN 'none fails' WHEN 1 THEN '1 fails'
                ELSE v_failed || ' fail' END
        ),
        jsonb_build_object(
            'passed', v_failed = 0 AND v_refused = 'null',
            'rehearsed', v_tried,
            'sample', nullif(p_sample, 0),
            'would_insert', v_inserted,
            'would_update', v_updated,
            'failed', v_failed,
            'failures', p_found -> 'failures',
            'sequences', p_sequences,
            'refused_because', v_refused
        ),
        to_jsonb(array_remove(v_warnings, NULL)),
        jsonb_build_object(
            'seconds', round(extract(EPOCH FROM clock_timestamp() - p_started)::numeric, 3),
            -- what the same rate makes of all clean rows
            'predicted_seconds', round(
                (p_found -> 'seconds')::numeric / nullif(v_inserted + v_updated, 0) * v_clean, 3
            ),
            'dead_rows', p_found -> 'attempted'
        )
    );
END;
$_rehearse_answer$;

COMMENT ON FUNCTION pgimport._rehearse_answer(pgimport.job, integer, jsonb, jsonb, timestamptz) IS
'internal: the answer of rehearse_job.';
