package main

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/mail"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"steward"
	"steward/notify/notifytest"
	"steward/store"
)

// What a history left behind, held against what the providers took and against
// the same history lived in peace.

func mailHeader(t *testing.T, m notifytest.SMTPMail, name string) string {
	t.Helper()
	msg, err := mail.ReadMessage(bytes.NewReader(m.Raw))
	if err != nil {
		t.Fatal(err)
	}
	return msg.Header.Get(name)
}

// account checks what is true of every history, however it was lived.
func (h *history) account() crashOutcome {
	h.Helper()
	h.checkCounted()
	h.stop()
	h.checkFile()
	out := crashOutcome{outreach: map[steward.OutreachID]steward.Outreach{}}
	attempts := map[steward.MessageID][]store.Attempt{}
	h.read(func(ctx context.Context, db *store.DB) error {
		var err error
		if out.enrolments, err = db.Enrolments(ctx, store.EnrolmentFilter{}); err != nil {
			return err
		}
		if out.messages, out.carries, err = db.Messages(ctx, store.MessageFilter{}); err != nil {
			return err
		}
		for _, m := range out.messages {
			if attempts[m.ID], err = db.Attempts(ctx, m.ID); err != nil {
				return err
			}
		}
		ids := make([]steward.EnrolmentID, len(out.enrolments))
		for i, e := range out.enrolments {
			ids[i] = e.ID
		}
		said, _, err := db.OutreachOf(ctx, ids)
		for _, o := range said {
			out.outreach[o.ID] = o
		}
		return err
	})
	h.checkMessages(out, attempts)
	h.checkEnrolments(out)
	h.checkClicks()
	h.checkCards(out)
	h.checkDigests(out)
	for _, m := range out.messages {
		h.table.states[string(m.State)]++
	}
	h.table.posts += len(h.slack.Posts())
	h.table.mails += len(h.smtp.Mails())
	return out
}

// checkFile is SQLite's own whole check; what the program does at every start is
// a quicker one.
func (h *history) checkFile() {
	h.Helper()
	db, err := sql.Open("sqlite3", "file:"+filepath.Join(h.dir, "steward.db")+"?mode=ro")
	h.must(err)
	defer db.Close()
	var found string
	h.must(db.QueryRow(`PRAGMA integrity_check`).Scan(&found))
	if found != "ok" {
		h.Errorf("the database is damaged: %s", found)
	}
	rows, err := db.Query(`PRAGMA foreign_key_check`)
	h.must(err)
	defer rows.Close()
	if rows.Next() {
		h.Error("a row points to one that is not there")
	}
	h.must(rows.Err())
}

// checkCounted holds what the worker shows of uncertain messages against what
// there is.
func (h *history) checkCounted() {
	h.Helper()
	var want int
	h.read(func(ctx context.Context, db *store.DB) error {
		list, _, err := db.Messages(ctx, store.MessageFilter{State: steward.Uncertain})
		want = len(list)
		return err
	})
	var shown []view
	for { // commands are killed, too
		out, ok := h.command("outreach", "--state", "uncertain", "--json", "--limit", "100000")
		if ok {
			h.must(json.Unmarshal([]byte(out), &shown))
			break
		}
	}
	if len(shown) != want {
		h.Errorf("%d messages are uncertain, and steward outreach shows %d", want, len(shown))
	}
	var body string
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if at := h.address("private"); at != "" {
			if res, err := http.Get("http://" + at + "/metrics"); err == nil {
				text, err := io.ReadAll(res.Body)
				res.Body.Close()
				h.must(err)
				body = string(text)
				break
			}
		}
		if time.Now().After(deadline) {
			h.Fatalf("the worker does not answer\n%s", h.logTail())
		}
	}
	counted := 0
	if m := regexp.MustCompile(`steward_messages\{state="uncertain"\} (\d+)`).FindStringSubmatch(body); m != nil {
		counted, _ = strconv.Atoi(m[1])
	}
	if counted != want {
		h.Errorf("%d messages are uncertain, and /metrics counts %d", want, counted)
	}
}

