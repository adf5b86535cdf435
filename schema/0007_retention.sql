-- How long what is kept. One row, written by enable_retention(); none before it was called.
CREATE TABLE pgimport.retention (
    is_on boolean NOT NULL DEFAULT true,
    -- null: for ever
    staged_rows interval,
    issues interval,
    events interval,
    row_history interval,
    -- who makes and drops partitions: pg_partman where it is installed (auto), always, or never
    engine text NOT NULL,
    -- partitions made ahead of time
    premake integer NOT NULL,
    enabled_at timestamptz NOT NULL DEFAULT now(),
    enabled_by text NOT NULL DEFAULT current_user,
    CONSTRAINT retention_pkey PRIMARY KEY (is_on),
    CONSTRAINT retention_is_on_check CHECK (is_on),
    CONSTRAINT retention_engine_check CHECK (engine IN ('auto', 'pg_partman', 'own')),
    CONSTRAINT retention_premake_check CHECK (premake BETWEEN 1 AND 100)
);

COMMENT ON TABLE pgimport.retention IS
'How long staged rows, issues, events and row history are kept; set by enable_retention().';
