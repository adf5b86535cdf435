-- Row-level security of pgimport's own tables, given as a list; a policy that is there in the same
-- words already is left alone, so that an install without news takes no lock.
-- Called by schema/end.sql.
CREATE OR REPLACE FUNCTION pgimport._apply_policies()
RETURNS void
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $_apply_policies$
-- definitions are made of constants below: @plpgsql_check_options: security_warnings = false
DECLARE
    -- (SELECT …) makes an InitPlan of it: evaluated once a statement, not once a row
    c_admin CONSTANT text := '(SELECT pgimport._is_admin())';
    c_job CONSTANT text := format(
        'owner_role = ANY ((SELECT pgimport._my_roles())::text[]) OR %s', c_admin
    );
    -- members of a target's rollback_role see its completed jobs, and do nothing but roll back
    c_rollback CONSTANT text :=
        'target_id = ANY ((SELECT pgimport._my_rollback_targets())::bigint[]) '
        'AND status IN (''inserting'', ''completed'', ''rolled_back'')';
    c_of_job CONSTANT text :=
        'EXISTS (SELECT FROM pgimport.job AS j WHERE j.job_id = %I.job_id)';
    -- what is written of a job before it is completed is written by those whose job it is
    c_of_own_job CONSTANT text := format(
        'EXISTS (SELECT FROM pgimport.job AS j WHERE j.job_id = %%I.job_id AND (j.%s))', c_job
    );
    c_new_job CONSTANT text := 'owner_role = current_user AND status = ''pending''';
    -- a mapping says where data goes: nobody uses one of a stranger who is no administrator
    c_new_mapping CONSTANT text :=
        format('owner_role = current_user AND (NOT is_shared OR %s)', c_admin);
    r_table record;
    r_policy record;
BEGIN
    FOR r_table IN
        SELECT c.relname
        FROM pg_class AS c
        WHERE
            c.relnamespace = 'pgimport'::regnamespace
            AND c.relkind IN ('r', 'p')
            AND NOT c.relrowsecurity
        ORDER BY c.relname
    LOOP
        EXECUTE format('ALTER TABLE pgimport.%I ENABLE ROW LEVEL SECURITY', r_table.relname);
    END LOOP;

    FOR r_policy IN
        SELECT
            w.table_name,
            w.policy_name,
            p.oid IS NOT NULL AS is_there,
            concat_ws(
                ' ',
                'FOR', w.command,
                CASE WHEN w.visible <> '' THEN format('USING (%s)', w.visible) END,
                CASE WHEN w.writable <> '' THEN format('WITH CHECK (%s)', w.writable) END
            ) AS definition,
            obj_description(p.oid, 'pg_policy') AS known
        FROM (
            VALUES
            ('schema_step', 'see', 'SELECT', 'true', ''),
            ('retention', 'see', 'SELECT', 'true', ''),
            ('role_grant', 'see', 'SELECT', 'true', ''),
            ('target', 'see', 'SELECT', 'true', ''),
            ('target', 'administer', 'ALL', c_admin, ''),
            ('target_column', 'see', 'SELECT', 'true', ''),
            ('target_column', 'administer', 'ALL', c_admin, ''),
            ('job_limit', 'see', 'SELECT', 'true', ''),
            ('job_limit', 'administer', 'ALL', c_admin, ''),
            ('saved_mapping', 'see', 'SELECT', 'is_shared OR ' || c_job, ''),
            ('saved_mapping', 'save', 'INSERT', '', c_new_mapping),
            ('saved_mapping', 'drop', 'DELETE', c_job, ''),
            ('job', 'see', 'SELECT', format('%s OR %s', c_job, c_rollback), ''),
            ('job', 'create', 'INSERT', '', c_new_job),
            ('job', 'change', 'UPDATE', c_job, ''),
            ('job', 'roll_back', 'UPDATE', c_rollback, ''),
            ('file', 'of_job', 'ALL', format(c_of_own_job, 'file'), ''),
            ('file', 'see', 'SELECT', format(c_of_job, 'file'), ''),
            ('issue', 'of_job', 'ALL', format(c_of_own_job, 'issue'), ''),
            ('issue', 'see', 'SELECT', format(c_of_job, 'issue'), ''),
            ('job_queue', 'of_job', 'ALL', format(c_of_own_job, 'job_queue'), ''),
            ('job_queue', 'see', 'SELECT', format(c_of_job, 'job_queue'), ''),
            ('job_write', 'of_job', 'ALL', format(c_of_job, 'job_write'), ''),
            ('job_event', 'of_job', 'ALL', format(c_of_job, 'job_event'), ''),
            ('fix', 'of_job', 'ALL', format(c_of_own_job, 'fix'), ''),
            ('fix', 'see', 'SELECT', format(c_of_job, 'fix'), ''),
            ('fix_record', 'of_job', 'ALL', format(c_of_own_job, 'fix_record'), ''),
            ('fix_record', 'see', 'SELECT', format(c_of_job, 'fix_record'), ''),
            ('row_history', 'of_job', 'ALL', format(c_of_job, 'row_history'), ''),
            ('kept_row', 'of_job', 'ALL', format(c_of_job, 'kept_row'), '')
        ) AS w (table_name, policy_name, command, visible, writable)
        LEFT JOIN pg_policy AS p
            ON
                p.polrelid = format('pgimport.%I', w.table_name)::regclass
                AND p.polname = w.policy_name
        ORDER BY w.table_name, w.policy_name
    LOOP
        CONTINUE WHEN r_policy.is_there AND r_policy.known = r_policy.definition;
        IF r_policy.is_there THEN
            EXECUTE format(
                'DROP POLICY %I ON pgimport.%I', r_policy.policy_name, r_policy.table_name
            );
        END IF;
        EXECUTE format(
            'CREATE POLICY %I ON pgimport.%I %s',
            r_policy.policy_name, r_policy.table_name, r_policy.definition
        );
        EXECUTE format(
            'COMMENT ON POLICY %I ON pgimport.%I IS %L',
            r_policy.policy_name, r_policy.table_name, r_policy.definition
        );
    END LOOP;
END;
$_apply_policies$;

COMMENT ON FUNCTION pgimport._apply_policies() IS
'internal: makes the row-level security policies of pgimport''s tables what this version wants.';
