BEGIN;
\ir ../setup.psql
SELECT plan(21);

SELECT pgimport_test.codes_target();
INSERT INTO pgimport_test.codes (merchant_id, code) VALUES (pgimport_test.merchant(), 'OLD');

-- a trigger that refuses one row
CREATE FUNCTION pgimport_test.refuse()
RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    IF new.code = 'BAD' THEN
        RAISE EXCEPTION 'no % please', new.code USING ERRCODE = 'P0777', DETAIL = 'a secret';
    END IF;
    RETURN new;
END;
$$;
CREATE TRIGGER refuse BEFORE INSERT ON pgimport_test.codes
FOR EACH ROW EXECUTE FUNCTION pgimport_test.refuse();

SELECT pgimport_test.checked_job('{A,BAD,C}') AS job \gset
SELECT pgimport.insert_job(:'job') AS answer \gset
SELECT is(
    pgimport_test.pick(
        :'answer', 'success', 'status', 'code', 'details.sqlstate', 'details.message',
        'rows_inserted', 'expected'
    ),
    'success=false status=failed code=PI404 details.sqlstate=P0777 '
    'details.message=no BAD please rows_inserted=0 expected=3',
    'a trigger that raises makes the job failed, with SQLSTATE and message'
);
SELECT isnt(:'answer'::jsonb ->> 'hint', NULL, 'the answer says what to do');
SELECT unalike(:'answer'::text, '%secret%', 'and does not quote the DETAIL of the error');
SELECT is(
    (SELECT string_agg(c.code, ' ' ORDER BY c.code) FROM pgimport_test.codes AS c), 'OLD',
    'the target is as before'
);
SELECT is(
    (
        SELECT format('%s %s', j.error_sqlstate, j.error_message) FROM pgimport.job AS j
        WHERE j.job_id = :'job'
    ), 'P0777 no BAD please', 'the job keeps the error'
);
SELECT is(
    (
        SELECT count(*)::integer FROM pgimport.job_write AS w
        WHERE w.job_id = :'job'
    ), 0,
    'nothing is recorded as written'
);
SELECT throws_ok(
    format('SELECT pgimport.insert_job(%L)', :'job'), 'PI102', NULL,
    'a failed job is not inserted before it is checked again'
);
SELECT is(
    pgimport_test.pick(pgimport.verify_job(:'job'), 'verified', 'expected_count', 'actual_count'),
    'verified=true expected_count=0 actual_count=0', 'a failed job has no row in the table'
);
DROP TRIGGER refuse ON pgimport_test.codes;
SELECT pgimport.check_job(:'job');
SELECT is(
    pgimport_test.pick(pgimport.insert_job(:'job'), 'success', 'status', 'rows_inserted'),
    'success=true status=completed rows_inserted=3',
    'once the cause is mended it is checked and inserted'
);
SELECT is(
    (
        SELECT j.error_sqlstate FROM pgimport.job AS j
        WHERE j.job_id = :'job'
    ), NULL,
    'and the error is forgotten'
);

-- constraints of the table that break only between the check and the insert
ALTER TABLE pgimport_test.codes ADD CONSTRAINT codes_price_check CHECK (price > 0);
ALTER TABLE pgimport_test.codes ADD CONSTRAINT codes_serial_key UNIQUE (serial);
CREATE TABLE pgimport_test.batch (batch_code text PRIMARY KEY);
ALTER TABLE pgimport_test.codes ADD CONSTRAINT codes_batch_code_fkey
FOREIGN KEY (batch_code) REFERENCES pgimport_test.batch;
UPDATE pgimport_test.codes SET sku = code;
ALTER TABLE pgimport_test.codes ADD CONSTRAINT codes_sku_key
UNIQUE (sku) DEFERRABLE INITIALLY DEFERRED;

-- imports lines, with a statement between check and insert, and says SQLSTATE and constraint
CREATE FUNCTION pgimport_test.fails(p_column text, p_values text[], p_between text)
RETURNS text
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_job_id uuid := pgimport_test.new_job();
    v_answer jsonb;
BEGIN
    PERFORM pgimport_test.stage(
        v_job_id, ARRAY['merchant_id', 'code', p_column],
        ARRAY(
            SELECT format('%s,%s%s,%s', pgimport_test.merchant(), p_column, v.place, v.value)
            FROM unnest(p_values) WITH ORDINALITY AS v (value, place)
        )
    );
    IF NOT (pgimport.check_job(v_job_id) ->> 'valid')::boolean THEN
        RETURN 'refused by the check';
    END IF;
    EXECUTE p_between;
    v_answer := pgimport.insert_job(v_job_id);
    RETURN concat_ws(' ', pgimport_test.pick(
        v_answer, 'status', 'code', 'details.sqlstate', 'details.table', 'details.constraint'
    ), (SELECT count(*) FROM pgimport_test.codes AS c WHERE c.import_job_id = v_job_id));
END;
$$;
CREATE FUNCTION pgimport_test.spoil()
RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    new.price := -1;
    RETURN new;