func (h *history) checkMessages(out crashOutcome, attempts map[steward.MessageID][]store.Attempt) {
	h.Helper()
	taken := map[steward.MessageID]int{}
	for _, p := range h.slack.Posts() {
		taken[steward.MessageID(p.ID)]++
	}
	for _, m := range h.smtp.Mails() {
		taken[steward.MessageID(m.ID)]++
	}
	for _, c := range h.hook.Taken() { // each once: it knows what comes twice
		taken[steward.MessageID(c.ID)]++
	}
	requested := map[steward.MessageID]bool{}
	for _, m := range out.messages {
		if m.Kind == steward.Approval {
			requested[m.For] = true
		}
	}
	for _, m := range out.messages {
		n := taken[m.ID]
		delete(taken, m.ID)
		story := fmt.Sprintf("%s %s to %s is %s (%s: %s), taken %d times, attempts %+v", m.Kind, m.ID, m.To.Key, m.State, m.Reason, m.Detail, n, attempts[m.ID])
		switch {
		case n > 1:
			h.Errorf("delivered twice: %s", story)
		case m.State == steward.Sent && n != 1:
			h.Errorf("sent and never taken: %s", story)
		case n == 1 && m.State != steward.Sent && m.State != steward.Uncertain:
			h.Errorf("taken and not known to be: %s", story)
		case m.State == steward.Planned && m.Kind == steward.Digest && m.Due.After(h.clock): // tomorrow's
		case !m.State.Settled() && m.State != steward.AwaitingApproval && m.State != steward.Deferred:
			h.Errorf("left in the middle: %s", story)
		case m.State == steward.Deferred && !m.Due.After(h.clock):
			h.Errorf("due and not sent: %s", story)
		case m.State == steward.AwaitingApproval && !m.Expires.After(h.clock):
			h.Errorf("waits for approval past its expiry: %s", story)
		case m.Kind == steward.Mail && requested[m.ID] && m.ApprovedBy == "" && m.Veto.IsZero() && (n > 0 || len(attempts[m.ID]) > 0):
			h.Errorf("went out and nobody approved it: %s", story)
		case m.State == steward.Uncertain && (h.kills == 0 || m.RetryUncertain && !h.trouble):
			h.Errorf("uncertain, though it need not be: %s", story)
		case m.State == steward.FailedToSend:
			h.Errorf("given up, though it could have been delivered: %s", story)
		}
		h.checkAttempts(m, attempts[m.ID], story)
	}
	for id := range taken {
		h.Errorf("%s was taken and is not on record", id)
	}
	h.read(func(ctx context.Context, db *store.DB) error {
		listed, err := db.SuppressedAddresses(ctx)
		for address := range h.left {
			if _, ok := listed[address]; !ok {
				h.Errorf("%s was told that it gets no more mail, and is not on the list", address)
			}
		}
		return err
	})
	for address, n := range h.left {
		if got := len(h.mailsTo(address)); got != n {
			h.Errorf("%s was taken off the list after %d mails and has had %d", address, n, got)
		}
	}
}

// checkAttempts: nothing was tried again after an outcome that nobody knows,
// but where it could be looked for.
func (h *history) checkAttempts(m steward.Message, attempts []store.Attempt, story string) {
	h.Helper()
	for i, a := range attempts {
		if a.Outcome == "" && m.State.Settled() {
			h.Errorf("settled with an attempt that never ended: %s", story)
		}
		if a.Outcome == steward.Uncertain && i+1 < len(attempts) && (m.Channel == steward.Email || !m.RetryUncertain) {
			h.Errorf("tried again after an uncertain outcome: %s", story)
		}
	}
	if m.State == steward.Uncertain && (len(attempts) == 0 || attempts[len(attempts)-1].Outcome != steward.Uncertain) {
		h.Errorf("uncertain without a call whose outcome was lost: %s", story)
	}
}

