-- The history: events at positions without gaps, and the bytes they rest on.
CREATE TABLE $.book (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    last bigint NOT NULL DEFAULT 0,
    last_evidence bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 50);
INSERT INTO $.book DEFAULT VALUES;

CREATE TABLE $.stored_events (
    notification_id bigint PRIMARY KEY,
    originator_id text COLLATE "C" NOT NULL,
    originator_version bigint NOT NULL,
    topic text COLLATE "C" NOT NULL,
    state bytea NOT NULL,
    recorded_at bigint NOT NULL,
    company_id text COLLATE "C" NOT NULL
        GENERATED ALWAYS AS (split_part(originator_id, ':', 2)) STORED,
    partition smallint NOT NULL
        GENERATED ALWAYS AS (get_byte(sha256(
            split_part(originator_id, ':', 2)::bytea), 0) % 16) STORED,
    UNIQUE (originator_id, originator_version)
);
CREATE INDEX events_by_time ON $.stored_events (recorded_at);
CREATE INDEX events_by_company ON $.stored_events (company_id, notification_id)
    INCLUDE (topic);
CREATE INDEX events_by_partition ON $.stored_events (partition, notification_id);

CREATE TABLE $.evidence (
    seq bigint PRIMARY KEY,
    identity bytea NOT NULL,
    observed_at bigint,
    kind text COLLATE "C" NOT NULL,
    company_id text COLLATE "C",
    method text COLLATE "C" NOT NULL,
    url text COLLATE "C" NOT NULL,
    status bigint NOT NULL,
    headers text COLLATE "C" NOT NULL,
    request_body bytea,
    response_body bytea,
    recorded_at bigint NOT NULL,
    body_dropped boolean NOT NULL DEFAULT false,
    UNIQUE NULLS NOT DISTINCT (identity, observed_at)
);

CREATE TABLE $.bodies (
    digest bytea PRIMARY KEY,
    size bigint NOT NULL,
    content bytea NOT NULL
);
ALTER TABLE $.bodies ALTER COLUMN content SET STORAGE EXTERNAL;

CREATE TABLE $.leases (
    name text COLLATE "C" PRIMARY KEY,
    holder text COLLATE "C" NOT NULL,
    until bigint NOT NULL,
    done bigint
);

CREATE TABLE $.untrusted (
    seq bigint PRIMARY KEY,
    received_at bigint NOT NULL,
    reason text COLLATE "C" NOT NULL,
    headers text COLLATE "C" NOT NULL,
    body_bytes bigint NOT NULL,
    body_digest bytea NOT NULL,
    body bytea
);
