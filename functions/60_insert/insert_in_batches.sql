-- Inserts a checked job batch by batch and commits after each: what is written stays written,
-- whatever happens later, and a call after a crash goes on where the last commit was. Locks on the
-- target are held no longer than a batch takes. A procedure, because a function cannot commit: it
-- is called outside of a transaction block, and can have no setting of its own.
-- Called by users. Raises what insert_job raises; refused or undone, it ends with what that said.
CREATE OR REPLACE PROCEDURE pgimport.insert_in_batches(
    p_job_id uuid,
    p_batch_rows bigint DEFAULT 100000,
    INOUT p_result jsonb DEFAULT NULL
)
LANGUAGE plpgsql
AS $insert_in_batches$
BEGIN
    LOOP
        p_result := pgimport.insert_job(
            p_job_id, pg_catalog.jsonb_build_object('batch_rows', p_batch_rows)
        );
        COMMIT;
        EXIT WHEN p_result OPERATOR(pg_catalog.->) 'success' OPERATOR(pg_catalog.<>) 'true'
            OR p_result OPERATOR(pg_catalog.->>) 'status' OPERATOR(pg_catalog.<>) 'inserting';
    END LOOP;
END;
$insert_in_batches$;

COMMENT ON PROCEDURE pgimport.insert_in_batches (uuid, bigint, jsonb) IS
'Inserts a checked job in batches of p_batch_rows rows and commits after each; called again after '
'a crash or an error it goes on. p_result: the answer of the last insert_job(). '
'Example: call pgimport.insert_in_batches(:''job'', 100000)';
