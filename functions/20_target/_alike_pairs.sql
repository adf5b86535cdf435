-- The pairs of a field and a column among which _match_header() chooses, as arrays, ordered by
-- field and column. p_spellings: of the fields, by place, null for those that take no part;
-- p_names: what _target_names() gives of the columns that are left. The weights of one kind are
-- so far above those of the next that no sum of these outweighs one of those.

-- Fields that are spelt like a column (normalised) or like an alias of it.
CREATE OR REPLACE FUNCTION pgimport._equal_pairs(
    p_spellings text[],
    p_names jsonb,
    OUT places integer[],
    OUT column_nos integer[],
    OUT columns text[],
    OUT weights bigint[],
    OUT scores real[],
    OUT hows text[]
)
LANGUAGE plpgsql
STABLE
CALLED ON NULL INPUT
SET search_path = pg_catalog, pg_temp
AS $_equal_pairs$
BEGIN
    SELECT
        array_agg(p.place ORDER BY p.place, p.column_no),
        array_agg(p.column_no ORDER BY p.place, p.column_no),
        array_agg(p.column_name ORDER BY p.place, p.column_no),
        array_agg(CASE p.rank WHEN 2 THEN 100000 ELSE 1 END ORDER BY p.place, p.column_no),
        array_agg(1::real),
        array_agg(CASE p.rank WHEN 2 THEN 'normalised' ELSE 'alias' END
            ORDER BY p.place, p.column_no)
    INTO places, column_nos, columns, weights, scores, hows
    FROM (
        SELECT f.place, n.column_no, n.column_name, min(n.rank) AS rank
        FROM unnest(p_spellings) WITH ORDINALITY AS f (spelling, place)
        INNER JOIN jsonb_to_recordset(p_names)
            AS n (column_no integer, column_name text, rank integer, spelling text)
            ON n.spelling = f.spelling
        GROUP BY f.place, n.column_no, n.column_name
    ) AS p;
END
$_equal_pairs$;

COMMENT ON FUNCTION pgimport._equal_pairs(text[], jsonb) IS
'internal: fields and columns of the same spelling, aliases included.';

-- Fields that have a common name of the column's meaning, or one that is alike: by Ratcliff and
-- Obershelp (_similarity()) from the threshold on. Only the four columns are compared that share
-- the most pairs of letters with a field. Never alike are names that are known to mean something
-- else, that hold other numbers, or the opposite (min and max).
CREATE OR REPLACE FUNCTION pgimport._alike_pairs(
    p_spellings text[],
    p_names jsonb,
    p_threshold real,
    OUT places integer[],
    OUT column_nos integer[],
    OUT columns text[],
    OUT weights bigint[],
    OUT scores real[],
    OUT hows text[]
)
LANGUAGE plpgsql
STABLE
CALLED ON NULL INPUT
SET search_path = pg_catalog, pg_temp
-- compiling takes longer than running
SET jit = off
AS $_alike_pairs$
DECLARE
    c_compared CONSTANT integer := 4;
    -- by how much names may share fewer pairs of letters than letters
    c_slack CONSTANT real := 0.4;
    -- those of the common names that are used here
    v_common jsonb;
    v_known text[];
