-- What no row is to blame for: triggers of the statement, rules, rights.
BEGIN;
\ir ../setup.psql
\ir things.psql
SELECT plan(11);

-- the statement
CREATE FUNCTION pgimport_test.at_most_two()
RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    IF (SELECT count(*) FROM fresh) > 2 THEN
        RAISE EXCEPTION 'at most two rows at once' USING ERRCODE = 'P2222';
    END IF;
    RETURN NULL;
END;
$$;
CREATE TRIGGER at_most_two AFTER INSERT ON pgimport_test.things
REFERENCING NEW TABLE AS fresh
FOR EACH STATEMENT EXECUTE FUNCTION pgimport_test.at_most_two();
SELECT pgimport_test.things_job('{code}', 'a', 'b', 'c') AS three \gset
SELECT pgimport.rehearse_job(:'three') AS answer \gset
SELECT is(
    pgimport_test.pick(:'answer', 'rehearsed', 'would_insert', 'failed'),
    'rehearsed=3 would_insert=0 failed=1',
    'where all together fail and each by itself does not, nothing would be inserted'
);
SELECT is(
    pgimport_test.failures(:'answer'), '- - P2222', 'and the failure is of no row'
);
DROP TRIGGER at_most_two ON pgimport_test.things;

CREATE FUNCTION pgimport_test.closed()
RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    RAISE EXCEPTION 'closed today' USING ERRCODE = 'P3333';
END;
$$;
CREATE TRIGGER closed BEFORE INSERT ON pgimport_test.things
FOR EACH STATEMENT EXECUTE FUNCTION pgimport_test.closed();
SELECT pgimport.rehearse_job(:'three') AS answer \gset
SELECT is(
    pgimport_test.pick(:'answer', 'rehearsed', 'would_insert', 'failed'),
    'rehearsed=3 would_insert=0 failed=1', 'a statement that is refused is told once'
);
SELECT is(
    pgimport_test.failures(:'answer') || ' ' || (:'answer'::jsonb #>> '{failures,0,message}'),
    '- - P3333 closed today', 'with its reason'
);
DROP TRIGGER closed ON pgimport_test.things;

-- a rule
SELECT
    'CREATE RULE nowhere AS ON INSERT TO pgimport_test.things DO INSTEAD NOTHING' AS statement
\gexec
SELECT is(
    pgimport_test.failures(pgimport.rehearse_job(:'three')), '1 2 PI401; 2 3 PI401; 3 4 PI401',
    'rows that a rule sends nowhere are told as dropped'
);
SELECT 'DROP RULE nowhere ON pgimport_test.things' AS statement \gexec

-- a trigger that takes the id of the job away
CREATE FUNCTION pgimport_test.forget()
RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    new.import_job_id := NULL;
    RETURN new;
END;
$$;
CREATE TRIGGER forget BEFORE INSERT ON pgimport_test.things
FOR EACH ROW WHEN (new.code = 'b') EXECUTE FUNCTION pgimport_test.forget();
SELECT pgimport.rehearse_job(:'three') AS answer \gset
SELECT is(
    (:'answer'::jsonb #>> '{failures,0,message}')
    || pgimport_test.pick(:'answer', 'failures.0.sqlstate', 'passed'),
    '3 rows inserted, 2 found with the id of the jobfailures.0.sqlstate=PI401 passed=false',
    'rows that lose the id of the job are noticed'
);
SELECT is(
    pgimport_test.pick(pgimport.insert_job(:'three'), 'details.sqlstate'),
    'details.sqlstate=PI401', 'as the insert notices them'
);
DROP TRIGGER forget ON pgimport_test.things;

-- rights
SELECT pgimport_test.things_job('{code}', 'a', 'b') AS rights \gset
SELECT r.rolsuper AS is_superuser FROM pg_catalog.pg_roles AS r
WHERE r.rolname = current_user \gset
\if :is_superuser
SELECT skip('neither rights nor policies hold a superuser', 4);
\else
REVOKE INSERT ON pgimport_test.things FROM current_user;
SELECT pgimport.rehearse_job(:'rights') AS answer \gset
SELECT is(
    pgimport_test.failures(:'answer'), '- - 42501', 'a right that is missing is told once'
);
SELECT is(
    pgimport_test.pick(:'answer', 'rehearsed', 'would_insert'), 'rehearsed=2 would_insert=0',
    'and nothing would be inserted'
);
GRANT INSERT ON pgimport_test.things TO current_user;
ALTER TABLE pgimport_test.things ENABLE ROW LEVEL SECURITY;
ALTER TABLE pgimport_test.things FORCE ROW LEVEL SECURITY;
CREATE POLICY see ON pgimport_test.things FOR SELECT USING (true);
CREATE POLICY write ON pgimport_test.things FOR INSERT WITH CHECK (code <> 'b');
SELECT pgimport.rehearse_job(:'rights') AS answer \gset
SELECT is(
    pgimport_test.failures(:'answer'), '2 3 42501', 'a row that the policies refuse is found'
);
SELECT matches(
    :'answer'::jsonb #>> '{failures,0,message}', 'row-level security', 'and told as such'
);
ALTER TABLE pgimport_test.things DISABLE ROW LEVEL SECURITY;
\endif

SELECT * FROM finish();
ROLLBACK;
