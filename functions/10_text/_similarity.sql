-- Likeness of two names between 0 and 1 by Ratcliff and Obershelp: twice the length of what they
-- have in common over the sum of their lengths. "In common" is the longest common substring
-- (the earliest one of the first name, then of the second) and, again, what is left and right of
-- it. Both names are normalised first; two empty names have nothing in common.
-- Called by suggest_mapping().
CREATE OR REPLACE FUNCTION pgimport._similarity(
    p_left text,
    p_right text
)
RETURNS real
LANGUAGE plpgsql
IMMUTABLE
STRICT
PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $_similarity$
DECLARE
    v_left text COLLATE "C" := pgimport._normalise(p_left);
    v_right text COLLATE "C" := pgimport._normalise(p_right);
    v_total integer := length(v_left) + length(v_right);
    v_common integer := 0;
    -- pairs of pieces still to be compared
    v_stack text[] COLLATE "C" := ARRAY[v_left, v_right];
    v_top integer := 2;
    v_start integer;
    v_length integer;
    v_at integer;
    v_before text COLLATE "C";
BEGIN
    IF v_total = 0 THEN
        RETURN 0;
    END IF;
    WHILE v_top > 0 LOOP
        v_left := v_stack[v_top - 1];
        v_right := v_stack[v_top];
        v_top := v_top - 2;
        v_start := 1;
        v_length := 0;
        FOR v_try IN 1 .. length(v_left) LOOP
            EXIT WHEN v_try + v_length > length(v_left);
            WHILE v_try + v_length <= length(v_left)
                AND strpos(v_right, substr(v_left, v_try, v_length + 1)) > 0
            LOOP
                v_start := v_try;
                v_length := v_length + 1;
            END LOOP;
        END LOOP;
        CONTINUE WHEN v_length = 0;

        v_common := v_common + v_length;
        v_at := strpos(v_right, substr(v_left, v_start, v_length));
        v_before := left(v_right, v_at - 1);
        IF v_start > 1 AND v_before <> '' THEN
            v_stack[v_top + 1] := left(v_left, v_start - 1);
            v_stack[v_top + 2] := v_before;
            v_top := v_top + 2;
        END IF;
        IF v_start + v_length <= length(v_left) AND v_at + v_length <= length(v_right) THEN
            v_stack[v_top + 1] := substr(v_left, v_start + v_length);
            v_stack[v_top + 2] := substr(v_right, v_at + v_length);
            v_top := v_top + 2;
        END IF;
    END LOOP;
    RETURN 2.0 * v_common / v_total;
END
$_similarity$;

COMMENT ON FUNCTION pgimport._similarity(text, text) IS
'internal: likeness of two names between 0 and 1 (Ratcliff and Obershelp, on normalised text).';
