package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"steward"
)

// Mails that wait for the approval of one person are asked about on one card, as
// long as that card has not been handed to its provider: sixteen reports of one
// morning are one card and not sixteen. Which card asks about which mail is kept
// here, and what the card says is written when it goes.

// asksMost is how many mails one card asks about: with a line and a menu each, as
// many as a card has room for.
const asksMost = 20

type askRow struct {
	Mail    steward.MessageID `db:"mail"`
	Card    steward.MessageID `db:"card"`
	Version int               `db:"version"`
	Veto    int64             `db:"veto"`
	Over    bool              `db:"over"`
}

// ask has a card ask about a mail: one that is on its way to the same person, else
// the card that comes with it. Cards that ask about an older text of it are over.
func ask(ctx context.Context, tx *sqlx.Tx, card steward.Message, mail steward.Message) error {
	into, err := joinable(ctx, tx, card)
	if err != nil {
		return err
	}
	if into == "" {
		if _, err := putMessage(ctx, tx, card); err != nil {
			return err
		}
		into = card.ID
	} else if _, err := tx.ExecContext(ctx, `UPDATE messages SET expires = MAX(expires, ?) WHERE id = ?`, seconds(card.Expires), into); err != nil {
		return err
	}
	var veto int64
	if !mail.Veto.IsZero() {
		veto = max(1, seconds(mail.Veto)-seconds(card.Planned))
	}
	if _, err := tx.ExecContext(ctx, `UPDATE asks SET over = TRUE WHERE mail = ? AND version < ?`, mail.ID, mail.Version); err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `
		INSERT INTO asks (mail, card, version, veto, over) VALUES (?, ?, ?, ?, FALSE)
		ON CONFLICT (mail, card) DO UPDATE SET version = excluded.version, veto = excluded.veto, over = FALSE`, mail.ID, into, mail.Version, veto)
	return err
}

// joinable is a card that asks the same person and that nobody has tried to send;
// "" where there is none with room.
func joinable(ctx context.Context, tx *sqlx.Tx, card steward.Message) (steward.MessageID, error) {
	to, err := jsonColumn(card.To)
	if err != nil {
		return "", err
	}
	var ids []steward.MessageID
	err = tx.SelectContext(ctx, &ids, joinableQuery, to, to, to, asksMost)
	if err != nil || len(ids) == 0 {
		return "", err
	}
	return ids[0], nil
}

const joinableQuery = `
	SELECT id FROM (
		SELECT id, planned FROM messages WHERE state = 'planned' AND kind = 'approval' AND attempts = 0 AND content IS NULL AND recipient = ?
		UNION ALL SELECT id, planned FROM messages WHERE state = 'enqueued' AND kind = 'approval' AND attempts = 0 AND content IS NULL AND recipient = ?
		UNION ALL SELECT id, planned FROM messages WHERE state = 'deferred' AND kind = 'approval' AND attempts = 0 AND content IS NULL AND recipient = ?
	) c WHERE (SELECT COUNT(*) FROM asks WHERE card = c.id) < ? ORDER BY planned, id LIMIT 1`

// closeAsked holds back a card that asks for nothing any more and was not sent:
// what it asked about a mail is decided, and no other mail on it waits. One that
// has yet to tell the owner of a mail that somebody else let go is not held back:
// the owner knows before their customer hears.
func closeAsked(ctx context.Context, tx *sqlx.Tx, mail steward.MessageID, reason steward.Reason, detail string, now time.Time) error {
	_, err := tx.ExecContext(ctx, `
		UPDATE messages SET state = 'suppressed', reason = ?, detail = ?, settled = ?
		WHERE id IN (SELECT card FROM asks WHERE mail = ?) AND state IN ('planned', 'enqueued', 'deferred') AND NOT EXISTS (
			SELECT 1 FROM asks a JOIN messages m ON m.id = a.mail
			WHERE a.card = messages.id AND NOT a.over AND (a.mail <> ? AND m.state = 'awaiting_approval'
				OR m.reason = 'approved' AND m.approved_by <> messages.owner AND json_extract(messages.recipient, '$.key') <> 'manager'))`,
		reason, detail, now.Unix(), mail, mail)
	return err
}

// untold tells that whoever looks after a mail's account has not been told of it:
// a card is on its way to them, or was lost, and it was not they who let it go.
// Where nobody could be asked there is nobody to tell.
func untold(ctx context.Context, tx *sqlx.Tx, m steward.Message) (bool, error) {
	if m.Kind != steward.Mail || m.Version == 0 {
		return false, nil
	}
	var cards []struct {
		State     steward.MessageState `db:"state"`
		Owner     string               `db:"owner"`
		Recipient string               `db:"recipient"`
	}
	if err := tx.SelectContext(ctx, &cards, `
		SELECT c.state, c.owner, c.recipient FROM asks a JOIN messages c ON c.id = a.card WHERE a.mail = ? AND NOT a.over`, m.ID); err != nil {
		return false, err
	}
	owners := false
	for _, c := range cards {
		to, err := jsonOf[steward.Recipient](c.Recipient, "recipient of a card")
		if err != nil {
			return false, err
		}
		if to.Key == "manager" {
			continue // who is asked in the owner's place
		}
		if c.State == steward.Sent || c.State == steward.Uncertain || c.Owner != "" && c.Owner == m.ApprovedBy {
			return false, nil
		}
		owners = true
	}
	return owners, nil
}

// startVeto counts the time to stop mails from when the card that asks about them
// was heard: silence of somebody who was not told yet lets nothing out.
func startVeto(ctx context.Context, tx *sqlx.Tx, card steward.MessageID, heard time.Time) error {
	_, err := tx.ExecContext(ctx, `
		UPDATE messages SET veto = ? + a.veto FROM asks a
		WHERE a.card = ? AND NOT a.over AND a.veto > 0 AND messages.id = a.mail AND messages.state = 'awaiting_approval'`, heard.Unix(), card)
	return err
}

// readAsked puts into dossiers of cards that ask for approval what they ask about,
// in the order in which it was planned.
func readAsked(ctx context.Context, tx *sqlx.Tx, dossiers map[steward.MessageID]steward.Dossier) error {
	var cards []steward.MessageID
	for id, d := range dossiers {
		if d.Message.Kind == steward.Approval {
			cards = append(cards, id)
		}
	}
	if len(cards) == 0 {
		return nil
	}
	in, err := jsonColumn(cards)
	if err != nil {
		return err
	}
	var rows []askRow
	if err := tx.SelectContext(ctx, &rows, `
		SELECT a.* FROM asks a JOIN messages m ON m.id = a.mail
		WHERE a.card IN (SELECT value FROM json_each(?)) ORDER BY m.planned, m.id`, in); err != nil {
		return err
	}
	mails := make([]steward.MessageID, len(rows))
	for i, r := range rows {
		mails[i] = r.Mail
	}
	found, err := readDossiers(ctx, tx, mails)
	if err != nil {
		return fmt.Errorf("read the mails that are asked about: %w", err)
	}
	for _, r := range rows {
		d := dossiers[r.Card]
		d.Asked = append(d.Asked, steward.Asked{Mail: found[r.Mail], Veto: time.Duration(r.Veto) * time.Second, Elsewhere: r.Over})
		dossiers[r.Card] = d
	}
	return nil
}
