-- What people, support and the journey are judged by, and what Steward learns.

-- +goose Up

-- More of what the sources said -----------------------------------------------

-- kinds is which kinds of row the source has ever had a file of, as a JSON list
-- such as ["accounts", "tickets"]: no ticket means no tickets only where somebody
-- would have told.
ALTER TABLE sources ADD COLUMN kinds TEXT NOT NULL DEFAULT '[]';

CREATE TABLE products (
  id         TEXT PRIMARY KEY,
  account    TEXT NOT NULL,
  name       TEXT NOT NULL,
  plan       TEXT NOT NULL,
  seats      DOUBLE PRECISION,
  start_date INTEGER,
  end_date   INTEGER,
  features   TEXT NOT NULL,                 -- JSON list
  more       TEXT NOT NULL,                 -- JSON: fields the workspace declares
  gone_from  TEXT NOT NULL
);
CREATE INDEX products_by_account ON products (account);

-- What happened on a day is a fact of its own and has no history: rows of the
-- tables below are as they stand, and one that a complete list leaves out is
-- removed. A ticket that it leaves out was closed.
CREATE TABLE tickets (
  id       TEXT PRIMARY KEY,
  account  TEXT NOT NULL,
  contact  TEXT NOT NULL,
  priority TEXT NOT NULL,
  opened   INTEGER,
  closed   INTEGER                          -- NULL while it is open
);
CREATE INDEX tickets_by_account ON tickets (account);

CREATE TABLE surveys (
  id      TEXT PRIMARY KEY,
  account TEXT NOT NULL,
  contact TEXT NOT NULL,
  kind    TEXT NOT NULL,
  day     INTEGER,
  score   DOUBLE PRECISION NOT NULL
);
CREATE INDEX surveys_by_account ON surveys (account);

CREATE TABLE objectives (
  id       TEXT PRIMARY KEY,
  account  TEXT NOT NULL,
  name     TEXT NOT NULL,
  metric   TEXT NOT NULL,
  baseline DOUBLE PRECISION,
  target   DOUBLE PRECISION,
  due      INTEGER,
  agreed   TEXT NOT NULL                    -- the contact it was agreed with
);
CREATE INDEX objectives_by_account ON objectives (account);

CREATE TABLE milestones (
  id      TEXT PRIMARY KEY,                 -- made of account and name
  account TEXT NOT NULL,
  name    TEXT NOT NULL,
  day     INTEGER
);
CREATE INDEX milestones_by_account ON milestones (account);

-- A row that is gone has no fields any more: its history says since when. Until
-- now it did not, so what is gone is taken to be so since the first import after
-- the last one that had it.
INSERT INTO field_history (kind, id, field, day, value)
SELECT g.kind, g.id, h.field,
  COALESCE((SELECT MIN(i.at) / 86400 FROM imports i WHERE i.source = g.source AND i.id > g.import), MAX(h.day) + 1), 'null'
FROM field_history h
JOIN (
  SELECT l.kind, l.id, l.source, l.import FROM listings l JOIN accounts a ON l.kind = 'account' AND a.id = l.id AND a.gone_from = l.source
  UNION ALL
  SELECT l.kind, l.id, l.source, l.import FROM listings l JOIN contracts a ON l.kind = 'contract' AND a.id = l.id AND a.gone_from = l.source
  UNION ALL
  SELECT l.kind, l.id, l.source, l.import FROM listings l JOIN contacts a ON l.kind = 'contact' AND a.id = l.id AND a.gone_from = l.source
) g ON g.kind = h.kind AND g.id = h.id
GROUP BY g.kind, g.id, h.field, g.source, g.import
ON CONFLICT (kind, id, field, day) DO UPDATE SET value = excluded.value;

-- The roles of contacts are kept as the language reads them: "[\"admin\",\"champion\"]"
-- is now "admin, champion".
UPDATE field_history SET field = 'role', value = REPLACE(REPLACE(REPLACE(value, '[\"', ''), '\"]', ''), '\",\"', ', ')
WHERE kind = 'contact' AND field = 'roles';

