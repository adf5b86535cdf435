-- Baseline R: how an earlier import system did it, step by step. bench/reference.py runs the steps.

-- step: create
CREATE TABLE staged_codes (
    row_number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    merchant_id uuid,
    code text,
    serial text,
    sku text,
    points integer,
    sku_name text,
    batch_code text,
    price numeric(10, 2),
    window_start date,
    window_end date,
    remark text,
    is_internal_duplicate boolean NOT NULL DEFAULT false,
    is_database_duplicate boolean NOT NULL DEFAULT false,
    status text NOT NULL DEFAULT 'CLEAN'
);

CREATE INDEX staged_codes_key_idx ON staged_codes (code, merchant_id);
CREATE INDEX staged_codes_flags_idx
ON staged_codes (is_internal_duplicate, is_database_duplicate);

-- step: analyze
ANALYZE staged_codes;

-- step: internal
-- the second, third … row of each key
UPDATE staged_codes AS s
SET is_internal_duplicate = true, status = 'INTERNAL_DUPLICATE'
FROM (
    SELECT
        row_number,
        row_number() OVER (PARTITION BY code, merchant_id ORDER BY row_number) AS place
    FROM staged_codes
) AS q
WHERE q.place > 1 AND s.row_number = q.row_number;

-- step: database
-- in chunks of 100,000 rows
UPDATE staged_codes AS s
SET
    is_database_duplicate = true,
    status = CASE
        WHEN s.is_internal_duplicate THEN 'BOTH_DUPLICATE' ELSE 'DATABASE_DUPLICATE'
    END
WHERE s.row_number >= %(first)s
    AND s.row_number < %(after)s
    AND EXISTS (
        SELECT FROM codes AS c
        WHERE c.code = s.code AND c.merchant_id = s.merchant_id
    );

-- step: insert
INSERT INTO codes (
    merchant_id, code, serial, sku, points, sku_name, batch_code, price,
    window_start, window_end, import_job_id
)
SELECT
    s.merchant_id,
    s.code,
    s.serial,
    s.sku,
    s.points,
    s.sku_name,
    s.batch_code,
    s.price,
    s.window_start,
    s.window_end,
    %(job_id)s
FROM staged_codes AS s
WHERE NOT s.is_internal_duplicate
    AND NOT s.is_database_duplicate
    AND NOT EXISTS (
        SELECT FROM codes AS c
        WHERE c.code = s.code AND c.merchant_id = s.merchant_id
    );

-- step: verify
SELECT count(*) FROM codes WHERE import_job_id = %(job_id)s;

-- step: counts
-- not timed: what the flags came to
SELECT
    count(*) AS total_rows,
    count(*) FILTER (WHERE is_internal_duplicate) AS internal_duplicates,
    count(*) FILTER (WHERE is_database_duplicate) AS database_duplicates,
    count(*) FILTER (WHERE is_internal_duplicate AND is_database_duplicate) AS both_duplicates,
    count(*) FILTER (WHERE NOT is_internal_duplicate AND NOT is_database_duplicate) AS clean_rows
FROM staged_codes;
