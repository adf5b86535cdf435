-- Who may do what, which tables may be imported into, and the rules of their columns.

-- Rights given by pgimport.grant_usage(). Kept as rows so that every install and upgrade can give
-- them again to functions and tables that are new.
CREATE TABLE pgimport.role_grant (
    role_name text NOT NULL,
    level text NOT NULL,
    granted_at timestamptz NOT NULL DEFAULT now(),
    granted_by text NOT NULL DEFAULT current_user,
    CONSTRAINT role_grant_pkey PRIMARY KEY (role_name),
    CONSTRAINT role_grant_level_check CHECK (level IN ('viewer', 'importer', 'admin'))
);

COMMENT ON TABLE pgimport.role_grant IS
'Rights given with pgimport.grant_usage(); every install and upgrade applies them again.';

-- A registered table. Schema and table are stored as names and resolved at every use: a stored
-- regclass is dumped as a bare number once the table is gone.
CREATE TABLE pgimport.target (
    target_id bigint GENERATED ALWAYS AS IDENTITY,
    name text NOT NULL,
    schema_name text NOT NULL,
    table_name text NOT NULL,
    key_columns text[] NOT NULL,
    options jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by text NOT NULL DEFAULT current_user,
    dropped_at timestamptz,
    CONSTRAINT target_pkey PRIMARY KEY (target_id),
    CONSTRAINT target_name_check CHECK (name <> ''),
    CONSTRAINT target_key_columns_check CHECK (cardinality(key_columns) > 0),
    CONSTRAINT target_options_check CHECK (jsonb_typeof(options) = 'object')
);

CREATE UNIQUE INDEX target_name_key ON pgimport.target (name) WHERE dropped_at IS NULL;

COMMENT ON TABLE pgimport.target IS
'Tables registered for import. A dropped target keeps its row: jobs refer to it for ever.';

CREATE TABLE pgimport.target_column (
    target_id bigint NOT NULL,
    column_name text NOT NULL,
    rules jsonb NOT NULL DEFAULT '{}',
    CONSTRAINT target_column_pkey PRIMARY KEY (target_id, column_name),
    CONSTRAINT target_column_target_id_fkey
    FOREIGN KEY (target_id) REFERENCES pgimport.target (target_id) ON DELETE CASCADE,
    CONSTRAINT target_column_rules_check CHECK (jsonb_typeof(rules) = 'object')
);

COMMENT ON TABLE pgimport.target_column IS 'Rules given with pgimport.set_column().';

-- Mappings kept for files with the same header. Rows are added and deleted, never changed: the
-- newest one that a role may see is used. tenant null: for every tenant of the target.
CREATE TABLE pgimport.saved_mapping (
    mapping_id bigint GENERATED ALWAYS AS IDENTITY,
    target_id bigint NOT NULL,
    tenant text,
    -- sha256 of the names in their order, case, accents and signs left out
    fingerprint text NOT NULL,
    version integer NOT NULL,
    name text NOT NULL,
    header text[] NOT NULL,
    -- {"header": "column", null or a transform}
    mapping jsonb NOT NULL,
    owner_role text NOT NULL DEFAULT current_user,
    -- saved by an administrator: for all who import
    is_shared boolean NOT NULL DEFAULT false,
    saved_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT saved_mapping_pkey PRIMARY KEY (mapping_id),
    CONSTRAINT saved_mapping_target_id_fkey
    FOREIGN KEY (target_id) REFERENCES pgimport.target (target_id),
    CONSTRAINT saved_mapping_mapping_check CHECK (jsonb_typeof(mapping) = 'object')
);

CREATE INDEX saved_mapping_fingerprint_idx
ON pgimport.saved_mapping (target_id, fingerprint, mapping_id);

COMMENT ON TABLE pgimport.saved_mapping IS
'Mappings kept with pgimport.save_mapping(), one row a version, chosen by the header of a file.';
