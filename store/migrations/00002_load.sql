-- What is under way is little and is looked for each minute; what is over is
-- much and is listed now and then. So each state that is not settled has a
-- small index of its own, in the order in which it is worked on, and a million
-- settled messages weigh nothing on the minute's work.
--
-- The state stands first in them although it is always the same: an equality
-- that SQLite, which keeps no statistics here, prefers to reading everything
-- in the order that was asked for. Conditions are written as OR, not IN, so
-- that it sees that a query for one of the states is covered.

-- +goose Up

DROP INDEX messages_due;
CREATE INDEX messages_awaiting ON messages (state, planned DESC, id) WHERE state = 'awaiting_approval';
CREATE INDEX messages_planned ON messages (state, channel, due, id) WHERE state = 'planned';
CREATE INDEX messages_enqueued ON messages (state, enqueued_at, id, channel) WHERE state = 'enqueued';
CREATE INDEX messages_sending ON messages (state, lease, id) WHERE state = 'sending';
CREATE INDEX messages_deferred ON messages (state, due, id) WHERE state = 'deferred';
CREATE INDEX messages_settled ON messages (state, planned DESC, id)
  WHERE state = 'sent' OR state = 'uncertain' OR state = 'failed' OR state = 'suppressed' OR state = 'expired';

-- With the id, because one run plans thousands at one instant: the newest fifty
-- are then read in order, and not sorted out of all of them.
DROP INDEX messages_by_planned;
CREATE INDEX messages_by_planned ON messages (planned DESC, id);
DROP INDEX messages_by_account;
CREATE INDEX messages_by_account ON messages (account, planned DESC, id);
DROP INDEX messages_by_owner;
CREATE INDEX messages_by_owner ON messages (owner, planned DESC, id);
-- Most messages are cards, which have no address.
DROP INDEX messages_by_address;
CREATE INDEX messages_by_address ON messages (address, planned) WHERE address <> '';

DROP INDEX enrolments_due;
CREATE INDEX enrolments_open ON enrolments (state, due, changed_at, id)
  WHERE state = 'quarantined' OR state = 'active' OR state = 'waiting';
-- In the order in which the newest of each subject is looked for, and with the
-- state, so that counting them reads no rows.
DROP INDEX enrolments_by_subject;
CREATE INDEX enrolments_ended ON enrolments (playbook, kind, subject, ended_at, id, state)
  WHERE state = 'completed' OR state = 'exited' OR state = 'failed';
CREATE INDEX enrolments_by_playbook ON enrolments (playbook, opened_at DESC, id);
DROP INDEX enrolments_by_account;
CREATE INDEX enrolments_by_account ON enrolments (account, opened_at DESC, id);

-- The decisions about one enrolment or message are few among those of its
-- account, and every index is written with each decision.
DROP INDEX records_by_playbook;
DROP INDEX records_by_enrolment;
DROP INDEX records_by_message;

-- The task that carries a message, to ask the queue whether it still does.
ALTER TABLE messages ADD COLUMN task TEXT NOT NULL DEFAULT '';
