package main

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"steward"
	"steward/playbooks"
	"steward/store"
	"steward/web"
)

// What the page offers is what the playbooks send, and what is chosen is what the
// database then holds against mail.
func TestReadersChooseAmongWhatIsSent(t *testing.T) {
	const step = "\nwhen: arr > 0\nsteps: [{id: m, email: [champion], message: hi}]\n"
	book, problems := playbooks.Load(fstest.MapFS{
		"playbooks/p.yaml": {Data: []byte("playbook: drop\npurpose: care" + step + "---\nplaybook: value\npurpose: report" + step + "---\nplaybook: inside\npurpose: commercial\nwhen: arr > 0\nsteps: [{id: s, slack: owner, message: hi}]\n")},
		"messages/hi.md":   {Data: []byte("---\nfor_roles: [champion]\nsubject: Hi\n---\nWords.")},
	}, "playbooks", "messages", playbooks.Settings{Zone: time.UTC})
	if errs := problems.Errors(); len(errs) > 0 {
		t.Fatal(errs)
	}
	ctx := t.Context()
	db, err := store.Open(ctx, filepath.Join(t.TempDir(), "steward.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	now := time.Date(2026, 3, 12, 6, 0, 0, 0, time.UTC)
	subject := steward.Subject{Kind: steward.AboutAccount, ID: "acme", Account: "acme"}
	e := steward.Enrolment{ID: "e-1", Playbook: "value", Subject: subject, Episode: steward.SlotAt(now), State: steward.Active, Arm: steward.Treatment, Version: "v", OpenedAt: now, StepSince: now}
	mail := func(id steward.MessageID, topic steward.Topic, to steward.Recipient) (steward.Message, steward.Outreach) {
		return steward.Message{ID: id, Kind: steward.Mail, Channel: steward.Email, To: to, Account: "acme", State: steward.Planned, Due: now, Planned: now, Topic: topic},
			steward.Outreach{ID: steward.OutreachID("o-" + id), Enrolment: "e-1", Playbook: "value", Subject: subject, Step: string(id), To: to, Message: id, Planned: now}
	}
	ana := steward.Recipient{Key: "role:champion", Contact: "p-1", Email: "Ana@acme.example"}
	report, o1 := mail("m-report", steward.TopicReport, ana)
	old, o2 := mail("m-old", "", ana)
	ours, o3 := mail("m-ours", "", steward.Recipient{Key: "owner", Owner: "dana", Email: "dana@example.com"})
	if _, err := db.Commit(ctx, steward.Run{}, []steward.Change{{Account: "acme", Enrolments: []steward.Enrolment{e}, Messages: []steward.Message{report, old, ours}, Outreach: []steward.Outreach{o1, o2, o3}}}, now); err != nil {
		t.Fatal(err)
	}
	r := readers{db, func() time.Time { return now }, func() []web.Choice {
		return topicsOf(book, func(t steward.Topic) string { return "About " + string(t) })
	}}
	choices := func(none, care, value bool) web.Choices {
		return web.Choices{None: none, Topics: []web.Choice{{Topic: steward.TopicCare, Name: "About care", Wanted: care}, {Topic: steward.TopicReport, Name: "About report", Wanted: value}}}
	}
	look := func(what string, want web.Choices) {
		t.Helper()
		got, err := r.Choices(ctx, "m-report")
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%s: %v (-want +got):\n%s", what, err, diff)
		}
	}
	do := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	look("at first", choices(false, true, true))
	do(r.StopTopic(ctx, "m-report"))
	look("after one click", choices(false, true, false))
	do(r.Choose(ctx, "m-report", []steward.Topic{steward.TopicReport, steward.TopicCommercial}))
	look("after a choice", choices(false, false, true))
	do(r.StopTopic(ctx, "m-old"))
	look("after one click on a mail of no kind", choices(true, false, false))
	do(r.Choose(ctx, "m-report", []steward.Topic{steward.TopicCare}))
	look("after choosing again", choices(false, true, false))
	do(r.StopAll(ctx, "m-report"))
	do(r.StopAll(ctx, "m-report"))
	look("after stopping all", choices(true, false, false))
	do(db.Unsuppress(ctx, "ana@acme.example"))
	do(db.Suppress(ctx, "ana@acme.example", "bounced", "a mail server", now))
	look("where a bounce stopped it", web.Choices{None: true})
	for _, id := range []steward.MessageID{"m-ours", "m-none"} {
		for _, err := range []error{r.StopTopic(ctx, id), r.StopAll(ctx, id), r.Choose(ctx, id, nil)} {
			if !errors.Is(err, web.ErrNoSuchMessage) {
				t.Errorf("%s: %v", id, err)
			}
		}
	}
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	if err := r.StopAll(cancelled, "m-report"); err == nil || errors.Is(err, web.ErrNoSuchMessage) {
		t.Errorf("a database that does not answer says %v", err)
	}
}
