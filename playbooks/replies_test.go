package playbooks_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"steward"
	"steward/playbooks"
)

// writing is a world in which two mails and a card follow one another, a wait
// between each; keys stands with the playbook's, mail with the second mail's.
func writing(t *testing.T, keys, wait, mail string) *world {
	t.Helper()
	book := load(t, settings(), nil, "playbook: help\nkind: process\nwhen: seats > 10\nbackfill: true\ncooldown: 30d\n"+keys+`steps:
  - {id: first, email: [champion], message: help, unattended: true}
  - {wait: 7d`+wait+`}
  - {id: second, email: [champion], message: help, `+mail+`}
  - {wait: 7d}
  - {id: silent, if: not replied, slack: owner, message: nudge}
`)
	w := newWorld(t, book, customer("a"))
	w.Contacts = []steward.Contact{champion("a")}
	w.Accounts[0].More["seats"] = steward.Num(20)
	w.run(day0)
	w.unopposed(six(day0).Time())
	w.advance(six(day0), six(day0).Time().Add(time.Minute))
	return w
}

// unopposed lets the mails go that may be stopped and that nobody stopped, as the
// gates have it.
func (w *world) unopposed(now time.Time) {
	for id, m := range w.memory.Messages {
		if m.State != steward.AwaitingApproval || m.Veto.IsZero() {
			continue
		}
		for _, list := range w.memory.Outreach {
			for _, o := range list {
				if o.Message != id {
					continue
				}
				e, _ := w.enrolment(string(o.Playbook), o.Subject)
				d := steward.Dossier{Message: m, Outreach: []steward.Outreach{o}, Enrolments: []steward.Enrolment{e}, Phases: []steward.PhaseState{{}}}
				if m.State = steward.Suppressed; w.at(six(steward.DayOf(now, berlin)), now).Judge(d).Passes() {
					m.State = steward.Sent
				}
				m.Settled = now
				w.memory.Messages[id] = m
			}
		}
	}
}

// mailOf is the dossier of the mail that a step sent.
func (w *world) mailOf(step string) steward.Dossier {
	w.t.Helper()
	for _, list := range w.memory.Outreach {
		for _, o := range list {
			if m := w.memory.Messages[o.Message]; o.Step == step && m.Channel == steward.Email {
				e, _ := w.enrolment(string(o.Playbook), o.Subject)
				return steward.Dossier{Message: m, Outreach: []steward.Outreach{o}, Enrolments: []steward.Enrolment{e}, Phases: []steward.PhaseState{{}}}
			}
		}
	}
	w.t.Fatalf("step %s sent no mail", step)
	return steward.Dossier{}
}

// back is something that came back for the mail of a step.
func (w *world) back(now time.Time, step string, in steward.Incoming) (steward.Change, bool) {
	w.t.Helper()
	d := w.mailOf(step)
	in.Message, in.At = d.Message.ID, now
	if in.Address == "" {
		in.Address = d.Message.To.Email
	}
	change, ok := w.at(six(steward.DayOf(now, berlin)), now).Receive(playbooks.Return{Incoming: in, Dossier: d})
	w.write(change)
	return change, ok
}

// steps is what the enrolment has come to say, and how it stands.
func (w *world) steps() string {
	e := w.must("help", "a")
	said, _ := w.said(e)
	return strings.Join(said, " ") + ": " + strings.TrimSpace(string(e.State)+" "+string(e.Reason))
}

func TestWhatAReplyDoes(t *testing.T) {
	hour := time.Hour
	for name, c := range map[string]struct{ keys, wait, mail, soon, late string }{
		"mail that nobody approves":     {"", "", "unattended: true", "first: waiting", "first: completed completed"},
		"mail with a veto":              {"", "", "approve: veto 24h", "first: waiting", "first: completed completed"},
		"mail that a person approves":   {"", "", "approve: owner", "first second: active", "first second: active"},
		"the enrolment ends":            {"on_reply: exit\n", "", "unattended: true", "first: exited replied", "first: exited replied"},
		"nothing by itself":             {"on_reply: continue\n", "", "unattended: true", "first: waiting", "first second: completed completed"},
		"nothing, and the wait is told": {"on_reply: continue\n", ", unless: replied", "unattended: true", "first second: active", "first second: completed completed"},
	} {
		w := writing(t, c.keys, c.wait, c.mail)
		at := six(day0).Time().Add(26 * hour)
		if _, ok := w.back(at, "first", steward.Incoming{Kind: steward.Reply}); !ok {
			t.Errorf("%s: the reply is worth nothing", name)
		}
		if e := w.must("help", "a"); !e.RepliedAt.Equal(at) {
			t.Errorf("%s: replied at %v", name, e.RepliedAt)
		}
		for range 3 {
			w.advance(six(day0+1), at.Add(time.Minute))
		}
		if got := w.steps(); got != c.soon {
			t.Errorf("%s, a minute later: %s, want %s", name, got, c.soon)
		}
		for day := steward.Day(2); day < 30; day++ {
			w.run(day0 + day)
			w.unopposed(six(day0 + day).Time())
			w.advance(six(day0+day), six(day0+day).Time().Add(hour))
		}
		if got := w.steps(); got != c.late {
			t.Errorf("%s, a month later: %s, want %s", name, got, c.late)
		}
	}
	// Without one, everything is said.
	w := writing(t, "", "", "unattended: true")
	for day := steward.Day(1); day < 30; day++ {
		w.run(day0 + day)
		w.unopposed(six(day0 + day).Time())
		w.advance(six(day0+day), six(day0+day).Time().Add(hour))
	}
	if got := w.steps(); got != "first second silent: completed completed" {
		t.Errorf("without a reply: %s", got)
	}
}

