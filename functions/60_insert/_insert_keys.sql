-- How many rows of a checked job go to rows of its target that are there already.
-- Called wherever such rows are counted.
CREATE OR REPLACE FUNCTION pgimport._rows_to_update(
    p_job pgimport.job
)
RETURNS bigint
LANGUAGE plpgsql
IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $_rows_to_update$
BEGIN
    RETURN CASE p_job.options ->> 'on_duplicate'
        WHEN 'update' THEN p_job.database_duplicates - p_job.both_duplicates ELSE 0 END;
END;
$_rows_to_update$;

COMMENT ON FUNCTION pgimport._rows_to_update(pgimport.job) IS
'internal: how many rows of a checked job go to rows that are in its target.';

-- What an insert has done, in a sentence. Called by insert_job.
CREATE OR REPLACE FUNCTION pgimport._insert_message(
    p_job pgimport.job
)
RETURNS text
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_insert_message$
BEGIN
    IF p_job.status = 'inserting' THEN
        RETURN format('batch %s is written, %s of the job so far; %s to go: call it again',
            p_job.batch_no,
            pgimport._count_of(p_job.rows_inserted + p_job.rows_updated, 'row'),
            pgimport._rows_remaining(p_job));
    END IF;
    RETURN format(
        '%s inserted, %s%s skipped as duplicates, %s rejected',
        pgimport._count_of(p_job.rows_inserted, 'row'),
        CASE p_job.options ->> 'on_duplicate' WHEN 'update' THEN format(
            '%s updated, %s unchanged, ', p_job.rows_updated, p_job.rows_unchanged
        ) END,
        p_job.rows_skipped - p_job.rows_unchanged,
        p_job.rows_rejected
    );
END;
$_insert_message$;

COMMENT ON FUNCTION pgimport._insert_message(pgimport.job) IS
'internal: what an insert has done, in a sentence.';

-- The keys of insert_job's answer.
-- Called by insert_job. expected: rows it sets out to insert or update; rows_unchanged, those that
-- are in the target as the file says already, are part of rows_skipped.
CREATE OR REPLACE FUNCTION pgimport._insert_keys(
    p_job pgimport.job,
    p_new_database_duplicates bigint
)
RETURNS jsonb
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_insert_keys$
BEGIN
    RETURN jsonb_build_object(
        'expected', p_job.clean_rows + pgimport._rows_to_update(p_job),
        'rows_remaining', pgimport._rows_remaining(p_job),
        'batch_no', p_job.batch_no,
        'rows_inserted', coalesce(p_job.rows_inserted, 0),
        'rows_updated', coalesce(p_job.rows_updated, 0),
        'rows_unchanged', coalesce(p_job.rows_unchanged, 0),
        'rows_skipped', coalesce(p_job.rows_skipped, 0),
        'rows_rejected', coalesce(p_job.rows_rejected, 0),
        'new_database_duplicates', p_new_database_duplicates
    );
END;
$_insert_keys$;

COMMENT ON FUNCTION pgimport._insert_keys(pgimport.job, bigint) IS
'internal: the keys of the answer of insert_job.';

-- The answer of an insert that succeeded. Called by insert_job.
CREATE OR REPLACE FUNCTION pgimport._insert_envelope(
    p_job pgimport.job,
    p_new_database_duplicates bigint,
    p_message text,
    p_warnings jsonb DEFAULT '[]',
    p_details jsonb DEFAULT '{}'
)
RETURNS jsonb
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_insert_envelope$
BEGIN
    RETURN pgimport._envelope(
        p_job,
        p_message,
        pgimport._insert_keys(p_job, p_new_database_duplicates),
        p_warnings || CASE WHEN p_new_database_duplicates > 0
            THEN jsonb_build_array(format(
                '%s came into the target after the check, %s here',
                pgimport._count_of(p_new_database_duplicates, 'duplicate'),
                CASE p_job.options ->> 'on_duplicate' WHEN 'update' THEN 'updated'
                    ELSE 'skipped' END
            )) ELSE '[]' END,
        p_details
    );
END;
$_insert_envelope$;

COMMENT ON FUNCTION pgimport._insert_envelope(pgimport.job, bigint, text, jsonb, jsonb) IS
'internal: the answer of an insert that succeeded.';

-- The answer of an insert, or a batch, that was undone. Called by insert_job.
CREATE OR REPLACE FUNCTION pgimport._failed_envelope(
    p_job pgimport.job,
    p_new_database_duplicates bigint,
    p_warnings jsonb,
    p_error jsonb
)
RETURNS jsonb
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_failed_envelope$
DECLARE
    v_keys jsonb := pgimport._insert_keys(p_job, p_new_database_duplicates);
BEGIN
    IF p_job.status = 'inserting' THEN
        RETURN pgimport._envelope(
            p_job,
            format('batch %s was undone, those before it stay: %s',
                p_job.batch_no + 1, p_error ->> 'message'),
            v_keys || jsonb_build_object(
                'code', 'PI407',
                'hint', format('mend the cause and go on: call pgimport.insert_in_batches(%1$L); '
                    'or undo it all: select pgimport.rollback_job(%1$L);', p_job.job_id)
            ),
            p_warnings, p_error, false
        );
    END IF;
    RETURN pgimport._envelope(
        p_job,
        format('nothing was inserted, the target is as it was: %s', p_error ->> 'message'),
        v_keys || jsonb_build_object(
            'code', 'PI404',
            'hint', format('mend the cause, then: select pgimport.check_job(%L);', p_job.job_id)
        ),
        p_warnings, p_error, false
    );
END;
$_failed_envelope$;

COMMENT ON FUNCTION pgimport._failed_envelope(pgimport.job, bigint, jsonb, jsonb) IS
'internal: the answer of an insert that was undone.';

-- Checks the options of insert_job. Called by it. Raises PI002, PI003.
CREATE OR REPLACE FUNCTION pgimport._check_insert_options(
    p_options jsonb
)
RETURNS void
LANGUAGE plpgsql
IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $_check_insert_options$
DECLARE
    v_key text;
BEGIN
    PERFORM pgimport._require_keys(
        p_options, '{dry_run,batch_rows,allow_superuser}', 'p_options of insert_job'
    );

    IF p_options ->> 'batch_rows' !~ '^[1-9][0-9]{0,14}$' THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI003',
            MESSAGE = 'option "batch_rows" must be a number of rows, 1 or more',
            DETAIL = format('it was %s', left(p_options ->> 'batch_rows', 100)),
            HINT = 'leave it out: all rows are inserted by one statement, or none';
    END IF;

    FOREACH v_key IN ARRAY '{dry_run,allow_superuser}'::text[] LOOP
        IF jsonb_typeof(p_options -> v_key) <> 'boolean' THEN
            RAISE EXCEPTION USING
                ERRCODE = 'PI003',
                MESSAGE = format('option "%s" must be true or false', v_key),
                HINT = format('{"%s": true}', v_key);
        END IF;
    END LOOP;
END;
$_check_insert_options$;

COMMENT ON FUNCTION pgimport._check_insert_options(jsonb) IS
'internal: checks the options of insert_job.';
