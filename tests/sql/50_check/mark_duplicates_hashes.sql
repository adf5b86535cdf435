BEGIN;
\ir ../setup.psql
SELECT plan(4);

-- which of some numbers are among many hashes, by the condition that marking uses
CREATE FUNCTION pgimport_test.found(
    p_hashes bigint[]
)
RETURNS bigint[]
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_found bigint[];
BEGIN
    EXECUTE format(
        'SELECT array_agg(k.h ORDER BY k.h) FROM generate_series(-2::bigint, 2) AS k (h) WHERE %s',
        pgimport._hash_condition('k.h', cardinality(p_hashes))
    ) INTO v_found USING p_hashes;
    RETURN v_found;
END;
$$;

SELECT is(pgimport_test.found('{1,-1,77}'), '{-1,1}', 'a few hashes are looked up in a list');
SELECT is(
    pgimport_test.found((SELECT array_agg(g.n) FROM generate_series(0::bigint, 1000000) AS g (n))),
    '{0,1,2}', 'and a million as well'
);
SELECT isnt(
    pgimport._hash_condition('h', 10), pgimport._hash_condition('h', 1000001),
    'but in another way: a plan does not hold a million numbers for each of its workers'
);

-- every row of a key but the first is one
SELECT pgimport_test.codes_target();
SELECT pgimport_test.checked_job('{A,B,A,a,B,A}') AS job \gset
SELECT is(
    (
        SELECT concat_ws(' ', j.internal_duplicates, j.clean_rows)
        FROM pgimport.job AS j
        WHERE j.job_id = :'job'
    ), '3 3', 'the rows found by their hashes are compared as they are'
);

SELECT * FROM finish();
ROLLBACK;
