-- The data of a staged row as one jsonb object, as SQL over alias s of _report_sql(). In parts of
-- 45 pairs: a function takes 100 arguments at most.
-- Called by duplicate_report() and row_report(). Raises nothing.
CREATE OR REPLACE FUNCTION pgimport._report_data_sql(
    p_job pgimport.job
)
RETURNS text
LANGUAGE plpgsql
STABLE
CALLED ON NULL INPUT
SET search_path = pg_catalog, pg_temp
AS $_report_data_sql$
BEGIN
    RETURN (
        SELECT coalesce(string_agg(p.pairs, ' || ' ORDER BY p.part), '''{}''::jsonb')
        FROM (
            SELECT
                (c.place - 1) / 45 AS part,
                format('jsonb_build_object(%s)', string_agg(
                    format('%L, %s', c.name, c.value_sql), ', ' ORDER BY c.place
                )) AS pairs
            FROM pgimport._report_columns(p_job) AS c
            GROUP BY 1
        ) AS p
    );
END
$_report_data_sql$;

COMMENT ON FUNCTION pgimport._report_data_sql(pgimport.job) IS
'internal: SQL that gives the data of a staged row as one jsonb object.';