func (h *history) checkEnrolments(out crashOutcome) {
	h.Helper()
	type key struct {
		playbook steward.PlaybookName
		subject  steward.Subject
	}
	lives := map[key][]steward.Enrolment{}
	for _, e := range out.enrolments {
		k := key{e.Playbook, e.Subject}
		lives[k] = append(lives[k], e)
	}
	for _, list := range lives {
		slices.SortFunc(list, func(a, b steward.Enrolment) int { return a.OpenedAt.Compare(b.OpenedAt) })
		for i := 1; i < len(list); i++ {
			if before := list[i-1]; before.State.Open() || before.EndedAt.After(list[i].OpenedAt) {
				h.Errorf("opened while another was open: %+v and then %+v", before, list[i])
			}
		}
	}
	for _, m := range out.messages {
		if m.State == steward.Suppressed && m.Reason == steward.ReasonInDigest {
			continue // what it carried has moved
		}
		if (m.Kind == steward.Card || m.Kind == steward.Mail || m.Kind == steward.Call) && len(out.carries[m.ID]) == 0 {
			h.Errorf("%s %s carries nothing", m.Kind, m.ID)
		}
	}
	byID := map[steward.MessageID]steward.Message{}
	for _, m := range out.messages {
		byID[m.ID] = m
	}
	for _, e := range out.enrolments {
		if !e.State.Open() || e.State == steward.Quarantined || e.State == steward.Waiting && e.Due.After(h.clock) {
			continue
		}
		under := false
		for _, o := range out.outreach {
			m, ok := byID[o.Message]
			under = under || o.Enrolment == e.ID && ok && !m.State.Settled()
		}
		if !under {
			h.Errorf("stuck: %+v", e)
		}
	}
}

// compareHistories: what was decided is the same in both, to the last step.
// Only when, and how often it was tried, may differ.
func compareHistories(t *testing.T, clean, got crashOutcome) {
	t.Helper()
	if len(clean.messages) < 50 {
		t.Errorf("the history is too quiet to say much: %d messages", len(clean.messages))
	}
	if diff := cmp.Diff(enrolmentLines(clean), enrolmentLines(got)); diff != "" {
		t.Errorf("enrolments (-in peace +killed):\n%s", diff)
	}
	if diff := cmp.Diff(outreachLines(clean), outreachLines(got)); diff != "" {
		t.Errorf("outreach (-in peace +killed):\n%s", diff)
	}
}

func enrolmentLines(o crashOutcome) map[string]string {
	out := map[string]string{}
	for _, e := range o.enrolments {
		out[string(e.ID)] = fmt.Sprintf("%s %s opened %s: %s %s at step %d, acked %t", e.Playbook, e.Subject.ID, e.OpenedAt.Format(time.DateOnly), e.State, e.Reason, e.Step, !e.AckedAt.IsZero())
	}
	return out
}

// outreachLines leaves out which card carries what is said to one person between
// evaluations: what comes due in one minute shares a card.
func outreachLines(o crashOutcome) map[string]string {
	states := map[steward.MessageID]steward.MessageState{}
	for _, m := range o.messages {
		states[m.ID] = m.State
	}
	out := map[string]string{}
	for _, x := range o.outreach {
		line := fmt.Sprintf("%s/%s about %s to %s %s%s", x.Playbook, x.Step, x.Subject.ID, x.To.Key, x.To.Slack, x.To.Email)
		switch state, carried := states[x.Message]; {
		case !carried:
			line += ": not carried, " + string(x.Suppressed)
		case x.To.Customer():
			line += " in " + string(x.Message)
			fallthrough
		default:
			if state == steward.Uncertain {
				state = steward.Sent // it is accounted for elsewhere
			}
			line += ": " + string(state)
		}
		out[string(x.ID)] = line
	}
	return out
}
