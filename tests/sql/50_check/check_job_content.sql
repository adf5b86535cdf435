BEGIN;
\ir ../setup.psql
SELECT plan(12);

CREATE DOMAIN pgimport_test.rating AS numeric CHECK (value < 100);
CREATE TABLE pgimport_test.leads (
    code text COLLATE "C" UNIQUE,
    agent text,
    amount numeric,
    rating pgimport_test.rating,
    at timestamptz,
    day date,
    flag boolean,
    tags text[],
    doc jsonb,
    raw json,
    place point,
    bits bit(3),
    label char(5),
    made_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    import_job_id uuid
);
SELECT pgimport.register_target('pgimport_test.leads', 'leads', '{code}', '{}');

-- the hash of the content of a job with one file of these lines, after its check
CREATE FUNCTION pgimport_test.content(p_header text[], p_lines text[], p_options jsonb DEFAULT '{}')
RETURNS text
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_job_id uuid := pgimport_test.new_job(p_options, 'leads');
BEGIN
    PERFORM pgimport_test.stage(v_job_id, p_header, p_lines);
    PERFORM pgimport.check_job(v_job_id);
    RETURN (SELECT j.content_hash FROM pgimport.job AS j WHERE j.job_id = v_job_id);
END;
$$;
SELECT pgimport_test.content('{code,amount}', '{"a,1","b,2","c,"}') AS abc \gset

SELECT matches(:'abc'::text, '^[0-9a-f]{64}$', 'a checked job has a hash of its content');
SELECT is(
    pgimport_test.content('{amount,code}', '{",c","2, b","1,a"}'), :'abc',
    'it is the same for the same rows in another order, of columns, too'
);
SELECT is(
    pgimport_test.content('{Code,Amount,Remark}', '{"a,1,x","b,2,y","c,,z"}'), :'abc',
    'what is not imported is no content'
);
SELECT is(
    pgimport_test.content('{code}', '{a,b,c}', '{"constants": {"amount": "1"}}'),
    pgimport_test.content('{code,amount}', '{"a,1","b,1","c,1"}'),
    'a constant counts like a column of the file'
);
SELECT isnt(
    pgimport_test.content('{code,amount}', '{"a,2","b,1","c,"}'), :'abc',
    'values that changed places make another content'
);
SELECT isnt(
    pgimport_test.content('{code,amount}', '{"a,1.0","b,2","c,"}'), :'abc',
    'as does a value that is written otherwise in the table'
);
SELECT isnt(
    pgimport_test.content('{code,amount}', '{"a,1","b,2","c,","c,"}'), :'abc', 'or one more row'
);
SELECT isnt(
    pgimport_test.content('{code,agent}', '{"a,1","b,2","c,"}'), :'abc',
    'or the same texts in another column'
);
SELECT is(
    pgimport_test.content('{code,amount}', '{"a,x","b,y"}'), NULL,
    'without a valid row there is none'
);

-- types that have no equality, or one that is not exact
SELECT pgimport_test.content(
    '{code,rating,at,day,flag,tags,doc,raw,place,bits,label}',
    '{"a,5,2026-01-01 00:00+00,2026-01-01,t,{x},{},[1],,101,ab","b,,,,,,,,,,"}'
) AS many \gset
SELECT is(
    pgimport_test.content(
        '{code,rating,at,day,flag,tags,doc,raw,place,bits,label}',
        '{"b,,,,,,,,,,","a,5,2026-01-01 01:00+01,20260101,yes,{x},{ },[1],,101,ab "}'
    ), :'many', 'values of any type count, by what they are'
);

-- what is dealt out is no content
SELECT
    is(
        pgimport_test.content(
            '{code}', '{a,b,c}', format(
                '{"assignment": {"mode": "round_robin", "column": "agent", "values": %s}}', o.agents
            )::jsonb
        ),
        pgimport_test.content('{code}', '{c,a,b}', '{"assignment":
        {"mode": "round_robin", "column": "agent", "values": ["ann", "bob"]}}'),
        o.reason
    )
FROM (
    VALUES
    ('["ann", "bob"]', 'who gets which row in turn depends on their order and is no content'),
    ('["cy"]', 'nor who takes part')
) AS o (agents, reason);

SELECT * FROM finish();
ROLLBACK;
