-- Takes a target off the list. The table and the history of its jobs stay as they are; jobs that
-- are completed can still be verified and rolled back. Its name is free again.
-- Called by users. Raises PI001, PI102, PI201.
CREATE OR REPLACE FUNCTION pgimport.drop_target(
    p_target text
)
RETURNS jsonb
LANGUAGE plpgsql
VOLATILE
CALLED ON NULL INPUT
SET search_path = pg_catalog, pg_temp
AS $drop_target$
DECLARE
    r_target pgimport.target := pgimport._find_target(p_target);
    v_jobs uuid [];
BEGIN
    SELECT array_agg(j.job_id ORDER BY j.job_id)
    INTO v_jobs
    FROM pgimport.job AS j
    WHERE j.target_id = r_target.target_id
        AND j.status IN ('staging', 'staged', 'checked', 'queued', 'inserting');
    IF v_jobs IS NOT NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI102',
            MESSAGE = format(
                'target "%s" has %s unfinished job%s', r_target.name, cardinality(v_jobs),
                CASE WHEN cardinality(v_jobs) = 1 THEN '' ELSE 's' END
            ),
            DETAIL = format('Jobs: %s.', array_to_string(v_jobs[1:10], ', ')),
            HINT = format('select pgimport.cancel_job(%L, ''target is dropped'');', v_jobs[1]);
    END IF;

    UPDATE pgimport.target AS t
    SET dropped_at = now()
    WHERE t.target_id = r_target.target_id
        AND t.dropped_at IS NULL
    RETURNING t.* INTO r_target;

    RETURN pgimport._target_envelope(
        r_target,
        format('target "%s" is dropped; its table and the history of its jobs stay', r_target.name),
        jsonb_build_object('name', r_target.name, 'dropped_at', r_target.dropped_at)
    );
END
$drop_target$;

COMMENT ON FUNCTION pgimport.drop_target(text) IS
'Takes a target off the list; its table and the history of its jobs stay untouched. '
'Example: select pgimport.drop_target(''codes'')';
