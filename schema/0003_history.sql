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
    -- xmin proves nothing after dump and restore or in a table of the same name made anew
    system_identifier bigint NOT NULL,
    database_oid oid NOT NULL,
    relation_oid oid NOT NULL,
    written_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT job_write_pkey PRIMARY KEY (job_id, write_no),
    CONSTRAINT job_write_job_id_fkey FOREIGN KEY (job_id) REFERENCES pgimport.job (job_id)
);

COMMENT ON TABLE pgimport.job_write IS
'The (sub)transactions that wrote rows of a job: by them a row is proved untouched since.';

CREATE TABLE pgimport.job_event (
    event_id bigint GENERATED ALWAYS AS IDENTITY,
    job_id uuid NOT NULL,
    happened_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    event text NOT NULL,
    from_status text,
    to_status text,
    role_name text NOT NULL DEFAULT current_user,
    actor text,
    application_name text NOT NULL DEFAULT current_setting('application_name'),
    client_address inet DEFAULT inet_client_addr(),
    details jsonb NOT NULL DEFAULT '{}',
    CONSTRAINT job_event_pkey PRIMARY KEY (job_id, event_id),
    CONSTRAINT job_event_job_id_fkey FOREIGN KEY (job_id) REFERENCES pgimport.job (job_id)
);

COMMENT ON TABLE pgimport.job_event IS
'Append-only log: every change of a job''s status and every act on it, by whom, from where.';
