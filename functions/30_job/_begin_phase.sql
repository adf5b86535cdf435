-- The phases of a job, in the numbers by which its live counter names them.
-- Called by _begin_phase and job_progress.
CREATE OR REPLACE FUNCTION pgimport._phase_names()
RETURNS text[]
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
RETURN ARRAY[
    'check', 'issues', 'constraints', 'duplicates', 'recheck', 'images', 'update', 'checksum',
    'insert', 'fingerprints', 'plan', 'cascade', 'rollback', 'restore', 'rehearse', 'batch',
    'verify', 'stage'
];

COMMENT ON FUNCTION pgimport._phase_names() IS
'internal: the phases that the live counter of a job can name.';

-- Of how many rows one is counted, where so many are to be written: to count a row takes a seventh
-- of a microsecond, one or two percent of writing it. Called by _begin_phase and _count_sql.
CREATE OR REPLACE FUNCTION pgimport._count_step(
    p_rows bigint
)
RETURNS integer
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
RETURN CASE WHEN p_rows >= 200000 THEN 16 ELSE 1 END;

COMMENT ON FUNCTION pgimport._count_step(bigint) IS
'internal: of how many rows the live counter of a job counts one.';

-- Says to everybody, now and not at the end of the transaction, which phase of a job begins.
-- The live counter of a job is a sequence, pgimport_staging.job_…_count: what is written to it is
-- seen at once. Its value is phase · 10^17 + (tenths of seconds since 1970 mod 10^7) · 10^10 + rows
-- done; where one row of 16 is counted 30 is added to the phase. Does nothing where the job has no
-- counter, the caller no right to it, or the transaction may write nothing.
-- p_phase null: something runs, nobody knows what yet. p_rows: how many are to be counted, where
-- any are. p_done: how many of them are done already. p_began: when it began.
-- Called at the beginning of every long step, with the job locked.
CREATE OR REPLACE FUNCTION pgimport._begin_phase(
    p_job_id uuid,
    p_phase text,
    p_rows bigint DEFAULT 0,
    p_done bigint DEFAULT 0,
    p_began timestamptz DEFAULT clock_timestamp()
)
RETURNS void
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $_begin_phase$
DECLARE
    v_counter regclass := pgimport._counter(p_job_id);
    v_step integer := pgimport._count_step(p_rows);
    v_phase bigint := coalesce(array_position(pgimport._phase_names(), p_phase), 0);
BEGIN
    IF v_counter IS NOT NULL THEN
        -- not called yet: the first nextval() returns the value itself
        PERFORM setval(
            v_counter,
            (v_phase + CASE WHEN v_step > 1 THEN 30 ELSE 0 END) * 100000000000000000
            + (floor(extract(EPOCH FROM p_began) * 10)::bigint % 10000000) * 10000000000
            + least(greatest(p_done, 0) / v_step, 9999999999),
            false
        );
    END IF;
END;
$_begin_phase$;

COMMENT ON FUNCTION pgimport._begin_phase(uuid, text, bigint, bigint, timestamptz) IS
'internal: writes to the live counter of a job which phase begins.';

-- The live counter of a job, where there is one that the caller may write to now. It belongs to
-- the owner of the job: one that he has changed, so that others who work on the job would fail, is
-- none.
-- Called by _begin_phase and _count_sql.
CREATE OR REPLACE FUNCTION pgimport._counter(
    p_job_id uuid
)
RETURNS regclass
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
-- the same few catalog rows at every call: planning anew would take longer than reading them
SET plan_cache_mode = force_generic_plan
AS $_counter$
DECLARE
    v_counter regclass := to_regclass(
        format('pgimport_staging.%I', pgimport._staging_name(p_job_id, '_count'))
    );
BEGIN
    IF v_counter IS NULL OR current_setting('transaction_read_only') = 'on' THEN
        RETURN NULL;
    END IF;
    RETURN (
        SELECT s.seqrelid FROM pg_sequence AS s
        WHERE s.seqrelid = v_counter
            AND has_sequence_privilege(s.seqrelid, 'UPDATE')
            AND (s.seqtypid, s.seqincrement, s.seqmin, s.seqmax, s.seqcache, s.seqcycle)
            = ('bigint'::regtype, 1, 1, 9223372036854775807, 1000, true)
    );
END;
$_counter$;

COMMENT ON FUNCTION pgimport._counter(uuid) IS
'internal: the live counter of a job, where the caller may write to it.';
