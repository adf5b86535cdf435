-- What proves later which rows a job wrote, and the log of everything that happened to it.

-- One row for each (sub)transaction in which rows of a job were written. A row of the target whose
-- xmin stands here, in this database and this table, has not been written by anybody since.
CREATE TABLE pgimport.job_write (
    job_id uuid NOT NULL,
    write_no integer NOT NULL,
    -- what the rows carry as xmin: the id of the subtransaction, not that of the transaction
    row_xmin xid NOT NULL,
    transaction_id xid8 NOT NULL,
    rows_written bigint NOT NULL,
    -- by an insert or redo, after which the rows are the job's, or by a rollback of them
    act text NOT NULL DEFAULT 'insert',
    -- xmin proves nothing after dump and restore or in a table of the same name made anew
    system_identifier bigint NOT NULL,
    database_oid oid NOT NULL,
    relation_oid oid NOT NULL,
    written_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT job_write_pkey PRIMARY KEY (job_id, write_no),
    CONSTRAINT job_write_job_id_fkey FOREIGN KEY (job_id) REFERENCES pgimport.job (job_id),
    CONSTRAINT job_write_act_check CHECK (act IN ('insert', 'rollback'))
);

COMMENT ON TABLE pgimport.job_write IS
'The (sub)transactions that wrote rows of a job: by them a row is proved untouched since.';

CREATE TABLE pgimport.job_event (
    event_id bigint GENERATED ALWAYS AS IDENTITY,
    job_id uuid NOT NULL,
    happened_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- when the client sent the statement that did it: what the act took
    started_at timestamptz NOT NULL DEFAULT statement_timestamp(),
    event text NOT NULL,
    from_status text,
    to_status text,
    role_name text NOT NULL DEFAULT current_user,
    actor text,
    application_name text NOT NULL DEFAULT current_setting('application_name'),
    client_address inet DEFAULT inet_client_addr(),
    details jsonb NOT NULL DEFAULT '{}'
    -- no foreign key: jobs are never deleted, and with one every new partition would have to lock
    -- pgimport.job against all that is running
) PARTITION BY RANGE (happened_at);

CREATE TABLE pgimport.job_event_default PARTITION OF pgimport.job_event (
    CONSTRAINT job_event_default_pkey PRIMARY KEY (job_id, event_id)
) DEFAULT;

COMMENT ON TABLE pgimport.job_event IS
'Append-only log: every change of a job''s status and every act on it, by whom, from where.';

-- Corrected rows that were sent back: every file of them is an attempt, and is kept.
CREATE TABLE pgimport.fix (
    job_id uuid NOT NULL,
    fix_no integer NOT NULL,
    file_name text NOT NULL,
    status text NOT NULL DEFAULT 'open',
    header text[] NOT NULL,
    sha256 text,
    bytes bigint,
    -- physical line before the first row of the file
    line_offset bigint NOT NULL DEFAULT 1,
    -- rows of the file: changed and valid now, changed and still invalid, left as they were
    rows bigint,
    rows_fixed bigint,
    rows_still_invalid bigint,
    rows_unchanged bigint,
    role_name text NOT NULL DEFAULT current_user,
    actor text,
    opened_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    applied_at timestamptz,
    CONSTRAINT fix_pkey PRIMARY KEY (job_id, fix_no),
    CONSTRAINT fix_job_id_fkey FOREIGN KEY (job_id) REFERENCES pgimport.job (job_id),
    CONSTRAINT fix_status_check CHECK (status IN ('open', 'applied', 'dropped')),
    CONSTRAINT fix_sha256_check CHECK (sha256 ~ '^[0-9a-f]{64}$')
);

COMMENT ON TABLE pgimport.fix IS
'Files of corrected rows that were sent back to a job, and what became of their rows.';

-- Records that were refused while their file was read and became rows by a correction. Their old
-- token means that row from then on.
CREATE TABLE pgimport.fix_record (
    job_id uuid NOT NULL,
    issue_id bigint NOT NULL,
    fix_no integer NOT NULL,
    file_no integer NOT NULL,
    row_no bigint NOT NULL,
    CONSTRAINT fix_record_pkey PRIMARY KEY (job_id, issue_id),
    CONSTRAINT fix_record_fix_fkey
    FOREIGN KEY (job_id, fix_no) REFERENCES pgimport.fix (job_id, fix_no)
);

COMMENT ON TABLE pgimport.fix_record IS
'Records refused while their file was read that were filled in and became rows of the job.';

-- What a rollback left as it is because somebody else has written it since: a row that was
-- inserted, or columns of a row that was updated.
CREATE TABLE pgimport.kept_row (
    job_id uuid NOT NULL,
    kept_no bigint GENERATED ALWAYS AS IDENTITY,
    kept_at timestamptz NOT NULL DEFAULT now(),
    kind text NOT NULL,
    key jsonb NOT NULL,
    -- of the key as it is: by it a redo knows the rows that are not its own
    key_hash bigint,
    columns text[] NOT NULL,
    CONSTRAINT kept_row_pkey PRIMARY KEY (job_id, kept_no),
    CONSTRAINT kept_row_job_id_fkey FOREIGN KEY (job_id) REFERENCES pgimport.job (job_id),
    CONSTRAINT kept_row_kind_check CHECK (kind IN ('inserted', 'updated'))
);

COMMENT ON TABLE pgimport.kept_row IS
'Rows and columns that a rollback kept because somebody else has written them since.';
