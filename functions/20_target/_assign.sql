-- Gives each left thing at most one right thing and the other way round, so that the sum of the
-- weights is the greatest there is: the assignment problem, solved by one best alternating path
-- after the other. Pairs are given as three arrays (weights above 0), those of one left thing side
-- by side; at a tie the earlier left thing and its earlier pair win. Returns the numbers of the
-- chosen pairs. Where nothing is contested a pair costs one look.
-- Called by _match_header().
CREATE OR REPLACE FUNCTION pgimport._assign(
    p_left integer[],
    p_right integer[],
    p_weight bigint[]
)
RETURNS integer[]
LANGUAGE plpgsql
IMMUTABLE
CALLED ON NULL INPUT
PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $_assign$
DECLARE
    c_pairs CONSTANT integer := coalesce(cardinality(p_left), 0);
    c_rights CONSTANT integer := (SELECT max(r.item) FROM unnest(p_right) AS r (item));
    c_lefts CONSTANT integer := (SELECT max(l.item) FROM unnest(p_left) AS l (item));
    c_none CONSTANT integer[] := array_fill(0, ARRAY[coalesce(c_rights, 0)]);
    v_first integer[] := array_fill(0, ARRAY[coalesce(c_lefts, 0)]);
    -- the pair by which a right thing is taken and by which a left one is served
    v_taken integer[] := c_none;
    v_served integer[] := v_first;
    -- the pair by which the search reached a right thing, and what the path to it has gained
    v_via integer[];
    v_gain bigint[];
    -- left things to look at and what the path to them has gained
    v_queue integer[];
    v_gains bigint[];
    v_best bigint;
    v_end integer;
    v_pair integer;
    v_next integer;
    v_sum bigint;
    v_left integer;
BEGIN
    FOR v_place IN REVERSE c_pairs .. 1 LOOP
        v_first[p_left[v_place]] := v_place;
    END LOOP;

    FOR v_start IN 1 .. coalesce(c_lefts, 0) LOOP
        CONTINUE WHEN v_first[v_start] = 0;
        v_via := c_none;
        v_gain := '{}';
        v_queue := ARRAY[v_start];
        v_gains := ARRAY[0::bigint];
        v_best := 0;
        v_end := NULL;
        v_next := 1;
        WHILE v_next <= cardinality(v_queue) LOOP
            v_left := v_queue[v_next];
            v_pair := v_first[v_left];
            WHILE p_left[v_pair] = v_left LOOP
                v_sum := v_gains[v_next] + p_weight[v_pair];
                IF v_served[v_left] <> v_pair
                    AND (v_via[p_right[v_pair]] = 0 OR v_sum > v_gain[p_right[v_pair]])
                THEN
                    v_via[p_right[v_pair]] := v_pair;
                    v_gain[p_right[v_pair]] := v_sum;
                    IF v_taken[p_right[v_pair]] > 0 THEN
                        -- who has it now may go elsewhere, or without
                        v_sum := v_sum - p_weight[v_taken[p_right[v_pair]]];
                        v_queue := v_queue || p_left[v_taken[p_right[v_pair]]];
                        v_gains := v_gains || v_sum;
                    END IF;
                    IF v_sum > v_best THEN
                        v_best := v_sum;
                        v_end := p_right[v_pair];
                    END IF;
                END IF;
                v_pair := v_pair + 1;
            END LOOP;
            v_next := v_next + 1;
        END LOOP;

        IF v_end IS NOT NULL AND v_taken[v_end] > 0 THEN
            v_served[p_left[v_taken[v_end]]] := 0;
        END IF;
        -- back along the path: each thing on it gives up what the one after it takes
        WHILE v_end IS NOT NULL LOOP
            v_pair := v_via[v_end];
            v_left := p_left[v_pair];
            v_taken[v_end] := v_pair;
            v_end := nullif(v_served[v_left], 0);
            v_served[v_left] := v_pair;
            v_end := p_right[v_end];
        END LOOP;
    END LOOP;
    RETURN array_remove(v_served, 0);
END
$_assign$;

COMMENT ON FUNCTION pgimport._assign(integer[], integer[], bigint[]) IS
'internal: the pairs of two sets with the greatest sum of weights, none in two pairs.';
