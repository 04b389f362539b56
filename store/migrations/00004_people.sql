-- What people do with what Steward says, what they say themselves, and what
-- comes back by mail.

-- +goose Up

-- Every act of a person, once: key is the same however often the channel tells
-- of it. refused says why one came to nothing.
CREATE TABLE acts (
  seq       INTEGER PRIMARY KEY AUTOINCREMENT,
  key       TEXT NOT NULL UNIQUE,
  verb      TEXT NOT NULL,
  at        BIGINT NOT NULL,
  by_owner  TEXT NOT NULL,
  by_name   TEXT NOT NULL,
  via       TEXT NOT NULL,
  account   TEXT NOT NULL,
  message   TEXT NOT NULL,
  enrolment TEXT NOT NULL,
  playbook  TEXT NOT NULL,
  choice    TEXT NOT NULL,
  words     TEXT NOT NULL,
  until     BIGINT NOT NULL,
  refused   TEXT NOT NULL,
  answer    TEXT NOT NULL                   -- what was said to whoever did it
);
CREATE INDEX acts_by_account ON acts (account, seq);
CREATE INDEX acts_by_enrolment ON acts (enrolment, seq) WHERE enrolment <> '';
CREATE INDEX acts_by_message ON acts (message, seq) WHERE message <> '';
CREATE INDEX acts_by_playbook ON acts (playbook, at) WHERE playbook <> '';

ALTER TABLE enrolments ADD COLUMN snoozed_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE enrolments ADD COLUMN snoozed_until BIGINT NOT NULL DEFAULT 0;
ALTER TABLE enrolments ADD COLUMN snoozed_for_change BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE enrolments ADD COLUMN snoozed_by TEXT NOT NULL DEFAULT '';
ALTER TABLE enrolments ADD COLUMN finished_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE enrolments ADD COLUMN finished_by TEXT NOT NULL DEFAULT '';
ALTER TABLE enrolments ADD COLUMN outcome TEXT NOT NULL DEFAULT '';
ALTER TABLE enrolments ADD COLUMN unhelpful TEXT NOT NULL DEFAULT '';
ALTER TABLE enrolments ADD COLUMN replied_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE enrolments ADD COLUMN started_by TEXT NOT NULL DEFAULT '';

-- Sent cards that do not show how things stand. wanted rises with each change;
-- painted is the wanted that the card was last drawn for.
CREATE TABLE edits (
  message  TEXT PRIMARY KEY REFERENCES messages (id),
  wanted   INTEGER NOT NULL,
  painted  INTEGER NOT NULL,
  due      BIGINT NOT NULL,
  attempts INTEGER NOT NULL,                -- since wanted last rose
  detail   TEXT NOT NULL                    -- what became of the last try
);
CREATE INDEX edits_due ON edits (due, message) WHERE painted < wanted;

-- What is not to be said for a while, by a person's word. Rows are kept.
CREATE TABLE silences (
  id             INTEGER PRIMARY KEY AUTOINCREMENT,
  account        TEXT NOT NULL,
  owner          TEXT NOT NULL,
  playbook       TEXT NOT NULL,
  condition      TEXT NOT NULL,
  from_at        BIGINT NOT NULL,
  until_at       BIGINT NOT NULL,
  until_resolved BOOLEAN NOT NULL,
  because        TEXT NOT NULL,
  by_whom        TEXT NOT NULL,
  by_owner       TEXT NOT NULL,             -- '' for somebody who is not in owners.yaml
  ended_at       BIGINT NOT NULL,
  ended_by       TEXT NOT NULL
);
CREATE INDEX silences_standing ON silences (id) WHERE ended_at = 0;

-- What a channel was given lately, for the limit on that.
CREATE INDEX messages_claimed ON messages (channel, claimed) WHERE claimed > 0;

-- How urgent a message is, by what it carries: of those that are due at one
-- moment the most urgent goes first, as there may not be room for all.
ALTER TABLE messages ADD COLUMN urgency DOUBLE PRECISION NOT NULL DEFAULT 0;
DROP INDEX messages_planned;
CREATE INDEX messages_planned ON messages (state, channel, due, urgency DESC, id) WHERE state = 'planned';

