package store

import (
	"context"

	"github.com/jmoiron/sqlx"

	"steward"
)

// threadsQuery is the cards that were sent before about the enrolments that
// messages carry something of, earliest first.
const threadsQuery = `
	SELECT o.message, o.enrolment, f.ref, f.recipient
	FROM json_each(?) i CROSS JOIN messages m ON m.id = i.value CROSS JOIN outreach o ON o.message = m.id
	CROSS JOIN outreach p ON p.enrolment = o.enrolment CROSS JOIN messages f ON f.id = p.message
	WHERE m.kind = 'card' AND f.kind = 'card' AND f.id <> m.id AND f.planned < m.planned AND f.ref <> '' AND (f.state = 'sent' OR f.state = 'uncertain')
	ORDER BY f.planned, f.id`

// threadsOf is, of cards that follow up on one that went to the same addressee,
// that card, as its provider names it. A card that says something else as well
// stands by itself, as does one that follows up on several: nobody would look for
// it in another one's thread. So the first card about something never is in one.
func threadsOf(ctx context.Context, tx *sqlx.Tx, messages []steward.Message, carried map[steward.MessageID][]steward.Outreach) (map[steward.MessageID]string, error) {
	var cards []steward.MessageID
	for _, m := range messages {
		if m.Kind == steward.Card {
			cards = append(cards, m.ID)
		}
	}
	if len(cards) == 0 {
		return nil, nil
	}
	in, err := jsonColumn(cards)
	if err != nil {
		return nil, err
	}
	var rows []struct {
		Message   steward.MessageID   `db:"message"`
		Enrolment steward.EnrolmentID `db:"enrolment"`
		Ref       string              `db:"ref"`
		Recipient string              `db:"recipient"`
	}
	if err := tx.SelectContext(ctx, &rows, threadsQuery, in); err != nil || len(rows) == 0 {
		return nil, err
	}
	type about struct {
		message   steward.MessageID
		enrolment steward.EnrolmentID
	}
	first := map[about]string{}
	to := map[steward.MessageID]steward.Recipient{}
	for _, m := range messages {
		to[m.ID] = m.To
	}
	for _, r := range rows {
		was, err := jsonOf[steward.Recipient](r.Recipient, "recipient")
		if err != nil {
			return nil, err
		}
		key := about{r.Message, r.Enrolment}
		if _, known := first[key]; !known && was.Owner == to[r.Message].Owner && was.Slack == to[r.Message].Slack {
			first[key] = r.Ref
		}
	}
	out := map[steward.MessageID]string{}
	for _, id := range cards {
		thread := ""
		for i, o := range carried[id] {
			ref := first[about{id, o.Enrolment}]
			if i > 0 && ref != thread {
				ref = ""
			}
			if thread = ref; thread == "" {
				break
			}
		}
		if thread != "" {
			out[id] = thread
		}
	}
	return out, nil
}
