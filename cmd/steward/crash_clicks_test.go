package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"steward"
	"steward/notify/notifytest"
	"steward/store"
)

// What people press in Slack while the worker is killed: it acts once, is never
// lost once Slack was told that it is taken, and shows on the card in the end.

// crashSigning signs what Slack tells of.
const crashSigning = "8f742231b10e8888abcd99yyyzzz85a5"

// A pressed is a click that Slack was told is taken.
type pressed struct {
	message steward.MessageID // that it is about: the card, or the mail that it asks about
	verb    steward.Verb
	user    string
}

// who is a person's Slack id, as owners.yaml has it; "" for those who would have
// to be looked up: of them, while Slack misbehaves, a click is answered with the
// request to try again.
func (h *history) who(to steward.Recipient) string {
	return map[steward.OwnerID]string{"dana": "U0DANA", "sam": "U00SAM", "ines": "U00INES"}[to.Owner]
}

// presses clicks on a card until what it is for has come about. People press again
// when Slack tells them that it did not work.
func (h *history) presses(id, about steward.MessageID, verb steward.Verb, user, label, option string, done func(context.Context, *store.DB) (bool, error)) action {
	return func() bool {
		at := h.address("public")
		if at == "" {
			return false
		}
		h.slack.SetInbound(notifytest.Inbound{Callbacks: "http://" + at, Secret: crashSigning, Times: 1 + h.r.IntN(3)})
		for _, p := range h.slack.Posts() {
			if p.ID != string(id) {
				continue
			}
			told, err := h.slack.Press(notifytest.Click{User: user, Channel: p.Channel, TS: p.TS, Label: label, Option: option})
			if err == nil && told.Taken {
				h.pressed = append(h.pressed, pressed{about, verb, user})
				h.table.clicks++
				if verb == steward.VerbApprove {
					h.table.approvals++
				}
			} else if err == nil {
				h.table.unheard++
			}
		}
		is := false
		h.read(func(ctx context.Context, db *store.DB) (err error) {
			is, err = done(ctx, db)
			return err
		})
		return is
	}
}

// approves lets a mail go: with the button of the card that asks about it, where
// somebody has it before them, else by a command.
func (h *history) approves(id steward.MessageID, click bool) action {
	card, user := steward.MessageID(""), ""
	if click {
		card, user = h.askedOn(id)
	}
	if card == "" {
		return h.decides(id, "approve", string(id))
	}
	return h.presses(card, id, steward.VerbApprove, user, "Approve", "", func(ctx context.Context, db *store.DB) (bool, error) {
		m, err := db.Message(ctx, string(id))
		return m.State != steward.AwaitingApproval, err
	})
}

// askedOn is the card in Slack that asks about a mail and about nothing else, and
// who has it; "" where there is none.
func (h *history) askedOn(id steward.MessageID) (card steward.MessageID, user string) {
	h.Helper()
	var sent []steward.Message
	h.read(func(ctx context.Context, db *store.DB) (err error) {
		sent, _, err = db.Messages(ctx, store.MessageFilter{State: steward.Sent, Kind: steward.Approval})
		return err
	})
	for _, m := range sent {
		for _, p := range h.slack.Posts() {
			if p.ID == string(m.ID) && m.For == id && h.who(m.To) != "" && strings.Count(string(p.Blocks), `"text":"Approve"`) == 1 {
				return m.ID, h.who(m.To)
			}
		}
	}
	return "", ""
}

// clicks is what people do on this day about the cards before them.
func (h *history) clicks() []action {
	h.Helper()
	var out []action
	h.read(func(ctx context.Context, db *store.DB) error {
		sent, carries, err := db.Messages(ctx, store.MessageFilter{State: steward.Sent, Kind: steward.Card})
		if err != nil {
			return err
		}
		slices.SortFunc(sent, func(a, b steward.Message) int { return strings.Compare(string(a.ID), string(b.ID)) })
		for _, m := range sent {
			user := h.who(m.To)
			if user == "" || len(carries[m.ID]) != 1 || h.asked[string(m.ID)] {
				continue
			}
			e, err := db.Enrolment(ctx, string(carries[m.ID][0].Enrolment))
			if err != nil {
				return err
			}
			if !e.State.Open() || h.asked[string(e.ID)] {
				continue
			}
			c := h.world.chance("presses", string(e.ID))
			if c > 0.6 || !e.AckedAt.IsZero() || carries[m.ID][0].Assignment != nil {
				continue
			}
			h.asked[string(m.ID)], h.asked[string(e.ID)] = true, true
			enrolment := func(is func(steward.Enrolment) bool) func(context.Context, *store.DB) (bool, error) {
				return func(ctx context.Context, db *store.DB) (bool, error) {
					e, err := db.Enrolment(ctx, string(e.ID))
					return is(e), err
				}
			}
			switch {
			case c < 0.3:
				out = append(out, h.presses(m.ID, m.ID, steward.VerbTake, user, "Take it", "", enrolment(func(e steward.Enrolment) bool { return !e.AckedAt.IsZero() })))
			case c < 0.45:
				out = append(out, h.presses(m.ID, m.ID, steward.VerbSnooze, user, "Snooze", "For a week", enrolment(func(e steward.Enrolment) bool { return !e.SnoozedUntil.IsZero() })))
			default:
				out = append(out, h.presses(m.ID, m.ID, steward.VerbNotUseful, user, "Not useful", "False alarm", enrolment(func(e steward.Enrolment) bool { return e.Unhelpful != "" })))
			}
		}
		return nil
	})
	return out
}

