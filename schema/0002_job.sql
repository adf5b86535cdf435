-- The job: one import, from the first file to the last rollback. Its row stays for ever.

CREATE TABLE pgimport.job (
    job_id uuid NOT NULL,
    target_id bigint NOT NULL,
    status text NOT NULL DEFAULT 'pending',
    owner_role text NOT NULL DEFAULT current_user,
    actor text,
    tenant text,
    source text,
    source_info text,
    time_zone text NOT NULL DEFAULT current_setting('TimeZone'),
    options jsonb NOT NULL DEFAULT '{}',
    mapping jsonb,
    idempotency_key text,
    -- when what happened
    created_at timestamptz NOT NULL DEFAULT now(),
    staged_at timestamptz,
    validated_at timestamptz,
    checked_at timestamptz,
    completed_at timestamptz,
    finished_at timestamptz,
    -- what the check found; null until it ran
    total_rows bigint,
    invalid_rows bigint,
    internal_duplicates bigint,
    database_duplicates bigint,
    both_duplicates bigint,
    clean_rows bigint,
    mark_snapshot pg_snapshot,
    check_hash text,
    -- what the insert did
    rows_inserted bigint,
    rows_updated bigint,
    -- rows of the target that were as the file says already; part of rows_skipped
    rows_unchanged bigint,
    rows_skipped bigint,
    rows_rejected bigint,
    checksum_staged text,
    checksum_inserted text,
    written_columns text[],
    updated_columns text[],
    print_columns text[],
    content_hash text,
    error_sqlstate text,
    error_message text,
    -- what the rollback did
    rollback_until timestamptz,
    rollback_disabled_at timestamptz,
    rollback_disabled_by text,
    rollback_disabled_reason text,
    rolled_back_at timestamptz,
    rolled_back_by text,
    rollback_reason text,
    rollback_mode text,
    rows_deleted bigint,
    rows_restored bigint,
    rows_kept bigint,
    -- the rollback declared rows deleted instead of deleting them
    rollback_soft boolean,
    -- of an insert in batches: how many there were, and the place {file_no,row_no} up to which rows
    -- are written; batch_until is only known to the batch that runs
    batch_no integer,
    batch_after bigint[],
    batch_until bigint[],
    -- rollbacks of some of the rows, after which the job stays completed
    partial_rollbacks integer NOT NULL DEFAULT 0,
    redone integer NOT NULL DEFAULT 0,
    -- everything of it but this record was dropped
    deleted_at timestamptz,
    deleted_by text,
    CONSTRAINT job_pkey PRIMARY KEY (job_id),
    CONSTRAINT job_target_id_fkey
    FOREIGN KEY (target_id) REFERENCES pgimport.target (target_id),
    CONSTRAINT job_status_check CHECK (
        status IN (
            'pending', 'staging', 'staged', 'checked', 'queued', 'inserting', 'completed',
            'failed', 'cancelled', 'staging_lost', 'rolled_back'
        )
    ),
    CONSTRAINT job_options_check CHECK (jsonb_typeof(options) = 'object')
);

CREATE INDEX job_target_id_idx ON pgimport.job (target_id, job_id);
CREATE INDEX job_status_idx ON pgimport.job (status, job_id);
-- for the filters of list_jobs()
CREATE INDEX job_owner_role_idx ON pgimport.job (owner_role, job_id);
CREATE INDEX job_actor_idx ON pgimport.job (actor, job_id) WHERE actor IS NOT NULL;
CREATE INDEX job_tenant_idx ON pgimport.job (tenant, job_id) WHERE tenant IS NOT NULL;
CREATE INDEX job_source_idx ON pgimport.job (source, job_id) WHERE source IS NOT NULL;
CREATE INDEX job_created_at_idx ON pgimport.job (created_at);
CREATE INDEX job_deleted_idx ON pgimport.job (job_id) WHERE deleted_at IS NOT NULL;

-- A client's own key names one living job; it is free again once that job has no effect any more.
CREATE UNIQUE INDEX job_idempotency_key_key
ON pgimport.job (owner_role, target_id, idempotency_key)
WHERE idempotency_key IS NOT NULL
AND status NOT IN ('cancelled', 'rolled_back')
AND deleted_at IS NULL;

COMMENT ON TABLE pgimport.job IS
'One row an import: its state, what was found, what was written, what was undone. Never deleted.';
COMMENT ON COLUMN pgimport.job.mark_snapshot IS
'Snapshot under which duplicates were marked: later rows of the target are checked before insert.';
COMMENT ON COLUMN pgimport.job.time_zone IS
'Time zone of the session that made the job: in it times without a zone are read, by every step.';
COMMENT ON COLUMN pgimport.job.check_hash IS
'Hash of the expressions the rows were checked with: other rules or columns ask for a new check.';
COMMENT ON COLUMN pgimport.job.written_columns IS
'Columns of the target that the insert wrote, in the order in which the checksums read them.';