func TestAReplyInTheCRM(t *testing.T) {
	for name, c := range map[string]struct {
		touch steward.Touch
		heard bool
	}{
		"of the reader":     {steward.Touch{Contact: "ct-a", Day: day0 + 2, Kind: steward.TouchReply}, true},
		"of somebody else":  {steward.Touch{Contact: "ct-b", Day: day0 + 2, Kind: steward.TouchReply}, false},
		"before the mail":   {steward.Touch{Contact: "ct-a", Day: day0 - 2, Kind: steward.TouchReply}, false},
		"a call of our own": {steward.Touch{Contact: "ct-a", Day: day0 + 2, Kind: "call"}, false},
		"a mail of our own": {steward.Touch{Contact: "ct-a", Day: day0 + 2, Kind: "email"}, false},
	} {
		w := writing(t, "", "", "unattended: true")
		c.touch.ID, c.touch.Account = "t", "a"
		w.Touches = append(w.Touches, c.touch)
		w.run(day0 + 3)
		w.advance(six(day0+3), six(day0+3).Time().Add(time.Hour))
		if e := w.must("help", "a"); e.RepliedAt.IsZero() == c.heard || c.heard != slices.ContainsFunc(w.records, func(r steward.Record) bool { return r.Reason == steward.ReasonReplied }) {
			t.Errorf("%s: replied at %v", name, e.RepliedAt)
		}
	}
}

func TestMailWaitsForWhoIsAway(t *testing.T) {
	w := writing(t, "", "", "unattended: true")
	d := w.mailOf("first")
	now := six(day0).Time().Add(time.Minute)
	judge := func(back steward.Day, email string) steward.Decision {
		s := w.at(six(day0), now)
		d := d
		d.Back, d.Message.To.Email = back, email
		return s.Judge(d).Decision
	}
	if v := judge(day0+4, "Kim@a.example"); v.Effect != steward.Defer || v.Reason != steward.ReasonAway || !v.Until.Equal((day0 + 4).Start(berlin)) || !strings.Contains(v.Detail, "5 June 2026") {
		t.Errorf("%+v", v)
	}
	if v := judge(day0+40, "kim@a.example"); v.Effect != steward.Suppress || v.Reason != steward.ReasonExpired {
		t.Errorf("for longer than the mail is good: %+v", v)
	}
	for _, back := range []steward.Day{day0, 0, steward.NoDay} {
		if v := judge(back, "kim@a.example"); !v.Passes() {
			t.Errorf("back on %s: %+v", back, v)
		}
	}
	// And when it is planned.
	w.memory.Absent = map[string]steward.Day{"kim@a.example": day0 + 10}
	w.run(day0 + 7)
	w.advance(six(day0+7), six(day0+7).Time().Add(time.Hour))
	if e := w.must("help", "a"); w.skipped()["second"] != steward.ReasonAway || !e.Due.Equal((day0 + 10).Start(berlin)) {
		t.Errorf("%s, to be looked at on %s", w.skipped()["second"], e.Due)
	}
}