BEGIN
    SELECT coalesce(jsonb_agg(to_jsonb(c)), '[]'), coalesce(array_agg(c.spelling), '{}')
    INTO v_common, v_known
    FROM pgimport._common_names() AS c
    WHERE c.spelling = ANY (p_spellings || ARRAY(
            SELECT n.spelling FROM jsonb_to_recordset(p_names) AS n (spelling text)
        ));

    WITH common AS MATERIALIZED (
        SELECT c.*
        FROM jsonb_to_recordset(v_common) AS c (meaning text, spelling text, is_weak boolean)
    ),

    field AS MATERIALIZED (
        SELECT
            f.place::integer AS place, f.spelling, length(f.spelling) AS size,
            regexp_replace(f.spelling, '[^0-9]', '', 'g') AS digits,
            f.spelling = ANY (v_known) AS is_known,
            ARRAY(
                SELECT DISTINCT substr(f.spelling, g.i, 2)
                FROM generate_series(1, length(f.spelling) - 1) AS g (i)
            ) AS letters
        FROM unnest(p_spellings) WITH ORDINALITY AS f (spelling, place)
        WHERE f.spelling IS NOT NULL
    ),

    name AS MATERIALIZED (
        SELECT
            n.*, row_number() OVER () AS name_no, length(n.spelling) AS size,
            regexp_replace(n.spelling, '[^0-9]', '', 'g') AS digits,
            n.spelling = ANY (v_known) AS is_known,
            ARRAY(
                SELECT DISTINCT substr(n.spelling, g.i, 2)
                FROM generate_series(1, length(n.spelling) - 1) AS g (i)
            ) AS letters
        FROM (
            SELECT DISTINCT d.column_no, d.column_name, d.spelling
            FROM jsonb_to_recordset(p_names)
                AS d (column_no integer, column_name text, spelling text)
        ) AS n
    ),

    shared AS (
        SELECT f.place, n.name_no, count(*)::real AS letters
        FROM field AS f
        CROSS JOIN LATERAL unnest(f.letters) AS l (letters)
        INNER JOIN (
            SELECT o.name_no, u.letters
            FROM name AS o
            CROSS JOIN LATERAL unnest(o.letters) AS u (letters)
        ) AS n ON n.letters = l.letters
        GROUP BY f.place, n.name_no
    ),

    candidate AS (
        SELECT
            f.place, n.column_no, n.column_name, f.spelling AS left_name, n.spelling AS right_name,
            row_number() OVER (
                PARTITION BY f.place
                ORDER BY s.letters / (f.size + n.size) DESC, n.column_no
            ) AS place_among
        FROM shared AS s
        INNER JOIN field AS f ON f.place = s.place
        INNER JOIN name AS n ON n.name_no = s.name_no
        WHERE s.letters * 2 >= (p_threshold - c_slack) * (f.size + n.size - 2)
            -- no likeness can be greater than this
            AND least(f.size, n.size) * 2 >= p_threshold * (f.size + n.size)
            AND NOT (f.is_known AND n.is_known)
            AND (f.digits = n.digits OR '' IN (f.digits, n.digits))
    ),

    pair AS (
        SELECT
            f.place, n.column_no, n.column_name,
            CASE WHEN bool_and(a.is_weak) THEN 0.8 ELSE 0.9 END::real AS score,
            'alias' AS how,
            CASE WHEN bool_and(a.is_weak) THEN 10000000 ELSE 20000000 END AS weight
        FROM field AS f
        INNER JOIN common AS a ON a.spelling = f.spelling
        INNER JOIN common AS b ON b.meaning = a.meaning AND NOT b.is_weak
        INNER JOIN name AS n ON n.spelling = b.spelling
        GROUP BY f.place, n.column_no, n.column_name
        UNION ALL
        SELECT
            c.place, c.column_no, c.column_name, c.score, 'similarity',
            greatest(1, round(c.score * 1000))
        FROM (
            SELECT d.*, pgimport._similarity(d.left_name, d.right_name) AS score
            FROM candidate AS d
            WHERE d.place_among <= c_compared
            OFFSET 0
        ) AS c
        WHERE c.score >= p_threshold
            AND NOT pgimport._is_opposite(c.left_name, c.right_name)
    ),

    best AS (
        SELECT DISTINCT ON (p.place, p.column_no) p.*
        FROM pair AS p
        ORDER BY p.place, p.column_no, p.weight DESC
    )

    SELECT
        array_agg(b.place ORDER BY b.place, b.column_no),
        array_agg(b.column_no ORDER BY b.place, b.column_no),
        array_agg(b.column_name ORDER BY b.place, b.column_no),
        array_agg(b.weight::bigint ORDER BY b.place, b.column_no),
        array_agg(b.score ORDER BY b.place, b.column_no),
        array_agg(b.how ORDER BY b.place, b.column_no)
    INTO places, column_nos, columns, weights, scores, hows
    FROM best AS b;
END
$_alike_pairs$;

COMMENT ON FUNCTION pgimport._alike_pairs(text[], jsonb, real) IS
'internal: fields and columns with common names of the same meaning, or with names that are alike.';

-- Whether two names say the opposite: min and max, billing and shipping. However alike they are,
-- one is not the other. Takes names as _spelling() leaves them. Called by _alike_pairs().
CREATE OR REPLACE FUNCTION pgimport._is_opposite(
    p_left text,
    p_right text
)
RETURNS boolean
LANGUAGE plpgsql
IMMUTABLE
STRICT
PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $_is_opposite$
DECLARE
    c_pairs CONSTANT text[] := '{{min,max},{first,last},{start,end},{debut,fin},{from,until},
        {billing,shipping},{billing,delivery},{facturation,livraison},{debit,credit},{old,new},
        {ancien,nouve},{before,after},{avant,apres},{buy,sell},{achat,vente},{net,gross},
        {low,high},{home,work},{home,mobile},{work,mobile},{parent,child},{win,loss}}'::text[];
    v_first text;
    v_second text;
BEGIN
    FOR v_pair IN 1 .. array_length(c_pairs, 1) LOOP
        v_first := c_pairs[v_pair][1];
        v_second := c_pairs[v_pair][2];
        IF strpos(p_left, v_first) > 0 AND strpos(p_right, v_second) > 0 THEN
            RETURN strpos(p_left, v_second) = 0 AND strpos(p_right, v_first) = 0;
        ELSIF strpos(p_left, v_second) > 0 AND strpos(p_right, v_first) > 0 THEN
            RETURN strpos(p_left, v_first) = 0 AND strpos(p_right, v_second) = 0;
        END IF;
    END LOOP;
    RETURN false;
END
$_is_opposite$;

COMMENT ON FUNCTION pgimport._is_opposite(text, text) IS
'internal: whether two names of columns say the opposite of each other.';