// checkClicks: what Slack was told is taken is on record, and nothing is that
// nobody pressed.
func (h *history) checkClicks() {
	h.Helper()
	var acts []steward.Act
	var edits []steward.Edit
	h.read(func(ctx context.Context, db *store.DB) (err error) {
		if acts, err = db.Acts(ctx, store.ActFilter{}); err != nil {
			return err
		}
		edits, err = db.DueEdits(ctx, h.clock.AddDate(1, 0, 0), 0)
		return err
	})
	type deed struct {
		message steward.MessageID
		verb    steward.Verb
	}
	kept, keys := map[deed]int{}, map[string]bool{}
	for _, a := range acts {
		if a.Via != steward.ViaSlack {
			continue
		}
		if keys[a.Key] {
			h.Errorf("an act is on record twice: %+v", a)
		}
		keys[a.Key] = true
		kept[deed{a.Message, a.Verb}]++
	}
	took := map[deed]int{}
	for _, p := range h.pressed {
		took[deed{p.message, p.verb}]++
	}
	for d, n := range took {
		if kept[d] < n {
			h.Errorf("Slack was told that %d clicks for %s on %s are taken, and %d are on record", n, d.verb, d.message, kept[d])
		}
	}
	if h.kills == 0 {
		for d, n := range kept {
			if took[d] != n {
				h.Errorf("%d acts of %s on %s are on record, and %d were pressed", n, d.verb, d.message, took[d])
			}
		}
	}
	for _, e := range edits {
		h.Errorf("the card of %s is not drawn as things stand: %+v", e.Message, e)
	}
}

// checkCards: in the end every card in Slack shows what became of what it is
// about.
func (h *history) checkCards(out crashOutcome) {
	h.Helper()
	enrolments := map[steward.EnrolmentID]steward.Enrolment{}
	for _, e := range out.enrolments {
		enrolments[e.ID] = e
	}
	shown := map[string]notifytest.SlackPost{}
	for _, p := range h.slack.Posts() {
		shown[p.ID] = p
	}
	for _, m := range out.messages {
		p, ok := shown[string(m.ID)]
		if !ok || m.Kind != steward.Card || m.State != steward.Sent {
			continue
		}
		blocks := blockText(p.Blocks)
		over, taken := true, false
		for _, o := range out.carries[m.ID] {
			e := enrolments[o.Enrolment]
			// What is completed may still be taken, and judged.
			over = over && (e.State == steward.Exited || e.State == steward.Failed)
			taken = taken || !e.AckedAt.IsZero() && e.State.Open()
		}
		buttons := strings.Contains(string(p.Blocks), `"type":"actions"`)
		if over && buttons {
			h.Errorf("card %s has buttons, and all that it is about is over:\n%s", m.ID, blocks)
		}
		if taken && !strings.Contains(blocks, "Taken by") {
			h.Errorf("card %s does not show that it was taken:\n%s", m.ID, blocks)
		}
	}
}

// checkDigests: what a digest carries is said in it and nowhere else, and once.
func (h *history) checkDigests(out crashOutcome) {
	h.Helper()
	digests := 0
	for _, m := range out.messages {
		for _, o := range out.carries[m.ID] {
			if (o.Digested != "") != (m.Kind == steward.Digest) {
				h.Errorf("%s of %s is in a digest for %q, and a %s carries it", o.Step, o.Enrolment, o.Digested, m.Kind)
			}
		}
		if m.Kind != steward.Digest || m.State != steward.Sent {
			continue
		}
		digests++
		said := map[steward.EnrolmentID]int{}
		for _, p := range m.Content.Parts {
			if p.Enrolment != "" {
				said[p.Enrolment]++
			}
		}
		for id, n := range said {
			if n != 1 || !slices.ContainsFunc(out.carries[m.ID], func(o steward.Outreach) bool { return o.Enrolment == id }) {
				h.Errorf("digest %s speaks of %s %d times, and carries %d things", m.ID, id, n, len(out.carries[m.ID]))
			}
		}
	}
	if digests == 0 {
		h.Error("there was no digest, so nothing is said about them")
	}
	h.table.digests += digests
}

// blockText is the text of blocks, for people.
func blockText(blocks json.RawMessage) string {
	var out []string
	var walk func(any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			if text, ok := v["text"].(string); ok {
				out = append(out, text)
			}
			for _, k := range []string{"text", "elements", "accessory", "fields"} {
				walk(v[k])
			}
		case []any:
			for _, x := range v {
				walk(x)
			}
		}
	}
	var v any
	if err := json.Unmarshal(blocks, &v); err != nil {
		return fmt.Sprint(err)
	}
	walk(v)
	return strings.Join(out, " ")
}