-- Why a digest carries an outreach; '' where a card of its own does.
ALTER TABLE outreach ADD COLUMN digested TEXT NOT NULL DEFAULT '';

-- What people said of rows, as facts. The newest of a row and field stands.
CREATE TABLE words (
  seq     INTEGER PRIMARY KEY AUTOINCREMENT,
  kind    TEXT NOT NULL,
  id      TEXT NOT NULL,
  account TEXT NOT NULL,
  field   TEXT NOT NULL,
  value   TEXT NOT NULL,                    -- JSON
  day     INTEGER NOT NULL,
  words   TEXT NOT NULL,
  by_whom TEXT NOT NULL,
  at      BIGINT NOT NULL,
  over_at BIGINT NOT NULL DEFAULT 0         -- when its source, or somebody, said something newer
);
CREATE INDEX words_of ON words (kind, id, field, seq);
CREATE INDEX words_standing ON words (seq) WHERE over_at = 0;
CREATE INDEX words_by_account ON words (account, seq);

-- What came back by mail, once. address is in lower case.
CREATE TABLE incoming (
  key     TEXT PRIMARY KEY,
  kind    TEXT NOT NULL,
  message TEXT NOT NULL,
  address TEXT NOT NULL,
  account TEXT NOT NULL,
  at      BIGINT NOT NULL,
  seen_at BIGINT NOT NULL,
  status  TEXT NOT NULL,
  detail  TEXT NOT NULL,
  back    INTEGER
);
CREATE INDEX incoming_by_message ON incoming (message) WHERE message <> '';
CREATE INDEX incoming_by_address ON incoming (address, at) WHERE address <> '';
CREATE INDEX incoming_by_account ON incoming (account, at) WHERE account <> '';
CREATE INDEX incoming_kinds ON incoming (kind, at);
CREATE INDEX incoming_away ON incoming (back) WHERE back IS NOT NULL;

-- Up to where mailboxes were read.
CREATE TABLE mailboxes (
  name     TEXT PRIMARY KEY,
  validity BIGINT NOT NULL,                 -- UIDVALIDITY
  uid      BIGINT NOT NULL                  -- the last one read
);

-- Of which kind a mail is, so that one click stops that kind; '' of other messages
-- and of mail from before there were kinds, of which one click stops all.
ALTER TABLE messages ADD COLUMN topic TEXT NOT NULL DEFAULT '';

-- Of which kinds of mail an address wants none, by a playbook's purpose. Addresses
-- that want none at all are suppressions.
CREATE TABLE preferences (
  address TEXT NOT NULL,                    -- lower case
  topic   TEXT NOT NULL,
  at      BIGINT NOT NULL,
  source  TEXT NOT NULL,
  PRIMARY KEY (address, topic)
);

-- Which card asks for the approval of which mail. veto is for how many seconds
-- after the card was heard the mail can be stopped, 0 where it waits for a word;
-- over tells that another card asks about it by now.
CREATE TABLE asks (
  mail TEXT NOT NULL REFERENCES messages (id),
  card TEXT NOT NULL REFERENCES messages (id),
  version INTEGER NOT NULL,                 -- of the mail's text
  veto BIGINT NOT NULL,
  over BOOLEAN NOT NULL,
  PRIMARY KEY (mail, card)
) WITHOUT ROWID;
CREATE INDEX asks_by_card ON asks (card);
INSERT INTO asks (mail, card, version, veto, over)
SELECT m.id, c.id, m.version, CASE WHEN m.veto > c.planned THEN m.veto - c.planned ELSE 0 END, c.version < m.version AND EXISTS (
  SELECT 1 FROM messages n WHERE n.for_message = m.id AND n.kind = 'approval' AND (n.planned, n.id) > (c.planned, c.id))
FROM messages c JOIN messages m ON m.id = c.for_message WHERE c.kind = 'approval';

-- What is known of one account, for its page: phases are kept by playbook.
CREATE INDEX phases_by_account ON phases (account);
