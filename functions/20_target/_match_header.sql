-- Gives the fields of a header to the columns of a target by their names; the answers are arrays
-- by the field's position. A field that fits by an earlier way (exact, normalised, alias) is out
-- of reach of the later ones; among likenesses the greatest is taken first, at a tie the earlier
-- field and the earlier column, with a warning.
-- Called by suggest_mapping(). Raises PI201, PI205.
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
    -- place of the field that took a column
    v_taken jsonb := '{}'::jsonb;
    v_other integer;
    r_pair record;
BEGIN
    columns := array_fill(NULL::text, ARRAY[cardinality(p_header)]);
    scores := array_fill(NULL::real, ARRAY[cardinality(p_header)]);
    hows := columns;
    warnings := '[]';

    FOR r_pair IN
        SELECT
            h.place::integer AS place, n.column_name,
            CASE WHEN n.rank = 2 AND h.header = n.name THEN 1 ELSE n.rank END AS rank
        FROM unnest(p_header) WITH ORDINALITY AS h (header, place)
        INNER JOIN pgimport._target_names(p_target_id) AS n
            ON n.spelling = pgimport._spelling(h.header)
        WHERE h.header ~ '\S'
        ORDER BY 3, h.place, n.column_no
    LOOP
        CONTINUE WHEN columns[r_pair.place] IS NOT NULL OR v_taken ? r_pair.column_name;
        columns[r_pair.place] := r_pair.column_name;
        scores[r_pair.place] := 1;
        hows[r_pair.place] := ('{exact,normalised,alias}'::text[])[r_pair.rank];
        v_taken := v_taken || jsonb_build_object(r_pair.column_name, r_pair.place);
    END LOOP;

    FOR r_pair IN
        WITH field AS MATERIALIZED (
            SELECT
                h.place::integer AS place, h.header,
                length(pgimport._normalise(h.header)) AS size
            FROM unnest(p_header, columns) WITH ORDINALITY AS h (header, column_name, place)
            WHERE h.column_name IS NULL
                AND h.header ~ '\S'
                AND array_position(p_header, h.header) = h.place
        ),

        name AS MATERIALIZED (
            SELECT n.*, length(pgimport._normalise(n.name)) AS size
            FROM pgimport._target_names(p_target_id) AS n
            WHERE NOT v_taken ? n.column_name
        )

        SELECT
            f.place, f.header, n.column_no, n.column_name,
            max(pgimport._similarity(f.header, n.name)) AS score
        FROM field AS f
        INNER JOIN name AS n
            -- no likeness can be greater than this
            ON 2.0 * least(f.size, n.size) >= p_threshold * (f.size + n.size)
                AND f.size > 0
                AND n.size > 0
        GROUP BY f.place, f.header, n.column_no, n.column_name
        HAVING max(pgimport._similarity(f.header, n.name)) >= p_threshold
        ORDER BY 5 DESC, f.place, n.column_no
    LOOP
        v_other := (v_taken ->> r_pair.column_name)::integer;
        IF columns[r_pair.place] IS NULL AND v_other IS NULL THEN
            columns[r_pair.place] := r_pair.column_name;
            scores[r_pair.place] := r_pair.score;
            hows[r_pair.place] := 'similarity';
            v_taken := v_taken || jsonb_build_object(r_pair.column_name, r_pair.place);
        ELSIF v_other IS NULL AND scores[r_pair.place] = r_pair.score THEN
            warnings := warnings || to_jsonb(format(
                'field "%s" is as like column "%s" as column "%s", which was chosen',
                r_pair.header, r_pair.column_name, columns[r_pair.place]
            ));
        ELSIF columns[r_pair.place] IS NULL AND scores[v_other] = r_pair.score THEN
            warnings := warnings || to_jsonb(format(
                'column "%s" is as like field "%s" as field "%s", which was chosen',
                r_pair.column_name, r_pair.header, p_header[v_other]
            ));
        END IF;
    END LOOP;
END
$_match_header$;

COMMENT ON FUNCTION pgimport._match_header(bigint, text[], real) IS
'internal: which column each field of a header goes to by its name, with score, way and warnings.';
