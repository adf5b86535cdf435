-- Gives the fields of a header to the columns of a target by their names; the answers are arrays
-- by the field's position. First the same names (exact); then, each time by the greatest total
-- over all fields and columns that are left, the same letters and the target's own aliases
-- (normalised, alias), and after these common names and likeness (alias, similarity). What is
-- decided at one step is out of reach of the next. Of fields of the same name only the first
-- takes part. Called by _file_mapping(). Raises PI201, PI205.
CREATE OR REPLACE FUNCTION pgimport._match_header(
    p_target_id bigint,
    p_header text[],
    p_threshold real,
    OUT columns text[],
    OUT scores real[],
    OUT hows text[],
    OUT warnings jsonb
)
LANGUAGE plpgsql
STABLE
CALLED ON NULL INPUT
SET search_path = pg_catalog, pg_temp
AS $_match_header$
DECLARE
    -- by place; null where a field is decided or takes no part
    v_spellings text[];
    -- _target_names() of the columns that are left
    v_names jsonb;
    v_chosen integer[];
    r_exact record;
    r_pairs record;
BEGIN
    columns := array_fill(NULL::text, ARRAY[cardinality(p_header)]);
    scores := array_fill(NULL::real, ARRAY[cardinality(p_header)]);
    hows := columns;
    warnings := '[]';

    SELECT array_agg(
        CASE WHEN h.place = h.first_place AND h.header ~ '\S'
            THEN pgimport._spelling(h.header) END ORDER BY h.place
    ) INTO v_spellings
    FROM (
        SELECT u.header, u.place, min(u.place) OVER (PARTITION BY u.header) AS first_place
        FROM unnest(p_header) WITH ORDINALITY AS u (header, place)
    ) AS h;
    SELECT jsonb_agg(to_jsonb(n)) INTO v_names
    FROM pgimport._target_names(p_target_id) AS n;

    FOR r_exact IN
        SELECT h.place::integer AS place, n.name
        FROM unnest(p_header, v_spellings) WITH ORDINALITY AS h (header, spelling, place)
        INNER JOIN jsonb_to_recordset(v_names) AS n (rank integer, name text)
            ON n.rank = 2 AND n.name = h.header
        WHERE h.spelling IS NOT NULL
    LOOP
        columns[r_exact.place] := r_exact.name;
        scores[r_exact.place] := 1;
        hows[r_exact.place] := 'exact';
        v_spellings[r_exact.place] := NULL;
    END LOOP;

    FOR v_step IN 1 .. 2 LOOP
        SELECT jsonb_agg(to_jsonb(n)) INTO v_names
        FROM jsonb_to_recordset(v_names)
            AS n (column_no integer, column_name text, rank integer, name text, spelling text)
        WHERE n.column_name NOT IN (
                SELECT c.column_name FROM unnest(columns) AS c (column_name)
                WHERE c.column_name IS NOT NULL
            );
        EXIT WHEN v_names IS NULL OR array_remove(v_spellings, NULL) = '{}';

        IF v_step = 1 THEN
            SELECT p.* INTO r_pairs FROM pgimport._equal_pairs(v_spellings, v_names) AS p;
        ELSE
            SELECT p.* INTO r_pairs
            FROM pgimport._alike_pairs(v_spellings, v_names, p_threshold) AS p;
        END IF;
        CONTINUE WHEN r_pairs.places IS NULL;

        v_chosen := pgimport._assign(r_pairs.places, r_pairs.column_nos, r_pairs.weights);
        IF cardinality(v_chosen) < cardinality(r_pairs.places) THEN
            warnings := warnings || pgimport._tie_warnings(
                p_header, v_names, r_pairs.places, r_pairs.column_nos, r_pairs.weights, v_chosen
            );
        END IF;
        FOR v_pair IN 1 .. cardinality(v_chosen) LOOP
            columns[r_pairs.places[v_chosen[v_pair]]] := r_pairs.columns[v_chosen[v_pair]];
            scores[r_pairs.places[v_chosen[v_pair]]] := r_pairs.scores[v_chosen[v_pair]];
            hows[r_pairs.places[v_chosen[v_pair]]] := r_pairs.hows[v_chosen[v_pair]];
            v_spellings[r_pairs.places[v_chosen[v_pair]]] := NULL;
        END LOOP;
    END LOOP;
END
$_match_header$;

COMMENT ON FUNCTION pgimport._match_header(bigint, text[], real) IS
'internal: which column each field of a header goes to by its name, with score, way and warnings.';

-- What a mapping by names leaves to chance: pairs that would have been as good as the chosen ones.
-- Called by _match_header().
CREATE OR REPLACE FUNCTION pgimport._tie_warnings(
    p_header text[],
    p_names jsonb,
    p_places integer[],
    p_column_nos integer[],
    p_weights bigint[],
    p_chosen integer[]
)
RETURNS jsonb
LANGUAGE plpgsql
STABLE
CALLED ON NULL INPUT
SET search_path = pg_catalog, pg_temp
AS $_tie_warnings$
BEGIN
    RETURN (
        WITH pair AS MATERIALIZED (
            SELECT p.*, p.pair_no = ANY (p_chosen) AS is_chosen, n.column_name
            FROM unnest(p_places, p_column_nos, p_weights)
                WITH ORDINALITY AS p (place, column_no, weight, pair_no)
            INNER JOIN (
                SELECT DISTINCT d.column_no, d.column_name
                FROM jsonb_to_recordset(p_names) AS d (column_no integer, column_name text)
            ) AS n ON n.column_no = p.column_no
        ),

        -- what the field of a pair got instead, and who got its column
        rival AS (
            SELECT
                p.place, p.column_name,
                own.column_name AS own_column, other.place AS other_place,
                CASE
                    WHEN own.weight = p.weight AND other.place IS NULL THEN 1
                    WHEN other.weight = p.weight AND own.place IS NULL THEN 2
                    WHEN p.place < other.place
                        AND p.weight + swapped.weight = own.weight + other.weight THEN 3
                END AS kind
            FROM pair AS p
            LEFT JOIN pair AS own ON own.is_chosen AND own.place = p.place
            LEFT JOIN pair AS other ON other.is_chosen AND other.column_no = p.column_no
            LEFT JOIN pair AS swapped
                ON swapped.place = other.place AND swapped.column_no = own.column_no
            WHERE NOT p.is_chosen
        )

        SELECT coalesce(jsonb_agg(
            CASE r.kind
                WHEN 1 THEN format(
                    'field "%s" is as like column "%s" as column "%s", which was chosen',
                    p_header[r.place], r.column_name, r.own_column
                )
                WHEN 2 THEN format(
                    'column "%s" is as like field "%s" as field "%s", which was chosen',
                    r.column_name, p_header[r.place], p_header[r.other_place]
                )
                ELSE format(
                    'fields "%s" and "%s" might as well go to each other''s columns "%s" and "%s"',
                    p_header[r.place], p_header[r.other_place], r.own_column, r.column_name
                )
            END ORDER BY r.place, r.column_name
        ), '[]')
        FROM rival AS r
        WHERE r.kind IS NOT NULL
    );
END
$_tie_warnings$;

COMMENT ON FUNCTION pgimport._tie_warnings(text[], jsonb, integer[], integer[], bigint[], integer[])
IS 'internal: what a mapping by names leaves to chance, for people.';
