-- Jobs that wait for a worker: which is next, who has it and until when, and what became of it.

CREATE TABLE pgimport.job_queue (
    job_id uuid NOT NULL,
    queue_no bigint GENERATED ALWAYS AS IDENTITY,
    state text NOT NULL DEFAULT 'waiting',
    priority integer NOT NULL DEFAULT 0,
    -- as given to submit_job; batch_rows is read by run_job
    options jsonb NOT NULL DEFAULT '{}',
    -- the rows are checked already: inserting them is the next step
    is_checked boolean NOT NULL DEFAULT false,
    -- of the session that submitted the job: its triggers run under this path, whoever works
    search_path text NOT NULL DEFAULT current_setting('search_path'),
    language text DEFAULT current_setting('pgimport.language', true),
    submitted_by text NOT NULL DEFAULT current_user,
    queued_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    run_after timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- claims since the last step that was done; a claim that was given back unused does not count
    attempts integer NOT NULL DEFAULT 0,
    max_attempts integer NOT NULL DEFAULT 5,
    -- the one who has the job, or had it last
    worker text,
    -- a higher number with each claim of the job: who holds a lower one may write nothing any more
    fence bigint NOT NULL DEFAULT 0,
    lease interval,
    claimed_at timestamptz,
    started_at timestamptz,
    heartbeat_at timestamptz,
    lease_until timestamptz,
    last_sqlstate text,
    last_message text,
    finished_at timestamptz,
    CONSTRAINT job_queue_pkey PRIMARY KEY (job_id, queue_no),
    CONSTRAINT job_queue_job_id_fkey FOREIGN KEY (job_id) REFERENCES pgimport.job (job_id),
    CONSTRAINT job_queue_state_check CHECK (
        state IN ('waiting', 'running', 'done', 'dead', 'cancelled')
    ),
    CONSTRAINT job_queue_options_check CHECK (jsonb_typeof(options) = 'object'),
    CONSTRAINT job_queue_lease_check CHECK (
        state <> 'running' OR num_nulls(worker, lease, claimed_at, lease_until) = 0
    )
);

-- One live row a job. Partial, so that no column of it is a key to row locks: a heartbeat never
-- waits for a run, which holds its row FOR KEY SHARE.
CREATE UNIQUE INDEX job_queue_live_key ON pgimport.job_queue (job_id)
WHERE state IN ('waiting', 'running');
CREATE INDEX job_queue_waiting_idx ON pgimport.job_queue (priority DESC, queue_no)
WHERE state = 'waiting';
CREATE INDEX job_queue_running_idx ON pgimport.job_queue (lease_until)
WHERE state = 'running';
CREATE INDEX job_queue_queue_no_idx ON pgimport.job_queue (queue_no);

COMMENT ON TABLE pgimport.job_queue IS
'Jobs handed to workers: waiting, running under a lease, done, dead or cancelled.';
COMMENT ON COLUMN pgimport.job_queue.fence IS
'Number of the claim: a worker that lost its lease holds a lower one, and is refused.';
COMMENT ON COLUMN pgimport.job_queue.attempts IS
'Claims since the last step that was done: when they reach max_attempts the job is dead.';