-- later is whether a value came after the row's first day. Of what a row was at
-- first, nothing is asked but since when it is known; so the past of a portfolio
-- is read without most of this table.
ALTER TABLE field_history ADD COLUMN later BOOLEAN NOT NULL DEFAULT TRUE;
UPDATE field_history SET later = day > (SELECT MIN(h.day) FROM field_history h WHERE h.kind = field_history.kind AND h.id = field_history.id);
CREATE INDEX field_history_later ON field_history (kind, id, field) WHERE later;
-- Every row has one of these on its first day.
INSERT INTO field_history (kind, id, field, day, value, later)
SELECT 'account', id, 'id', MIN(day), '"' || REPLACE(REPLACE(id, '\', '\\'), '"', '\"') || '"', FALSE FROM field_history WHERE kind = 'account' GROUP BY id;
CREATE INDEX field_history_first ON field_history (kind, id, day) WHERE field = 'id' OR field = 'account';

-- What Steward itself did -------------------------------------------------------

-- When a person let go what was held; 0 for what never was. What is held has
-- not begun, and so has no step_since.
ALTER TABLE enrolments ADD COLUMN released_at BIGINT NOT NULL DEFAULT 0;
UPDATE enrolments SET released_at = COALESCE((SELECT MIN(r.at) FROM records r WHERE r.account = enrolments.account AND r.enrolment = enrolments.id AND r.reason = 'released'), 0)
WHERE id IN (SELECT enrolment FROM records WHERE reason = 'released');

-- What was opened and mailed since a day, read without what it was about.
CREATE INDEX enrolments_opened ON enrolments (opened_at, account, playbook, released_at) WHERE step_since > 0;
CREATE INDEX messages_mailed ON messages (settled, account)
  WHERE kind = 'mail' AND (state = 'sent' OR state = 'uncertain');

-- Who a pool's card was taken on by, and in whose name a mail goes: when that
-- changes, the mail is approved anew.
ALTER TABLE enrolments ADD COLUMN claimed_by TEXT NOT NULL DEFAULT '';
ALTER TABLE messages ADD COLUMN sender TEXT NOT NULL DEFAULT '';
UPDATE messages SET sender = COALESCE((SELECT owner FROM accounts WHERE accounts.id = messages.account), '')
  WHERE kind = 'mail' AND settled = 0;

-- When a message was last taken to be sent: what limits count by. Of those that
-- went before, it is when they were settled.
ALTER TABLE messages ADD COLUMN claimed BIGINT NOT NULL DEFAULT 0;
UPDATE messages SET claimed = settled WHERE state IN ('sent', 'uncertain');
CREATE INDEX messages_claimed_by_owner ON messages (owner, claimed) WHERE claimed > 0;
CREATE INDEX messages_claimed_by_address ON messages (address, claimed) WHERE claimed > 0;
CREATE INDEX messages_claimed_by_account ON messages (account, claimed) WHERE claimed > 0;

-- What playbooks can say ----------------------------------------------------------

-- When the goal was first seen reached; 0 while it is not.
ALTER TABLE enrolments ADD COLUMN goal_at BIGINT NOT NULL DEFAULT 0;

-- occurrence is the newest moment of a rhythm that was dealt with; pilot and
-- pilot_since name the pilot whose measures were frozen last; drawn_as is the
-- name by which holdouts are drawn, where it is not the playbook's own.
ALTER TABLE playbook_state ADD COLUMN occurrence BIGINT NOT NULL DEFAULT 0;
ALTER TABLE playbook_state ADD COLUMN pilot TEXT NOT NULL DEFAULT '';
ALTER TABLE playbook_state ADD COLUMN pilot_since BIGINT NOT NULL DEFAULT 0;
ALTER TABLE playbook_state ADD COLUMN drawn_as TEXT NOT NULL DEFAULT '';

-- What each subject of a playbook's audience measured when its pilot began.
CREATE TABLE pilot_starts (
  playbook TEXT NOT NULL,
  kind     TEXT NOT NULL,
  subject  TEXT NOT NULL,
  account  TEXT NOT NULL,
  pilot    TEXT NOT NULL,
  slot     BIGINT NOT NULL,
  inside   BOOLEAN NOT NULL,                -- in the pilot, or of the rest
  value    DOUBLE PRECISION,                -- NULL where it was not known
  PRIMARY KEY (playbook, kind, subject)
);

-- What else goes on about an account, asked before anything is sent.
CREATE INDEX enrolments_afoot ON enrolments (account, playbook) WHERE state = 'active' OR state = 'waiting';
CREATE INDEX phases_firing ON phases (account, playbook) WHERE phase = 'firing';

-- What people say of accounts' health ---------------------------------------------

-- A person's word stands in place of the score from its first day to its last,
-- unless it is taken back; of several the one said last. Rows are kept.
CREATE TABLE health_overrides (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  account    TEXT NOT NULL,
  health     DOUBLE PRECISION NOT NULL,
  from_day   INTEGER NOT NULL,
  until_day  INTEGER NOT NULL,
  because    TEXT NOT NULL,
  by_whom    TEXT NOT NULL,
  at         BIGINT NOT NULL,
  cleared    INTEGER,                       -- the day from which on it was taken back
  cleared_by TEXT NOT NULL DEFAULT ''
);

-- What somebody is to do ------------------------------------------------------------

-- A task has the id of the outreach that gave it.
CREATE TABLE tasks (
  id        TEXT PRIMARY KEY,
  enrolment TEXT NOT NULL REFERENCES enrolments (id),
  playbook  TEXT NOT NULL,
  kind      TEXT NOT NULL,
  subject   TEXT NOT NULL,
  account   TEXT NOT NULL,
  step      TEXT NOT NULL,
  owner     TEXT NOT NULL,
  name      TEXT NOT NULL,                  -- the person's or the channel's
  addressee TEXT NOT NULL,                  -- owner or manager, as the playbook has it
  title     TEXT NOT NULL,
  due       INTEGER,                        -- NULL for no day
  given     BIGINT NOT NULL,
  state     TEXT NOT NULL,                  -- open, done, dropped
  outcome   TEXT NOT NULL,
  reason    TEXT NOT NULL,                  -- why it was dropped
  by_whom   TEXT NOT NULL,
  at        BIGINT NOT NULL                 -- when it was done or dropped
);
CREATE INDEX tasks_open ON tasks (state, due, id) WHERE state = 'open';
CREATE INDEX tasks_by_enrolment ON tasks (enrolment, state);
CREATE INDEX tasks_by_account ON tasks (account, state);
CREATE INDEX tasks_by_owner ON tasks (owner, state);

-- When the last of an enrolment's tasks was done; 0 while one is open. assignment
-- is what an outreach asks somebody to do, as JSON; '' where it only tells.
ALTER TABLE enrolments ADD COLUMN done_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE outreach ADD COLUMN assignment TEXT NOT NULL DEFAULT '';