COMMENT ON COLUMN pgimport.job.updated_columns IS
'Columns of the target that the insert may have updated: number n of them is o<n> (before) and '
'n<n> (after) in the table of before-images.';
COMMENT ON COLUMN pgimport.job.print_columns IS
'Columns whose values, as read back, are hashed in the table of fingerprints.';
COMMENT ON COLUMN pgimport.job.content_hash IS
'Order-independent hash of all valid rows: equal for the same rows in files of other bytes.';

CREATE TABLE pgimport.file (
    job_id uuid NOT NULL,
    file_no integer NOT NULL,
    file_name text NOT NULL,
    status text NOT NULL DEFAULT 'open',
    header text[] NOT NULL,
    -- [{position, header, column, staged_as, score, how}], one element a header field
    mapping jsonb NOT NULL,
    staging_table text NOT NULL,
    sha256 text,
    bytes bigint,
    encoding text NOT NULL DEFAULT 'UTF8',
    delimiter text NOT NULL DEFAULT ',',
    -- of a workbook: the sheet that was read
    sheet text,
    -- physical line of a row whose staged line_no is null: row_no + line_offset
    line_offset bigint NOT NULL DEFAULT 1,
    rows_parsed bigint,
    rows_staged bigint,
    rows_refused bigint NOT NULL DEFAULT 0,
    error_message text,
    -- drawn anew each time the file is staged: the tokens of its rows in reports are made with it
    token_seed bigint NOT NULL DEFAULT hashtextextended(gen_random_uuid()::text, 0),
    opened_at timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz,
    -- how far a file is loaded that comes in several transactions; null while none is committed
    checkpoint_rows bigint,
    checkpoint_bytes bigint,
    checkpoint_sha256 text,
    checkpoint_state jsonb,
    checkpoint_at timestamptz,
    -- how often the file was opened: who opened it before must not go on loading it
    fence bigint NOT NULL DEFAULT 1,
    CONSTRAINT file_pkey PRIMARY KEY (job_id, file_no),
    CONSTRAINT file_job_id_fkey FOREIGN KEY (job_id) REFERENCES pgimport.job (job_id),
    CONSTRAINT file_status_check CHECK (status IN ('open', 'staged', 'failed', 'cleared')),
    CONSTRAINT file_no_check CHECK (file_no > 0),
    CONSTRAINT file_sha256_check CHECK (sha256 ~ '^[0-9a-f]{64}$')
);

CREATE INDEX file_sha256_idx ON pgimport.file (sha256) WHERE sha256 IS NOT NULL;

COMMENT ON TABLE pgimport.file IS 'Files of a job; each is staged in a table of its own.';
COMMENT ON COLUMN pgimport.file.checkpoint_bytes IS
'Bytes of the file that were read by then; checkpoint_sha256 is the digest of these bytes.';
COMMENT ON COLUMN pgimport.file.checkpoint_state IS
'What the reader needs to go on after checkpoint_rows rows; its own affair.';

-- A problem of the data: never an exception. row_no is null where the record was refused before
-- staging (ragged, badly encoded …); value then holds the whole record, so that nothing is lost.
CREATE TABLE pgimport.issue (
    issue_id bigint GENERATED ALWAYS AS IDENTITY,
    job_id uuid NOT NULL,
    file_no integer NOT NULL,
    row_no bigint,
    line_no bigint,
    column_name text,
    code text NOT NULL,
    severity text NOT NULL DEFAULT 'error',
    message text NOT NULL,
    value text,
    hint text,
    -- 'read' while the file was read, 'check' while its rows were validated
    found_by text NOT NULL DEFAULT 'check',
    found_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT issue_severity_check CHECK (severity IN ('error', 'warning')),
    CONSTRAINT issue_found_by_check CHECK (found_by IN ('read', 'check'))
) PARTITION BY RANGE (found_at);

-- Takes all rows until enable_retention() makes partitions by time, and later what fits none: an
-- insert never fails for want of a partition. Keys and indexes are its own, and the others are like
-- it: where pgimport is an extension, pg_dump would make indexes of the whole table twice.
CREATE TABLE pgimport.issue_default PARTITION OF pgimport.issue (
    CONSTRAINT issue_default_pkey PRIMARY KEY (job_id, issue_id)
) DEFAULT;

COMMENT ON TABLE pgimport.issue IS
'Problems found in the data of a job: file, row, line, column, code, value, message and hint.';
