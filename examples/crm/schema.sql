-- Companies, people, opportunities, tasks and notes of teams, as they are without pgimport.

CREATE SCHEMA crm;

CREATE TABLE crm.company (
    id bigint GENERATED ALWAYS AS IDENTITY,
    team text NOT NULL,
    name text NOT NULL,
    website text,
    employees integer CHECK (employees > 0),
    CONSTRAINT company_pkey PRIMARY KEY (id),
    CONSTRAINT company_team_name_key UNIQUE (team, name)
);

CREATE TABLE crm.person (
    id bigint GENERATED ALWAYS AS IDENTITY,
    team text NOT NULL,
    email text NOT NULL,
    name text,
    company_id bigint,
    CONSTRAINT person_pkey PRIMARY KEY (id),
    CONSTRAINT person_team_email_key UNIQUE (team, email),
    CONSTRAINT person_company_id_fkey FOREIGN KEY (company_id) REFERENCES crm.company (id)
);

CREATE INDEX person_company_id_idx ON crm.person (company_id);

CREATE TABLE crm.opportunity (
    id bigint GENERATED ALWAYS AS IDENTITY,
    team text NOT NULL,
    reference text NOT NULL,
    company_id bigint,
    amount numeric(14, 2),
    stage text NOT NULL DEFAULT 'new' CHECK (stage IN ('new', 'won', 'lost')),
    CONSTRAINT opportunity_pkey PRIMARY KEY (id),
    CONSTRAINT opportunity_team_reference_key UNIQUE (team, reference),
    CONSTRAINT opportunity_company_id_fkey FOREIGN KEY (company_id) REFERENCES crm.company (id)
);

CREATE INDEX opportunity_company_id_idx ON crm.opportunity (company_id);

CREATE TABLE crm.task (
    id bigint GENERATED ALWAYS AS IDENTITY,
    team text NOT NULL,
    reference text NOT NULL,
    title text NOT NULL,
    due_on date,
    CONSTRAINT task_pkey PRIMARY KEY (id),
    CONSTRAINT task_team_reference_key UNIQUE (team, reference)
);

CREATE TABLE crm.note (
    id bigint GENERATED ALWAYS AS IDENTITY,
    team text NOT NULL,
    person_id bigint,
    body text NOT NULL,
    CONSTRAINT note_pkey PRIMARY KEY (id),
    CONSTRAINT note_person_id_fkey FOREIGN KEY (person_id) REFERENCES crm.person (id)
);

CREATE INDEX note_person_id_idx ON crm.note (person_id);
