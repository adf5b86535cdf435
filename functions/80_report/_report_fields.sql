-- The columns of the reports themselves that no column of the data may be taken for when a
-- corrected file comes back. Called by the reports and stage_fix().
CREATE OR REPLACE FUNCTION pgimport._fix_names()
RETURNS text[]
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
RETURN '{pgimport_row,pgimport_issues,pgimport_codes,pgimport_record,pgimport_file_name,
pgimport_line_no}'::text[];

COMMENT ON FUNCTION pgimport._fix_names() IS
'internal: the columns of the report of issues besides the data.';

-- A name for a column of a report: one of more than 63 bytes would be cut by the server, with a
-- notice. Called by the reports and stage_fix().
CREATE OR REPLACE FUNCTION pgimport._short_name(
    p_name text,
    p_place integer
)
RETURNS text
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
RETURN CASE
    WHEN octet_length(p_name) <= 60 THEN p_name
    ELSE left(p_name, 12) || '… (' || p_place::text || ')'
END;

COMMENT ON FUNCTION pgimport._short_name(text, integer) IS
'internal: the name of a column in a report, shortened where it is too long for the server.';

-- The data columns of a job's reports and where they are staged, over all its files: columns of
-- the target, then the fields that are not imported, under the header they have in the file. The
-- same header may stand at different places of different files: one line a place.
-- p_as_in_files: columns of the target have the header of the files, too, where all agree, all
-- stand in the order of the files, and constants of the job, which are in no file, are left out.
-- files: where that is not all files, those that have the column at this place.
-- constant: the text of a constant of the job; staged_as is null then.
-- Called by the reports and apply_fix(). Raises nothing.
CREATE OR REPLACE FUNCTION pgimport._report_fields(
    p_job pgimport.job,
    p_as_in_files boolean
)
RETURNS TABLE (
    place integer,
    name text,
    column_name text,
    is_sensitive boolean,
    staged_as text,
    files integer[],
    constant text
)
LANGUAGE plpgsql
STABLE
CALLED ON NULL INPUT
SET search_path = pg_catalog, pg_temp
AS $_report_fields$
#variable_conflict use_column
DECLARE
    v_constants jsonb := coalesce(p_job.options -> 'constants', '{}');
BEGIN
    RETURN QUERY
    WITH field AS (
        SELECT
            f.file_no, m.position, m."column" AS column_name, m.staged_as,
            f.file_no::bigint * 10000 + m.position AS rank,
            coalesce(nullif(btrim(m.header), ''), m.staged_as) AS header,
            row_number() OVER (
                PARTITION BY f.file_no, m."column" IS NULL, m.header ORDER BY m.position
            ) AS occurrence
        FROM pgimport.file AS f
        CROSS JOIN LATERAL
            jsonb_to_recordset(f.mapping)
            AS m (position integer, header text, "column" text, staged_as text)
        WHERE f.job_id = p_job.job_id
            AND f.status = 'staged'
    ),

    extra AS (
        SELECT
            e.header, e.occurrence, e.staged_as,
            min(e.file_no) AS first_file, min(e.position) AS position, min(e.rank) AS rank,
            -- no other header is staged under this name
            CASE
                WHEN count(*) < min(o.fields) THEN array_agg(e.file_no ORDER BY e.file_no)
            END AS files,
            array_agg(e.file_no ORDER BY e.file_no) AS own_files
        FROM field AS e
        INNER JOIN (
            SELECT a.staged_as, count(*) AS fields FROM field AS a GROUP BY a.staged_as
        ) AS o ON o.staged_as = e.staged_as
        WHERE e.column_name IS NULL
        GROUP BY e.header, e.occurrence, e.staged_as
    ),

    named AS (
        SELECT
            1 AS kind,
            CASE WHEN p_as_in_files THEN min(f.rank) ELSE c.column_no END AS major,
            0 AS minor,
            CASE
                WHEN p_as_in_files AND count(DISTINCT f.header) = 1 THEN min(f.header)
                ELSE c.column_name
            END AS name,
            c.column_name,
            c.rules @> '{"sensitive": true}' AS is_sensitive,
            CASE
                WHEN NOT v_constants ? c.column_name THEN min(f.staged_as)
            END AS staged_as,
            v_constants ->> c.column_name AS constant,
            NULL::text AS header, 0::bigint AS occurrence
        FROM pgimport._target_columns(p_job.target_id) AS c
        LEFT JOIN field AS f ON f.column_name = c.column_name
        WHERE f.column_name IS NOT NULL
            OR (NOT p_as_in_files AND v_constants ? c.column_name)
        GROUP BY c.column_no, c.column_name, c.rules
        UNION ALL
        SELECT
            CASE WHEN p_as_in_files THEN 1 ELSE 2 END,
            CASE WHEN p_as_in_files THEN min(e.rank) ELSE min(e.first_file) END,
            min(e.position), e.header, NULL, false, NULL, NULL,
            e.header, e.occurrence
        FROM extra AS e
        GROUP BY e.header, e.occurrence
        UNION ALL
        -- names that are taken
        SELECT 0, 0, 0, t.name, NULL, false, NULL, NULL, NULL, 0
        FROM unnest(pgimport._fix_names()) AS t (name)
        WHERE p_as_in_files
    ),

    numbered AS (
        SELECT
            n.*,
            row_number() OVER (ORDER BY n.kind = 0, n.kind, n.major, n.minor) AS place,
            row_number() OVER (PARTITION BY n.name ORDER BY n.kind, n.major, n.minor) AS copy
        FROM named AS n
    )

    SELECT
        n.place::integer,
        CASE WHEN n.copy = 1 THEN n.name ELSE format('%s (%s)', n.name, n.copy) END,
        n.column_name,
        n.is_sensitive,
        coalesce(n.staged_as, e.staged_as),
        CASE WHEN count(*) OVER (PARTITION BY n.place) > 1 THEN e.own_files ELSE e.files END,
        n.constant
    FROM numbered AS n
    LEFT JOIN extra AS e ON e.header = n.header AND e.occurrence = n.occurrence
    WHERE n.kind > 0
    ORDER BY n.place, e.staged_as;
END
$_report_fields$;

COMMENT ON FUNCTION pgimport._report_fields(pgimport.job, boolean) IS
'internal: the data columns of a job''s reports and where each is staged.';
