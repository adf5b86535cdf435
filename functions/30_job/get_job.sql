-- Everything that is known of one job: state, counts, files, times, options, mapping, error, and
-- what there is to say of its rollback.
-- Called by users. Raises PI001, PI101.
CREATE OR REPLACE FUNCTION pgimport.get_job(
    p_job_id uuid
)
RETURNS jsonb
LANGUAGE plpgsql
STABLE
CALLED ON NULL INPUT
SET search_path = pg_catalog, pg_temp
AS $get_job$
DECLARE
    r_job pgimport.job := pgimport._read_job(p_job_id);
    v_target_name text;
    v_files jsonb;
    v_fixes jsonb;
BEGIN
    SELECT t.name
    INTO v_target_name
    FROM pgimport.target AS t
    WHERE t.target_id = r_job.target_id;

    SELECT coalesce(jsonb_agg(
        to_jsonb(f) - '{job_id,staging_table,line_offset,token_seed,checkpoint_state}'::text[]
        ORDER BY f.file_no
    ), '[]')
    INTO v_files
    FROM pgimport.file AS f
    WHERE f.job_id = p_job_id;

    SELECT coalesce(jsonb_agg(
        to_jsonb(f) - '{job_id,line_offset}'::text[] ORDER BY f.fix_no
    ), '[]')
    INTO v_fixes
    FROM pgimport.fix AS f
    WHERE f.job_id = p_job_id;

    RETURN pgimport._envelope(
        r_job,
        format(
            'job %s is %s%s', p_job_id, r_job.status,
            coalesce(': ' || CASE r_job.status
                WHEN 'checked'
                    THEN format('%s of %s rows are clean', r_job.clean_rows, r_job.total_rows)
                WHEN 'completed' THEN format('%s rows were inserted%s%s', r_job.rows_inserted,
                    CASE WHEN r_job.rows_updated > 0
                        THEN format(', %s updated', r_job.rows_updated) END,
                    CASE WHEN r_job.partial_rollbacks > 0 THEN '; partly rolled back' END)
                WHEN 'rolled_back' THEN format('%s of %s inserted rows were deleted%s',
                    r_job.rows_deleted, r_job.rows_inserted,
                    CASE WHEN r_job.rows_updated > 0
                        THEN format(', %s of %s updated ones restored',
                            r_job.rows_restored, r_job.rows_updated) END)
                WHEN 'failed' THEN r_job.error_message
            END, '')
        ),
        jsonb_build_object(
            'target_name', v_target_name,
            'owner_role', r_job.owner_role,
            'actor', r_job.actor,
            'tenant', r_job.tenant,
            'source', r_job.source,
            'source_info', r_job.source_info,
            'options', r_job.options,
            'mapping', r_job.mapping,
            'idempotency_key', r_job.idempotency_key,
            'files', v_files,
            'fixes', v_fixes,
            'created_at', r_job.created_at,
            'staged_at', r_job.staged_at,
            'validated_at', r_job.validated_at,
            'checked_at', r_job.checked_at,
            'completed_at', r_job.completed_at,
            'finished_at', r_job.finished_at,
            'deleted_at', r_job.deleted_at,
            'deleted_by', r_job.deleted_by,
            'error', CASE
                WHEN coalesce(r_job.error_sqlstate, r_job.error_message) IS NOT NULL
                    THEN jsonb_build_object(
                        'sqlstate', r_job.error_sqlstate, 'message', r_job.error_message
                    )
            END,
            'checksums', jsonb_build_object(
                'staged', r_job.checksum_staged, 'inserted', r_job.checksum_inserted
            ),
            'rollback', jsonb_build_object(
                'until', r_job.rollback_until,
                'disabled_at', r_job.rollback_disabled_at,
                'disabled_by', r_job.rollback_disabled_by,
                'disabled_reason', r_job.rollback_disabled_reason,
                'rolled_back_at', r_job.rolled_back_at,
                'rolled_back_by', r_job.rolled_back_by,
                'reason', r_job.rollback_reason,
                'mode', r_job.rollback_mode,
                'soft', r_job.rollback_soft,
                'partial_rollbacks', r_job.partial_rollbacks,
                'redone', r_job.redone
            )
        ),
        pgimport._gone_warnings(r_job)
    );
END
$get_job$;

COMMENT ON FUNCTION pgimport.get_job(uuid) IS
'Returns everything on one job: status, counts, files, times, options, mapping, error, rollback. '
'Example: select jsonb_pretty(pgimport.get_job(''01890a5d-ac96-774b-bcce-b302099a8057''))';
