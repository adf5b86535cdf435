BEGIN;
\ir ../setup.psql
SELECT plan(14);
SELECT pgimport_test.codes_target();
SELECT repeat('ab', 32) AS sha, format('{"sha256": "%s"}', repeat('ab', 32)) AS options \gset

-- stages one code with the bytes of this scenario
CREATE FUNCTION pgimport_test.stage_bytes(
    p_job_id uuid,
    p_code text,
    p_options jsonb DEFAULT '{}'
)
RETURNS text
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $stage_bytes$
BEGIN
    RETURN pgimport_test.stage(
        p_job_id, '{merchant_id,code,sku}', pgimport_test.code_lines(p_code),
        jsonb_build_object('sha256', repeat('ab', 32)) || p_options
    );
EXCEPTION WHEN SQLSTATE 'PI304' THEN
    RETURN SQLSTATE;
END;
$stage_bytes$;

SELECT pgimport_test.new_job() AS first_job \gset
SELECT is(pgimport_test.stage_bytes(:'first_job', 'A'), '1', 'bytes are staged once');
SELECT is(
    pgimport_test.stage_bytes(:'first_job', 'A'), 'PI304', 'the same job takes them no second time'
);
SELECT is(
    pgimport_test.stage_bytes(:'first_job', 'A', '{"file_no": 1}'), '1',
    'staging that very file again is no second time'
);
SELECT is(
    pgimport_test.stage_bytes(:'first_job', 'B', '{"force": true}'), '2',
    'with force it takes them'
);
SELECT is(
    pgimport.get_job(:'first_job') -> 'files' -> 0 ->> 'sha256', :'sha',
    'the bytes'' sum is on record'
);
SELECT pgimport_test.new_job() AS other_job \gset
SELECT is(
    pgimport_test.stage_bytes(:'other_job', 'A'), '1',
    'a job that is not completed stands in nobody''s way'
);
SELECT pgimport.cancel_job(:'other_job');

SELECT pgimport.check_job(:'first_job');
SELECT pgimport.insert_job(:'first_job');
SELECT pgimport_test.new_job() AS job \gset
SELECT is(
    pgimport_test.stage_bytes(:'job', 'A'), 'PI304', 'bytes of a completed job are refused'
);
SELECT pgimport.clear_staging(:'first_job');
SELECT is(
    pgimport_test.stage_bytes(:'job', 'A'), 'PI304', 'also when its staged rows are cleared'
);
SELECT is(
    pgimport_test.stage_bytes(:'job', 'A', '{"force": true}'), '1', 'force lets them in'
);
SELECT is(
    pgimport_test.stage_bytes(pgimport_test.new_job('{"tenant": "south"}'), 'A'), '1',
    'another tenant may import the same bytes'
);
SELECT pgimport.register_target('pgimport_test.codes', 'other', '{code,merchant_id}');
SELECT is(
    pgimport_test.stage_bytes(pgimport_test.new_job('{}', 'other'), 'A'), '1',
    'so may another target'
);
SELECT pgimport.rollback_job(:'first_job', p_reason => 'test');
SELECT is(
    pgimport_test.stage_bytes(pgimport_test.new_job(), 'A'), '1',
    'after the rollback the bytes are free again'
);

-- a file that failed, or was cleared, stands in nobody's way
SELECT pgimport_test.new_job() AS job \gset
SELECT pgimport.stage_file(:'job', 'a.csv', '{code}', :'options');
SELECT pgimport.finish_file(:'job', 1, NULL, '{"failed": "cut short"}');
SELECT is(
    pgimport_test.stage_bytes(:'job', 'A'), '2', 'the bytes of a failed file may come again'
);
SELECT pgimport.clear_staging(:'job');
SELECT is(
    pgimport_test.stage_bytes(:'job', 'A'), '3', 'and those of a file whose rows were cleared'
);

SELECT * FROM finish();
ROLLBACK;
