-- Which import made this record? For targets with the option row_history: one row for each record
-- that a job inserted or updated, and that its rollback deleted or restored.
-- Partitioned by time, so that old rows go by dropping a partition; the default one takes what no
-- other is made for.
CREATE TABLE pgimport.row_history (
    history_id bigint GENERATED ALWAYS AS IDENTITY,
    written_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    target_id bigint NOT NULL,
    -- of the key as the unique index compares it: found however the key is spelled
    key_hash bigint,
    job_id uuid NOT NULL,
    -- null where the record cannot be told by its key, and for what a rollback deleted
    row_no bigint,
    file_no integer,
    -- null: row_no + line_offset of the file
    line_no bigint,
    action text NOT NULL,
    -- as written, in the order of the target's key; *** for a sensitive column
    key text[] NOT NULL,
    CONSTRAINT row_history_action_check
    CHECK (action IN ('insert', 'update', 'delete', 'restore'))
) PARTITION BY RANGE (written_at);

CREATE TABLE pgimport.row_history_default PARTITION OF pgimport.row_history DEFAULT;

CREATE INDEX row_history_default_key_idx ON pgimport.row_history_default (target_id, key_hash);

COMMENT ON TABLE pgimport.row_history IS
'Append-only: what jobs did to each record of targets with the option row_history.';