func TestBouncesAndComplaints(t *testing.T) {
	for name, c := range map[string]struct {
		in                     steward.Incoming
		soft                   int
		suppressed, told, task string
	}{
		"no such mailbox":         {steward.Incoming{Kind: steward.HardBounce, Status: "5.1.1", Detail: "550 5.1.1 user unknown"}, 0, "kim@a.example takes no mail 5.1.1 bounce", "Kim Sato's address takes no more mail", "Find another address of Kim Sato"},
		"another's further on":    {steward.Incoming{Kind: steward.HardBounce, Status: "5.1.1", Address: "other@elsewhere.example"}, 0, "", "", ""},
		"full":                    {steward.Incoming{Kind: steward.SoftBounce, Status: "5.2.2"}, 0, "", "", ""},
		"full for the third time": {steward.Incoming{Kind: steward.SoftBounce, Status: "5.2.2"}, 2, "", "Mail to Kim Sato keeps coming back", ""},
		"full for the fourth":     {steward.Incoming{Kind: steward.SoftBounce, Status: "5.2.2"}, 3, "", "", ""},
		"spam":                    {steward.Incoming{Kind: steward.Complaint, Detail: "abuse"}, 0, "kim@a.example reported as spam complaint", "Kim Sato reported a mail as spam", ""},
		"away":                    {steward.Incoming{Kind: steward.AutoReply, Back: day0 + 4}, 0, "", "", ""},
	} {
		w := writing(t, "", "", "unattended: true")
		d := w.mailOf("first")
		c.in.Message, c.in.At = d.Message.ID, six(day0).Time()
		if c.in.Address == "" {
			c.in.Address = "kim@a.example"
		}
		change, ok := w.at(six(day0)).Receive(playbooks.Return{Incoming: c.in, Dossier: d, Soft: c.soft})
		if !ok || change.Account != "a" || len(change.Enrolments) != 0 {
			t.Errorf("%s: %v %+v", name, ok, change)
		}
		var suppressed, told, task string
		for _, s := range change.Suppressed {
			suppressed += s.Address + " " + s.Reason + " " + s.Source
		}
		for _, m := range change.Messages {
			told += m.Content.Title
			if m.To.Owner != "dana" || m.Kind != steward.Notice || m.Channel != steward.Slack {
				t.Errorf("%s is told to %+v", name, m.To)
			}
		}
		for _, x := range change.Given {
			task += x.Title
			if !strings.Contains(change.Messages[0].Content.Footer, "steward done "+string(x.ID)) || x.Owner != "dana" || x.Enrolment == "" {
				t.Errorf("%s: %+v, %q", name, x, change.Messages[0].Content.Footer)
			}
		}
		if diff := cmp.Diff([]string{c.suppressed, c.told, c.task}, []string{suppressed, told, task}); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		again, _ := w.at(six(day0), six(day0).Time().Add(time.Hour)).Receive(playbooks.Return{Incoming: c.in, Dossier: d, Soft: c.soft})
		if len(change.Given) > 0 && (again.Given[0].ID != change.Given[0].ID || again.Messages[0].ID != change.Messages[0].ID) {
			t.Errorf("%s: another such bounce would give another task", name)
		}
	}
}

func TestWhatColleaguesWriteIsNoReply(t *testing.T) {
	w := writing(t, "", "", "unattended: true")
	if change, ok := w.back(six(day0).Time(), "first", steward.Incoming{Kind: steward.Reply, Address: "Dana@Example.com"}); ok || !change.Empty() {
		t.Errorf("%+v", change)
	}
	if _, ok := w.back(six(day0).Time(), "first", steward.Incoming{Kind: "unheard of"}); ok {
		t.Error("something of a newer version was acted on")
	}
}

func TestTheMailThatIsMeant(t *testing.T) {
	sent := []steward.Message{{ID: "m-new", Content: &steward.Content{Title: "Your  report"}}, {ID: "m-old", Content: &steward.Content{Title: "Can we help?"}}, {ID: "m-bare"}}
	for _, c := range []struct {
		kind    steward.IncomingKind
		subject string
		want    steward.MessageID
	}{{steward.Reply, "can we help?", "m-old"}, {steward.Reply, "your report", "m-new"}, {steward.Reply, "lunch", ""}, {steward.Reply, "", ""}, {steward.AutoReply, "lunch", "m-new"}, {steward.HardBounce, "", "m-new"}} {
		r := steward.Returned{Incoming: steward.Incoming{Kind: c.kind}, Subject: c.subject}
		if got := playbooks.MailMeant(r, sent); got != c.want {
			t.Errorf("%s %q: %s, want %s", c.kind, c.subject, got, c.want)
		}
	}
}

func TestASecondMailIsLintedWhereNobodyListens(t *testing.T) {
	for _, c := range []struct {
		mailbox     bool
		keys, check string
		want        bool
	}{
		{false, "", "", true},
		{true, "", "", false},
		{true, "on_reply: continue\n", "", true},
		{false, "", "if: not replied, ", false},
	} {
		s := settings()
		s.NoticesReplies = c.mailbox
		_, problems := tryLoad(s, nil, "playbook: help\nkind: process\nwhen: seats > 10\ncooldown: 30d\n"+c.keys+"steps: [{id: a, email: [champion], message: help, unattended: true}, {wait: 7d}, {id: b, "+c.check+"email: [champion], message: help, unattended: true}]\n")
		if got := slices.ContainsFunc(problems, func(p steward.Problem) bool { return p.Lint == "blind-second-mail" }); got != c.want {
			t.Errorf("%+v: told %v; %v", c, got, problems)
		}
	}
	if _, problems := tryLoad(settings(), nil, "playbook: help\nwhen: seats > 10\non_reply: shout\n"); !strings.Contains(fmt.Sprint(problems.Errors()), "on_reply") {
		t.Errorf("%v", problems)
	}
}

func TestAMailThatNobodyCanBeToldOfIsLinted(t *testing.T) {
	for _, c := range []struct {
		noCards bool
		mail    string
		want    bool
	}{
		{true, "unattended: true", true},
		{true, "approve: veto 24h", true},
		{true, "approve: owner", false},
		{false, "unattended: true", false},
	} {
		s := settings()
		s.NoCards = c.noCards
		_, problems := tryLoad(s, nil, "playbook: help\nkind: process\nwhen: seats > 10\ncooldown: 30d\nsteps: [{id: a, email: [champion], message: help, "+c.mail+"}]\n")
		if got := slices.ContainsFunc(problems, func(p steward.Problem) bool { return p.Lint == "untold-mail" }); got != c.want {
			t.Errorf("%+v: told %v; %v", c, got, problems)
		}
	}
}
