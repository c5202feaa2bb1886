-- The views, as of version 10 of what they hold. They can always be made anew.
DROP VIEW IF EXISTS $.causes;
DROP TABLE IF EXISTS $.items;
DROP TABLE IF EXISTS $.contents;
DROP TABLE IF EXISTS $.syncs;
DROP TABLE IF EXISTS $.datasets;
DROP TABLE IF EXISTS $.refused;
DROP TABLE IF EXISTS $.mended;
DROP TABLE IF EXISTS $.deliveries;
DROP TABLE IF EXISTS $.poisoned;
DROP TABLE IF EXISTS $.newest;
DROP TABLE IF EXISTS $.made_by;
DROP TABLE IF EXISTS $.tracking;

CREATE TABLE $.tracking (
    partition smallint PRIMARY KEY,
    position bigint NOT NULL
) WITH (fillfactor = 50);
INSERT INTO $.tracking SELECT partition, 0 FROM generate_series(0, 15) AS partition;

CREATE TABLE $.items (
    company_id text COLLATE "C" NOT NULL,
    transaction_id text COLLATE "C" NOT NULL,
    state text COLLATE "C" NOT NULL,
    kind text COLLATE "C",
    reason text COLLATE "C" NOT NULL,
    cause text COLLATE "C",
    owner text COLLATE "C",
    fingerprint text COLLATE "C",
    attempts bigint NOT NULL,
    expected bigint NOT NULL,
    broken_since text COLLATE "C",
    verdict text COLLATE "C" NOT NULL,
    stuck_after text COLLATE "C",
    stuck_kind text COLLATE "C",
    undecided text COLLATE "C",
    facts bytea NOT NULL,
    PRIMARY KEY (company_id, transaction_id)
);

CREATE TABLE $.contents (
    company_id text COLLATE "C" NOT NULL,
    transaction_id text COLLATE "C" NOT NULL,
    type text COLLATE "C",
    amount text COLLATE "C",
    currency text COLLATE "C",
    issue_date text COLLATE "C",
    merchant text COLLATE "C",
    reference text COLLATE "C",
    digest text COLLATE "C" NOT NULL,
    differs bigint NOT NULL,
    facts bytea NOT NULL,
    PRIMARY KEY (company_id, transaction_id)
);

CREATE TABLE $.syncs (
    company_id text COLLATE "C" NOT NULL,
    sync_id text COLLATE "C" NOT NULL,
    state text COLLATE "C" NOT NULL,
    status_code bigint,
    status text COLLATE "C",
    listing text COLLATE "C" NOT NULL,
    expected bigint NOT NULL,
    reported bigint NOT NULL,
    promised bigint,
    seen bigint,
    requested_at text COLLATE "C",
    ended_at text COLLATE "C",
    complete_at text COLLATE "C",
    facts bytea NOT NULL,
    context bytea NOT NULL,
    PRIMARY KEY (company_id, sync_id)
);

CREATE TABLE $.datasets (
    company_id text COLLATE "C" NOT NULL,
    dataset_id text COLLATE "C" NOT NULL,
    pushed_at text COLLATE "C",
    transactions bigint NOT NULL,
    facts bytea NOT NULL,
    PRIMARY KEY (company_id, dataset_id)
);

CREATE TABLE $.refused (
    company_id text COLLATE "C" NOT NULL,
    sync_id text COLLATE "C" NOT NULL,
    facts bytea NOT NULL,
    PRIMARY KEY (company_id, sync_id)
);

CREATE TABLE $.mended (
    company_id text COLLATE "C" NOT NULL,
    fingerprint text COLLATE "C" NOT NULL,
    facts bytea NOT NULL,
    PRIMARY KEY (company_id, fingerprint)
);

CREATE INDEX items_undecided ON $.items (company_id) WHERE undecided IS NOT NULL;

CREATE TABLE $.deliveries (
    delivery_id text COLLATE "C" NOT NULL,
    body_digest text COLLATE "C" NOT NULL,
    company_id text COLLATE "C" NOT NULL,
    sync_id text COLLATE "C" NOT NULL
);
-- An id is a header's, of any length: too long for an index of its own.
CREATE UNIQUE INDEX deliveries_by_id ON $.deliveries (md5(delivery_id), body_digest);

CREATE TABLE $.poisoned (position bigint PRIMARY KEY, reason text NOT NULL);

CREATE TABLE $.newest (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    at bigint NOT NULL
);

CREATE TABLE $.made_by (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    label text NOT NULL
);

CREATE VIEW $.causes AS
WITH broken AS (
    SELECT items.company_id, items.cause, items.fingerprint, items.owner,
           CASE WHEN items.cause IS NULL THEN items.kind END AS kind,
           items.broken_since, contents.currency,
           CASE WHEN (contents.currency IS NOT NULL OR contents.type = 'Transfer')
                 AND contents.amount ~ '^-?[0-9]{1,15}([.][0-9]{1,9})?$'
                THEN contents.amount::numeric END AS amount
      FROM $.items AS items
      LEFT JOIN $.contents AS contents USING (company_id, transaction_id)
     WHERE items.state = 'break'
)
SELECT company_id, cause, kind, fingerprint, owner, currency, count(*) AS items,
       count(*) - count(amount) AS unpriced,
       trim_scale(sum(amount))::text AS amount,
       min(broken_since) AS first_at, max(broken_since) AS last_at
  FROM broken
 GROUP BY company_id, cause, kind, fingerprint, owner, currency;