END;
$$;

SELECT is(
    pgimport_test.fails(
        'price', '{1,2}',
        'CREATE TRIGGER spoil BEFORE INSERT ON pgimport_test.codes '
        'FOR EACH ROW EXECUTE FUNCTION pgimport_test.spoil()'
    ),
    'status=failed code=PI404 details.sqlstate=23514 details.table=codes '
    'details.constraint=codes_price_check 0', 'a CHECK that fails makes the job failed'
);
DROP TRIGGER spoil ON pgimport_test.codes;
SELECT is(
    pgimport_test.fails(
        'serial', '{s,t}',
        'INSERT INTO pgimport_test.codes (merchant_id, code, serial) '
        'VALUES (pgimport_test.merchant(), ''between 1'', ''t'')'
    ),
    'status=failed code=PI404 details.sqlstate=23505 details.table=codes '
    'details.constraint=codes_serial_key 0', 'so does a UNIQUE constraint that is not the key'
);
INSERT INTO pgimport_test.batch VALUES ('b1');
SELECT is(
    pgimport_test.fails('batch_code', '{b1}', 'DELETE FROM pgimport_test.batch'),
    'status=failed code=PI404 details.sqlstate=23503 details.table=codes '
    'details.constraint=codes_batch_code_fkey 0', 'and a foreign key'
);
SELECT is(
    pgimport_test.fails(
        'sku', '{x,y}',
        'INSERT INTO pgimport_test.codes (merchant_id, code, sku) '
        'VALUES (pgimport_test.merchant(), ''between 2'', ''x'')'
    ),
    'status=failed code=PI404 details.sqlstate=23505 details.table=codes '
    'details.constraint=codes_sku_key 0', 'a deferred constraint fails in the job, not at COMMIT'
);
DELETE FROM pgimport_test.codes
WHERE code LIKE 'between%';
SELECT is(
    (SELECT count(*)::integer FROM pgimport_test.codes), 4, 'after each the target is as before'
);

-- a deferred constraint stays deferred
SELECT lives_ok(
    $$INSERT INTO pgimport_test.codes (merchant_id, code, sku)
    VALUES (pgimport_test.merchant(), 'later', 'A')$$,
    'deferred constraints are still deferred for the session'
);
DELETE FROM pgimport_test.codes
WHERE code = 'later';
SET CONSTRAINTS ALL IMMEDIATE;

-- a trigger that drops rows in silence
CREATE FUNCTION pgimport_test.drop_row()
RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    RETURN CASE WHEN new.code <> 'GONE' THEN new END;
END;
$$;
CREATE TRIGGER drop_row BEFORE INSERT ON pgimport_test.codes
FOR EACH ROW EXECUTE FUNCTION pgimport_test.drop_row();
ALTER TABLE pgimport_test.codes DROP CONSTRAINT codes_sku_key;
SELECT pgimport_test.checked_job('{K,GONE}') AS dropping \gset
SELECT is(
    pgimport_test.pick(
        pgimport.insert_job(:'dropping'), 'success', 'status', 'code', 'details.sqlstate'
    ),
    'success=false status=failed code=PI404 details.sqlstate=PI401',
    'a trigger that drops rows in silence is noticed: the count must match'
);
SELECT is(
    (
        SELECT count(*)::integer FROM pgimport_test.codes AS c
        WHERE c.code = 'K'
    ), 0,
    'and the other rows of the job are not there either'
);
DROP TRIGGER drop_row ON pgimport_test.codes;

-- a trigger that takes the stamp away
CREATE FUNCTION pgimport_test.unstamp()
RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    new.import_job_id := NULL;
    RETURN new;
END;
$$;
CREATE TRIGGER unstamp BEFORE INSERT ON pgimport_test.codes
FOR EACH ROW EXECUTE FUNCTION pgimport_test.unstamp();
SELECT pgimport_test.checked_job('{L}') AS unstamped \gset
SELECT is(
    pgimport_test.pick(pgimport.insert_job(:'unstamped'), 'status', 'details.sqlstate'),
    'status=failed details.sqlstate=PI401', 'a trigger that takes the stamp away is noticed'
);
DROP TRIGGER unstamp ON pgimport_test.codes;

-- the unique index is the last guard, against rows that only a trigger makes equal
CREATE FUNCTION pgimport_test.same_code()
RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    new.code := 'SAME';
    RETURN new;
END;
$$;
CREATE TRIGGER same_code BEFORE INSERT ON pgimport_test.codes
FOR EACH ROW EXECUTE FUNCTION pgimport_test.same_code();
SELECT pgimport_test.checked_job('{P,Q}') AS equal_job \gset
SELECT is(
    pgimport_test.pick(pgimport.insert_job(:'equal_job'), 'status', 'details.sqlstate'),
    'status=failed details.sqlstate=23505', 'the unique index is the last guard'
);
SELECT is(
    (SELECT count(*)::integer FROM pgimport_test.codes), 4, 'and the target is as before'
);

SELECT * FROM finish();
ROLLBACK;
