-- The first schema: everything that is an identity or a ledger, because those
-- are what cannot be added later.
--
-- Times are whole seconds since 1970 in UTC, 0 for "none". Days are days since
-- 1970-01-01 in the workspace's calendar, NULL for "none". Maps, lists and
-- frozen content are JSON text. Nothing here relies on SQLite except WITHOUT
-- ROWID and AUTOINCREMENT, so that the Postgres schema is the same one.

-- +goose Up

-- What the sources said ------------------------------------------------------

CREATE TABLE sources (
  name             TEXT PRIMARY KEY,
  complete_through INTEGER,
  newest_day       INTEGER,
  imported_at      BIGINT NOT NULL,
  metrics          TEXT NOT NULL            -- JSON list of names
);

CREATE TABLE imports (
  id          INTEGER PRIMARY KEY AUTOINCREMENT,
  source      TEXT NOT NULL REFERENCES sources (name),
  at          BIGINT NOT NULL,
  line_count  INTEGER NOT NULL,             -- rows read, rejected ones too
  rejected    INTEGER NOT NULL,             -- all of them; import_rejects may hold fewer
  files       TEXT NOT NULL,                -- JSON list: path, size, time, hash
  summary     TEXT NOT NULL                 -- JSON: what it changed
);
CREATE INDEX imports_by_source ON imports (source, id);

CREATE TABLE import_rejects (
  import      INTEGER NOT NULL REFERENCES imports (id),
  n           INTEGER NOT NULL,
  file        TEXT NOT NULL,
  line        INTEGER NOT NULL,
  col         INTEGER NOT NULL,
  column_name TEXT NOT NULL,
  reason      TEXT NOT NULL,
  content     TEXT NOT NULL,
  warning     BOOLEAN NOT NULL,
  PRIMARY KEY (import, n)
);

-- Which source lists which row, and since which import it no longer does: two
-- sources may feed one account, and only the one that had it can lose it.
CREATE TABLE listings (
  source TEXT NOT NULL,
  kind   TEXT NOT NULL,
  id     TEXT NOT NULL,
  first_import INTEGER NOT NULL,
  import       INTEGER NOT NULL,            -- the last one that had it
  PRIMARY KEY (source, kind, id)
) WITHOUT ROWID;

-- gone_from is the source whose complete list no longer has the row; '' while
-- it is there. Rows are kept, because history hangs on them.
CREATE TABLE accounts (
  id               TEXT PRIMARY KEY,
  name             TEXT NOT NULL,
  parent           TEXT NOT NULL,
  status           TEXT NOT NULL,
  segment          TEXT NOT NULL,
  arr              DOUBLE PRECISION,
  currency         TEXT NOT NULL,
  owner            TEXT NOT NULL,
  start_date       INTEGER,
  renewal_date     INTEGER,
  stage            TEXT NOT NULL,
  escalation_level DOUBLE PRECISION,
  contact_policy   TEXT NOT NULL,
  test             BOOLEAN NOT NULL,
  more             TEXT NOT NULL,           -- JSON: fields the workspace declares
  gone_from        TEXT NOT NULL
);

-- No foreign key to accounts here and below: sources arrive in any order, and
-- a contract may be known before its account is.
CREATE TABLE contracts (
  id          TEXT PRIMARY KEY,
  account     TEXT NOT NULL,
  product     TEXT NOT NULL,
  start_date  INTEGER,
  end_date    INTEGER,
  notice_date INTEGER,
  amount      DOUBLE PRECISION,
  auto_renew  BOOLEAN NOT NULL,
  renewed     BOOLEAN NOT NULL,
  cancelled   BOOLEAN NOT NULL,
  more        TEXT NOT NULL,
  gone_from   TEXT NOT NULL
);
CREATE INDEX contracts_by_account ON contracts (account);

CREATE TABLE contacts (
  id        TEXT PRIMARY KEY,
  account   TEXT NOT NULL,
  name      TEXT NOT NULL,
  email     TEXT NOT NULL,
  roles     TEXT NOT NULL,                  -- JSON list
  locale    TEXT NOT NULL,
  last_seen INTEGER,
  gone_from TEXT NOT NULL
);
CREATE INDEX contacts_by_account ON contacts (account);

CREATE TABLE touches (
  id      TEXT PRIMARY KEY,
  account TEXT NOT NULL,
  contact TEXT NOT NULL,
  day     INTEGER,
  kind    TEXT NOT NULL,
  by_whom TEXT NOT NULL
);
CREATE INDEX touches_by_account ON touches (account, day);

