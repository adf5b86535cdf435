-- SQL condition on rows of a job that name their file_no and row_no (alias p_alias): those of the
-- batch that is being written; true where all rows are. Called by what a batch reads or writes.
CREATE OR REPLACE FUNCTION pgimport._window_sql(
    p_job pgimport.job,
    p_alias text
)
RETURNS text
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
RETURN CASE
    WHEN (p_job).batch_until IS NULL THEN 'true'
    ELSE format(
            '(%1$I.file_no, %1$I.row_no) > (%2$s, %3$s) '
            'AND (%1$I.file_no, %1$I.row_no) <= (%4$s, %5$s)',
            p_alias,
            coalesce((p_job).batch_after[1], 0), coalesce((p_job).batch_after[2], 0),
            (p_job).batch_until[1], (p_job).batch_until[2]
        )
END;

COMMENT ON FUNCTION pgimport._window_sql(pgimport.job, text) IS
'internal: SQL condition that a row of a job is in the batch that is being written.';

-- SQL condition on rows v of a job's table of values: those that are clean, with no mark, and in
-- the batch that is being written.
-- Called by what reads only the rows that an insert writes.
CREATE OR REPLACE FUNCTION pgimport._clean_sql(
    p_job pgimport.job
)
RETURNS text
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
RETURN format(
    'NOT EXISTS (SELECT FROM pgimport_staging.%I AS m '
    'WHERE m.file_no = v.file_no AND m.row_no = v.row_no) AND %s',
    pgimport._staging_name((p_job).job_id, '_mark'),
    pgimport._window_sql(p_job, 'v')
);

COMMENT ON FUNCTION pgimport._clean_sql(pgimport.job) IS
'internal: SQL condition that a row of the table of values is clean.';
