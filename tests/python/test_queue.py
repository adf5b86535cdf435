"""The queue between sessions: claims, leases, fences, failures, rights."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta

import psycopg
import pytest
from psycopg import conninfo, sql
from psycopg.types.json import Jsonb

from _sessions import PATIENCE, Conn, call, scalar, until_waiting
from _workers import (
    TABLE,
    codes_of,
    expire,
    proved,
    shut_gate,
    staged,
    standing,
    submitted,
)
from pgimport import Client, InsertFailed, JobStateError
from pgimport.embedded import EmbeddedServer

LEASE = timedelta(minutes=1)


@pytest.fixture
def dsn(installed_dsn: str) -> str:
    with psycopg.connect(installed_dsn, autocommit=True) as conn:
        conn.execute(TABLE)
    return installed_dsn


def claimed(conn: Conn, name: str = "w") -> tuple[str | None, int]:
    answer = call(conn, "claim_job", name)
    return answer["job_id"], answer["fence"]


def refused(conn: Conn, function: str, *arguments: object) -> str | None:
    """The SQLSTATE with which a function refuses."""
    with pytest.raises(psycopg.Error) as caught:
        call(conn, function, *arguments)
    return caught.value.sqlstate


# claims


def test_many_workers_claim_each_job_once(conn: Conn, dsn: str) -> None:
    jobs = {submitted(conn, [f"C{number}"]) for number in range(12)}

    def work(name: str) -> list[str]:
        mine: list[str] = []
        with closing(psycopg.connect(dsn, autocommit=True)) as session:
            while True:
                job, fence = claimed(session, name)
                if job is None:
                    return mine
                while not call(session, "run_job", job, fence)["done"]:
                    pass
                mine.append(job)

    with ThreadPoolExecutor(4) as workers:
        done = [job for mine in workers.map(work, "abcd") for job in mine]
    assert sorted(done) == sorted(jobs)
    assert codes_of(conn) == sorted(f"C{number}" for number in range(12))


def test_a_claim_passes_by_what_others_are_claiming(conn: Conn, first: Conn) -> None:
    one = submitted(conn, ["A"])
    other = submitted(conn, ["B"])
    conn.execute("SET lock_timeout = '2s'")
    assert claimed(first)[0] == one
    assert claimed(conn)[0] == other
    assert claimed(conn)[0] is None
    first.rollback()
    assert claimed(conn)[0] == one, "a claim that was never committed is none"


def test_the_highest_priority_comes_first_then_the_oldest(conn: Conn) -> None:
    jobs = [submitted(conn, [f"C{number}"], priority=number % 2) for number in range(4)]
    later = submitted(conn, ["L"], priority=9, run_after="2100-01-01 00:00+00")
    order = [claimed(conn)[0] for _ in range(5)]
    assert order == [jobs[1], jobs[3], jobs[0], jobs[2], None]
    assert standing(conn, later) == ("waiting", "queued")


def test_a_job_is_not_claimed_while_it_runs_though_its_lease_is_over(
    conn: Conn, first: Conn, second: Conn, background: ThreadPoolExecutor
) -> None:
    job = submitted(conn, ["GATE"])
    _, fence = claimed(conn)
    call(conn, "run_job", job, fence)
    with shut_gate(first):
        run = background.submit(call, second, "run_job", job, fence)
        until_waiting(conn, second, run)
        expire(conn, job)
        assert claimed(conn)[0] is None
        conn.execute("SET lock_timeout = '2s'")
        call(conn, "heartbeat", job, fence)
    assert run.result(PATIENCE)["done"] is True
    proved(conn, job, 1)


def test_who_lost_its_lease_writes_nothing(conn: Conn, first: Conn, second: Conn) -> None:
    job = submitted(conn, ["A", "B", "C"], batch_rows=1)
    first.autocommit = True
    _, fence = claimed(first, "frozen")
    for _ in range(2):
        call(first, "run_job", job, fence)
    expire(conn, job)
    taken, newer = claimed(second, "next")
    assert (taken, newer) == (job, fence + 1)
    for function, arguments in (
        ("run_job", [job, fence]),
        ("heartbeat", [job, fence]),
        ("release_job", [job, fence, "55P03", "too late"]),
    ):
        assert refused(first, function, *arguments) == "PI105", function
    assert codes_of(conn) == ["A"]
    while not call(second, "run_job", job, newer)["done"]:
        pass
    proved(conn, job, 3)


def test_a_worker_of_an_earlier_submission_stays_out(conn: Conn) -> None:
    job = submitted(conn, ["A"], max_attempts=1)
    _, old = claimed(conn)
    expire(conn, job)
    assert claimed(conn)[0] is None
    assert standing(conn, job) == ("dead", "failed")
    call(conn, "submit_job", job)
    _, new = claimed(conn)
    assert new > old
    assert refused(conn, "run_job", job, old) == "PI105"


# cancelled


def test_a_waiting_job_that_is_cancelled_is_never_claimed(conn: Conn) -> None:
    job = submitted(conn, ["A"])
    call(conn, "cancel_job", job)
    assert standing(conn, job) == ("cancelled", "cancelled")
    assert claimed(conn)[0] is None


def test_the_worker_of_a_cancelled_job_finds_out(
    conn: Conn, first: Conn, second: Conn, background: ThreadPoolExecutor
) -> None:
    job = submitted(conn, ["A"])
    _, fence = claimed(conn)
    call(first, "cancel_job", job)
    run = background.submit(refused, second, "run_job", job, fence)
    until_waiting(conn, second, run)
    first.commit()
    assert run.result(PATIENCE) == "PI105"
    assert standing(conn, job) == ("cancelled", "cancelled")
    assert refused(conn, "heartbeat", job, fence) == "PI105"
    assert codes_of(conn) == []


def test_a_job_that_is_just_being_cancelled_is_passed_by(conn: Conn, first: Conn) -> None:
    job = submitted(conn, ["A"])
    other = submitted(conn, ["B"])
    call(first, "cancel_job", job)
    conn.execute("SET lock_timeout = '2s'")
    assert call(conn, "run_next_job")["job_id"] == other
    first.commit()
    assert standing(conn, job) == ("cancelled", "cancelled")


# failures


def test_a_lock_timeout_is_tried_again_later(conn: Conn, first: Conn) -> None:
    other = staged(conn, ["X"])
    call(conn, "check_job", other)
    job = submitted(conn, ["A"])
    _, fence = claimed(conn)
    call(conn, "run_job", job, fence)
    # the target is written by somebody else
    call(first, "insert_job", other)
    conn.execute("SET lock_timeout = '50ms'")
    assert refused(conn, "run_job", job, fence) == "55P03"
    conn.execute("RESET lock_timeout")
    answer = call(conn, "release_job", job, fence, "55P03", "canceling statement")
    assert (answer["state"], answer["status"], answer["attempt"]) == ("waiting", "queued", 1)
    wait = scalar(
        conn,
        "SELECT extract(epoch FROM run_after - clock_timestamp()) FROM pgimport.job_queue"
        " WHERE job_id = %s",
        job,
    )
    assert 7 < wait < 12.1
    assert claimed(conn)[0] is None, "not before its time"
    first.commit()
    conn.execute("UPDATE pgimport.job_queue SET run_after = now() WHERE job_id = %s", [job])
    again, newer = claimed(conn)
    assert (again, newer) == (job, fence + 1)
    answer = call(conn, "run_job", job, newer)
    assert (answer["act"], answer["done"]) == ("insert", True), "what was checked stays checked"
    proved(conn, job, 1)


def test_a_job_whose_backend_was_terminated_goes_on(
    conn: Conn, first: Conn, second: Conn, background: ThreadPoolExecutor
) -> None:
    job = submitted(conn, ["A", "GATE", "Z"], batch_rows=1)
    _, fence = claimed(conn)
    for _ in range(2):
        call(conn, "run_job", job, fence)
    with shut_gate(first):
        run = background.submit(refused, second, "run_job", job, fence)
        until_waiting(conn, second, run)
        conn.execute("SELECT pg_terminate_backend(%s)", [second.info.backend_pid])
        assert run.result(PATIENCE) == "57P01"
    answer = call(conn, "release_job", job, fence, "57P01", "terminated")
    assert (answer["state"], answer["status"], answer["attempt"]) == ("waiting", "inserting", 1)
    assert codes_of(conn) == ["A"]
    conn.execute("UPDATE pgimport.job_queue SET run_after = now() WHERE job_id = %s", [job])
    _, newer = claimed(conn)
    while not call(conn, "run_job", job, newer)["done"]:
        pass
    proved(conn, job, 3)


def test_a_real_deadlock_is_tried_again(
    conn: Conn, first: Conn, second: Conn, background: ThreadPoolExecutor
) -> None:
    conn.execute("CREATE TABLE public.other (id integer); INSERT INTO public.other VALUES (1)")
    conn.execute(
        "CREATE FUNCTION public.reach() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN LOCK TABLE public.other; RETURN new; END $$;"
        " CREATE TRIGGER reach BEFORE INSERT ON public.codes"
        " FOR EACH ROW EXECUTE FUNCTION public.reach()"
    )
    job = submitted(conn, ["A"])
    _, fence = claimed(conn)
    call(conn, "run_job", job, fence)
    # it is looked for once: when the other one waits, too
    second.execute("SET deadlock_timeout = '2s'")
    first.execute("SET deadlock_timeout = '1min'")
    first.execute("LOCK TABLE public.other")
    run = background.submit(call, second, "run_job", job, fence)
    until_waiting(conn, second, run)
    # the job's row: the insert holds it, and waits for us
    waits = background.submit(
        first.execute, "SELECT FROM pgimport.job WHERE job_id = %s FOR UPDATE", [job]
    )
    answer = run.result(PATIENCE)
    assert (answer["success"], answer["details"]["sqlstate"]) == (False, "40P01")
    assert (answer["state"], answer["status"], answer["done"]) == ("waiting", "queued", True)
    waits.result(PATIENCE)
    first.rollback()
    assert codes_of(conn) == []


# the client


def test_the_client_speaks_with_the_queue(conn: Conn) -> None:
    caller = Client(conn)
    job = staged(conn, ["A", "B"])
    submission = caller.submit_job(job, {"batch_rows": 1})
    assert (str(submission.job_id), submission.state, submission.existing) == (
        job, "waiting", False,
    )  # fmt: skip
    assert caller.submit_job(job, {"batch_rows": 1}).existing is True
    claim = caller.claim_job("client", LEASE)
    assert claim.fence == 1
    assert claim.lease_until is not None
    assert caller.claim_job("other").job_id is None
    later = caller.heartbeat(job, claim.fence, timedelta(hours=1)).lease_until
    assert later is not None
    assert later - claim.lease_until > timedelta(minutes=58)
    assert caller.run_job(job, claim.fence).act == "check"
    assert caller.release_job(job, claim.fence).state == "waiting"
    steps = [caller.run_next_job("cron") for _ in range(2)]
    assert [(step.status, step.done) for step in steps] == [
        ("inserting", False), ("completed", True),
    ]  # fmt: skip
    assert caller.run_next_job().job_id is None
    (row,) = caller.list_queue({"state": "done", "target": "codes"}, None, 10)
    assert (str(row.job_id), row.state, row.worker, row.attempts) == (job, "done", "cron", 1)
    with pytest.raises(JobStateError) as lost:
        caller.run_job(job, 1)
    assert lost.value.code == "PI105"


def test_a_refused_step_is_raised_with_what_became_of_the_job(conn: Conn) -> None:
    caller = Client(conn)
    job = str(call(conn, "create_job", "codes", Jsonb({"on_issue": "abort"}))["job_id"])
    opened = call(conn, "stage_file", job, "a.csv", ["merchant_id", "code"], Jsonb({}))
    with conn.cursor().copy(opened["copy_sql"].encode()) as copy:
        copy.write("merchant_id,code\nno uuid,A\n")
    call(conn, "finish_file", job, opened["file_no"], 1)
    caller.submit_job(job)
    fence = caller.claim_job("w").fence
    assert fence is not None
    assert caller.run_job(job, fence).done is False
    with pytest.raises(InsertFailed) as error:
        caller.run_job(job, fence)
    assert error.value.code == "PI402"
    result = error.value.result
    assert (result.done, result.state, result.status) == (True, "dead", "failed")
    assert scalar(conn, "SELECT error_sqlstate FROM pgimport.job WHERE job_id = %s", job) == "PI402"


# rights


@pytest.fixture
def roles(server: EmbeddedServer) -> dict[str, str]:
    """Two owners of jobs, and a worker that is a member of one of them; all may log in."""
    tag = os.urandom(4).hex()
    names = {who: f"{who}_{tag}" for who in ("ann", "bob", "hand", "nobody")}
    with psycopg.connect(server.dsn, autocommit=True) as admin:
        for name in names.values():
            admin.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(name)))
        admin.execute(
            sql.SQL("GRANT {} TO {}").format(
                sql.Identifier(names["ann"]), sql.Identifier(names["hand"])
            )
        )
    return names


def as_role(dsn: str, role: str) -> Conn:
    return psycopg.connect(conninfo.make_conninfo(dsn, user=role), autocommit=True)


def owned_job(
    conn: Conn, dsn: str, roles: dict[str, str], who: str, others: tuple[str, ...] = ("hand",)
) -> str:
    """A job of a role on a table of its own, whose trigger notes who it is and what it may."""
    for role in (who, *others):
        call(conn, "grant_usage", roles[role], "importer")
    owner = sql.Identifier(roles[who])
    conn.execute(
        sql.SQL(
            "CREATE SCHEMA {0}; GRANT ALL ON SCHEMA {0} TO {0};"
            "CREATE TABLE {0}.codes (merchant_id uuid NOT NULL, code text NOT NULL,"
            " UNIQUE (code, merchant_id));"
            "CREATE TABLE {0}.seen (who text, is_superuser text, role text, path text, tried text);"
            "ALTER TABLE {0}.codes OWNER TO {0}; ALTER TABLE {0}.seen OWNER TO {0};"
        ).format(owner)
    )
    call(conn, "register_target", f"{roles[who]}.codes", who, ["code", "merchant_id"])
    with as_role(dsn, roles[who]) as session:
        session.execute(
            sql.SQL(
                "CREATE FUNCTION {0}.note() RETURNS trigger LANGUAGE plpgsql AS $$"
                " DECLARE v_tried text; BEGIN"
                " BEGIN PERFORM set_config('role', 'none', true); v_tried := current_user;"
                " EXCEPTION WHEN OTHERS THEN v_tried := sqlstate; END;"
                " PERFORM set_config('work_mem', '1234kB', false);"
                # unqualified: found by the path of the one who submitted the job
                " INSERT INTO seen VALUES (current_user, current_setting('is_superuser'),"
                "  current_setting('role'), current_setting('search_path'), v_tried);"
                " RETURN new; END $$;"
                "CREATE TRIGGER note BEFORE INSERT ON {0}.codes"
                " FOR EACH ROW EXECUTE FUNCTION {0}.note();"
            ).format(owner)
        )
        job = str(call(session, "create_job", who, Jsonb({}))["job_id"])
        opened = call(session, "stage_file", job, "a.csv", ["merchant_id", "code"], Jsonb({}))
        with session.cursor().copy(opened["copy_sql"].encode()) as copy:
            copy.write("merchant_id,code\n6f1f64a0-6f0e-4a58-9d3c-0f2b8a1c7e11,A\n")
        call(session, "finish_file", job, opened["file_no"], 1)
        session.execute(sql.SQL("SET search_path = {}").format(owner))
        call(session, "submit_job", job)
    return job


@pytest.mark.parametrize("who", ["hand", "ann", "postgres"])
def test_a_job_runs_with_the_rights_of_its_owner_whoever_works(
    conn: Conn, dsn: str, roles: dict[str, str], who: str
) -> None:
    job = owned_job(conn, dsn, roles, "ann")
    with as_role(dsn, roles.get(who, who)) as session:
        before = session.execute(
            "SELECT current_user, current_setting('role'), current_setting('search_path'),"
            " current_setting('timezone')"
        ).fetchone()
        assert claimed(session)[0] == job
        for _ in range(2):
            answer = call(session, "run_job", job, 1)
            assert answer["success"], answer
        after = session.execute(
            "SELECT current_user, current_setting('role'), current_setting('search_path'),"
            " current_setting('timezone')"
        ).fetchone()
    assert before == after
    assert answer["status"] == "completed"
    ann = roles["ann"]
    seen = conn.execute(sql.SQL("SELECT * FROM {}.seen").format(sql.Identifier(ann))).fetchone()
    assert seen is not None
    name, is_superuser, role, path, tried = seen
    assert (name, is_superuser) == (ann, "off")
    assert path == f"pg_catalog, {ann}, pg_temp"
    # in its own session it may do what it likes with its role, in another's it may not
    assert (role, tried) == (("none", ann) if who == "ann" else (ann, "42501"))
    assert (
        scalar(
            conn,
            "SELECT count(*) FROM pg_proc WHERE pronamespace = 'pgimport_staging'::regnamespace",
        )
        == 0
    )


def test_a_worker_that_may_not_act_as_the_owner_sees_no_job(
    conn: Conn, dsn: str, roles: dict[str, str]
) -> None:
    job = owned_job(conn, dsn, roles, "bob", ("hand", "ann", "nobody"))
    for who in ("hand", "ann", "nobody"):
        with as_role(dsn, roles[who]) as session:
            assert claimed(session)[0] is None, who
            assert scalar(session, "SELECT count(*) FROM pgimport.list_queue()") == 0, who
            assert refused(session, "run_job", job, 1) == "PI105"
            assert refused(session, "submit_job", job) == "PI101"
    with as_role(dsn, roles["bob"]) as session:
        assert call(session, "run_next_job")["status"] == "completed"


def test_a_superuser_does_not_run_what_runs_only_at_commit(
    conn: Conn, dsn: str, roles: dict[str, str], server: EmbeddedServer
) -> None:
    job = owned_job(conn, dsn, roles, "ann")
    ann = sql.Identifier(roles["ann"])
    with as_role(dsn, roles["ann"]) as session:
        session.execute(
            sql.SQL(
                "CREATE FUNCTION {0}.late() RETURNS trigger LANGUAGE plpgsql AS"
                " $$ BEGIN RETURN NULL; END $$;"
                "CREATE CONSTRAINT TRIGGER late AFTER INSERT ON {0}.seen"
                " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION {0}.late()"
            ).format(ann)
        )
    answer = call(conn, "run_next_job")
    if server.major >= 18:
        assert answer["status"] == "completed"
        return
    assert (answer["success"], answer["code"], answer["state"]) == (False, "PI602", "dead")
    call(conn, "submit_job", job)
    with as_role(dsn, roles["hand"]) as session:
        assert call(session, "run_next_job")["status"] == "completed"