-- What a field was from which day on. It cannot be recovered later.
CREATE TABLE field_history (
  kind  TEXT NOT NULL,
  id    TEXT NOT NULL,
  field TEXT NOT NULL,
  day   INTEGER NOT NULL,
  value TEXT NOT NULL,                      -- JSON; null where it became unknown
  PRIMARY KEY (kind, id, field, day)
) WITHOUT ROWID;

-- A whole daily series in one packed block: 50 times faster to read than a row
-- a day.
CREATE TABLE series (
  account TEXT NOT NULL,
  metric  TEXT NOT NULL,
  block   BLOB NOT NULL,
  PRIMARY KEY (account, metric)
) WITHOUT ROWID;

-- Who must not be brought back by an import. key is a salted hash: a list of
-- the forgotten would not be forgetting.
CREATE TABLE tombstones (
  kind TEXT NOT NULL,
  key  TEXT NOT NULL,
  at   BIGINT NOT NULL,
  PRIMARY KEY (kind, key)
);

-- What the engine remembers ---------------------------------------------------

CREATE TABLE playbook_versions (
  hash     TEXT PRIMARY KEY,
  playbook TEXT NOT NULL,
  content  TEXT NOT NULL,
  seen_at  BIGINT NOT NULL
);

CREATE TABLE playbook_state (
  playbook  TEXT PRIMARY KEY,
  version   TEXT NOT NULL,
  condition TEXT NOT NULL,
  baseline  BIGINT NOT NULL,
  slot      BIGINT NOT NULL,
  last_day  INTEGER,
  fault     TEXT NOT NULL
);

CREATE TABLE phases (
  playbook    TEXT NOT NULL,
  kind        TEXT NOT NULL,
  subject     TEXT NOT NULL,
  account     TEXT NOT NULL,
  phase       TEXT NOT NULL,
  episode     BIGINT NOT NULL,
  episode_day INTEGER,
  since       BIGINT NOT NULL,
  held        DOUBLE PRECISION NOT NULL,
  slot        BIGINT NOT NULL,
  frozen      TEXT NOT NULL,
  PRIMARY KEY (playbook, kind, subject)
) WITHOUT ROWID;

CREATE TABLE enrolments (
  id          TEXT PRIMARY KEY,
  playbook    TEXT NOT NULL,
  kind        TEXT NOT NULL,
  subject     TEXT NOT NULL,
  account     TEXT NOT NULL,
  episode     BIGINT NOT NULL,
  state       TEXT NOT NULL,
  reason      TEXT NOT NULL,
  arm         TEXT NOT NULL,
  version     TEXT NOT NULL,
  episode_day INTEGER,
  frozen      TEXT NOT NULL,
  evidence    TEXT NOT NULL,
  opened_at   BIGINT NOT NULL,
  ended_at    BIGINT NOT NULL,
  step        INTEGER NOT NULL,
  step_since  BIGINT NOT NULL,
  due         BIGINT NOT NULL,
  acked_at    BIGINT NOT NULL,
  acked_by    TEXT NOT NULL,
  rev         INTEGER NOT NULL,
  changed_at  BIGINT NOT NULL               -- when it was last written
);
-- A subject is in a playbook once at a time, whatever the engine believes.
CREATE UNIQUE INDEX enrolments_one_open ON enrolments (playbook, kind, subject)
  WHERE state IN ('quarantined', 'active', 'waiting');
CREATE INDEX enrolments_due ON enrolments (state, due);
CREATE INDEX enrolments_by_subject ON enrolments (playbook, kind, subject, ended_at);
CREATE INDEX enrolments_by_account ON enrolments (account, opened_at);

-- What is said ------------------------------------------------------------------

CREATE TABLE messages (
  id              TEXT PRIMARY KEY,
  kind            TEXT NOT NULL,
  channel         TEXT NOT NULL,
  recipient       TEXT NOT NULL,            -- JSON
  owner           TEXT NOT NULL,            -- recipient's owner, to find by
  address         TEXT NOT NULL,            -- recipient's e-mail in lower case, to find by
  account         TEXT NOT NULL,
  state           TEXT NOT NULL,
  epoch           INTEGER NOT NULL,
  due             BIGINT NOT NULL,
  expires         BIGINT NOT NULL,
  lease           BIGINT NOT NULL,
  attempts        INTEGER NOT NULL,
  reason          TEXT NOT NULL,
  detail          TEXT NOT NULL,
  content         TEXT,                     -- JSON; NULL until frozen
  version         INTEGER NOT NULL,
  hash            TEXT NOT NULL,
  approvers       TEXT NOT NULL,            -- JSON list
  veto            BIGINT NOT NULL,
  approved_by     TEXT NOT NULL,
  for_message     TEXT NOT NULL,
  retry_uncertain BOOLEAN NOT NULL,
  ref             TEXT NOT NULL,
  planned         BIGINT NOT NULL,
  settled         BIGINT NOT NULL,
  enqueued_at     BIGINT NOT NULL
);
CREATE INDEX messages_due ON messages (state, due);
CREATE INDEX messages_by_account ON messages (account, planned);
CREATE INDEX messages_by_owner ON messages (owner, planned);
CREATE INDEX messages_by_address ON messages (address, planned);
CREATE INDEX messages_by_planned ON messages (planned);
CREATE INDEX messages_for ON messages (for_message);

