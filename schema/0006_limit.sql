-- How much a role or a tenant may have under way at once.

-- A job counts for every limit that names its role and its tenant, or leaves them open. What is
-- under way is not stored: it is seen in the locks and sizes of the moment, so nothing is left of a
-- session that crashed.
CREATE TABLE pgimport.job_limit (
    limit_id bigint GENERATED ALWAYS AS IDENTITY,
    -- null: all roles together
    role_name text,
    -- null: all tenants together
    tenant text,
    running_jobs integer,
    staged_bytes bigint,
    set_at timestamptz NOT NULL DEFAULT now(),
    set_by text NOT NULL DEFAULT current_user,
    CONSTRAINT job_limit_pkey PRIMARY KEY (limit_id),
    CONSTRAINT job_limit_key UNIQUE NULLS NOT DISTINCT (role_name, tenant),
    CONSTRAINT job_limit_check CHECK (running_jobs IS NOT NULL OR staged_bytes IS NOT NULL),
    CONSTRAINT job_limit_running_jobs_check CHECK (running_jobs BETWEEN 0 AND 1000),
    CONSTRAINT job_limit_staged_bytes_check CHECK (staged_bytes >= 0)
);

COMMENT ON TABLE pgimport.job_limit IS
'Limits set with pgimport.set_limit(): jobs under way at once and bytes staged, of a role, of a '
'tenant, of one in the other, or of all.';