CREATE TABLE outreach (
  id         TEXT PRIMARY KEY,
  enrolment  TEXT NOT NULL REFERENCES enrolments (id),
  playbook   TEXT NOT NULL,
  kind       TEXT NOT NULL,
  subject    TEXT NOT NULL,
  account    TEXT NOT NULL,
  step       TEXT NOT NULL,
  occurrence TEXT NOT NULL,
  recipient  TEXT NOT NULL,                 -- JSON
  message    TEXT REFERENCES messages (id), -- NULL when a gate suppressed it at planning
  wording    TEXT NOT NULL,
  severity   TEXT NOT NULL,
  priority   DOUBLE PRECISION,
  planned    BIGINT NOT NULL,
  suppressed TEXT NOT NULL
);
CREATE INDEX outreach_by_enrolment ON outreach (enrolment);
CREATE INDEX outreach_by_message ON outreach (message);

CREATE TABLE attempts (
  message TEXT NOT NULL REFERENCES messages (id),
  n       INTEGER NOT NULL,
  epoch   INTEGER NOT NULL,
  started BIGINT NOT NULL,
  ended   BIGINT NOT NULL,
  outcome TEXT NOT NULL,                    -- '' while the provider is being called
  reason  TEXT NOT NULL,
  detail  TEXT NOT NULL,
  ref     TEXT NOT NULL,
  counted BOOLEAN NOT NULL,
  PRIMARY KEY (message, n)
) WITHOUT ROWID;

-- Every decision, also the decision not to. key is a hash of the row, so that
-- a replay writes none twice.
CREATE TABLE records (
  seq       INTEGER PRIMARY KEY AUTOINCREMENT,
  key       TEXT NOT NULL UNIQUE,
  at        BIGINT NOT NULL,
  playbook  TEXT NOT NULL,
  kind      TEXT NOT NULL,
  subject   TEXT NOT NULL,
  account   TEXT NOT NULL,
  enrolment TEXT NOT NULL,
  outreach  TEXT NOT NULL,
  message   TEXT NOT NULL,
  step      TEXT NOT NULL,
  effect    TEXT NOT NULL,
  reason    TEXT NOT NULL,
  detail    TEXT NOT NULL,
  until     BIGINT NOT NULL
);
CREATE INDEX records_by_enrolment ON records (enrolment, seq);
CREATE INDEX records_by_account ON records (account, seq);
CREATE INDEX records_by_message ON records (message, seq);
CREATE INDEX records_by_playbook ON records (playbook, seq);

CREATE TABLE suppressions (
  address TEXT PRIMARY KEY,                 -- lower case
  reason  TEXT NOT NULL,
  source  TEXT NOT NULL,
  at      BIGINT NOT NULL
);

CREATE TABLE notices (
  key     TEXT PRIMARY KEY,
  message TEXT NOT NULL REFERENCES messages (id),
  at      BIGINT NOT NULL
);

-- Upkeep ------------------------------------------------------------------------

CREATE TABLE job_runs (
  job         TEXT NOT NULL,
  slot        BIGINT NOT NULL,
  state       TEXT NOT NULL,                -- running, done, failed, abandoned
  term        INTEGER NOT NULL,
  lease_until BIGINT NOT NULL,
  started     BIGINT NOT NULL,
  finished    BIGINT NOT NULL,
  error       TEXT NOT NULL,
  summary     TEXT NOT NULL,                -- JSON
  PRIMARY KEY (job, slot)
);

CREATE TABLE pause (
  id     INTEGER PRIMARY KEY CHECK (id = 1),
  at     BIGINT NOT NULL,
  by_whom TEXT NOT NULL,
  reason TEXT NOT NULL
);

CREATE TABLE keys (
  name  TEXT PRIMARY KEY,
  value TEXT NOT NULL
);
