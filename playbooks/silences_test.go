package playbooks_test

import (
	"strings"
	"testing"
	"time"

	"steward"
	"steward/playbooks"
)

// silenced puts a silence that stands into a gate's world.
func silenced(change func(*steward.Silence)) func(*atGate) {
	return func(g *atGate) {
		q := steward.Silence{ID: 1, Account: "a", From: six(day0 + 1).Time(), Until: six(day0 + 15).Time(), Because: "they are moving", By: "lee"}
		change(&q)
		g.memory.Silences = append(g.memory.Silences, q)
	}
}

func TestSilences(t *testing.T) {
	now := six(day0 + 1).Time().Add(time.Hour)
	soon := now.Add(6 * time.Hour)
	for _, c := range []struct {
		name   string
		shut   func(*atGate)
		until  time.Time // zero: it goes
		detail string
	}{
		{"an account", silenced(func(*steward.Silence) {}), six(day0 + 15).Time(), "Lee Okafor silenced what is said of Acme a until 16 June 2026 06:00: they are moving"},
		{"another account", silenced(func(q *steward.Silence) { q.Account = "b" }), time.Time{}, ""},
		{"the owner", silenced(func(q *steward.Silence) { q.Account, q.Owner = "", "dana" }), six(day0 + 15).Time(), "about the accounts of Dana Reyes"},
		{"another owner", silenced(func(q *steward.Silence) { q.Account, q.Owner = "", "sam" }), time.Time{}, ""},
		{"the playbook", silenced(func(q *steward.Silence) { q.Account, q.Playbook = "", "p" }), six(day0 + 15).Time(), "of the playbook p"},
		{"another playbook of the account", silenced(func(q *steward.Silence) { q.Playbook = "quiet" }), time.Time{}, ""},
		{"a condition", silenced(func(q *steward.Silence) { q.Account, q.When = "", "plan == 'big'" }), soon, "where plan == 'big'"},
		{"a condition that does not hold", silenced(func(q *steward.Silence) { q.Account, q.When = "", "plan == 'small'" }), time.Time{}, ""},
		{"a condition that is not known", silenced(func(q *steward.Silence) { q.Account, q.When = "", "health > 3" }), time.Time{}, ""},
		{"a condition that cannot be read", silenced(func(q *steward.Silence) { q.Account, q.When = "", "gone > 3" }), time.Time{}, ""},
		{"one that is over", silenced(func(q *steward.Silence) { q.Until = now }), time.Time{}, ""},
		{"one that was ended", silenced(func(q *steward.Silence) { q.Ended = now.Add(-time.Minute) }), time.Time{}, ""},
		{"one that begins later", silenced(func(q *steward.Silence) { q.From = now.Add(time.Minute) }), time.Time{}, ""},
		{"what went on when it was said", silenced(func(q *steward.Silence) { q.Until, q.UntilResolved = time.Time{}, true }), soon, "until what went on then is over"},
		{"another time", silenced(func(q *steward.Silence) {
			q.Until, q.UntilResolved, q.From = time.Time{}, true, six(day0+1).Time().Add(-time.Second)
		}), time.Time{}, ""},
		{"for ever", silenced(func(q *steward.Silence) { q.Until = time.Time{} }), soon, "until somebody ends it"},
	} {
		g := passing(t)
		c.shut(g)
		g.c.Message.Expires = now.Add(time.Hour) // what is silenced does not grow old
		d := g.decide()
		switch {
		case c.until.IsZero() && !d.Passes():
			t.Errorf("%s: %+v, want it to go", c.name, d)
		case !c.until.IsZero() && (d.Reason != steward.ReasonSilenced || d.Effect != steward.Defer || !d.Until.Equal(c.until) || !strings.Contains(d.Detail, c.detail)):
			t.Errorf("%s: %+v, want until %s: %s", c.name, d, c.until, c.detail)
		}
	}
	// What is planned, and not yet a message, is looked at again within hours: a
	// silence can be ended early.
	g := passing(t)
	silenced(func(*steward.Silence) {})(g)
	g.c.AtSend = false
	if d := g.decide(); !d.Until.Equal(soon) {
		t.Errorf("at planning: %+v", d)
	}
}

func TestSilencesThatAreOver(t *testing.T) {
	g := passing(t)
	slot := six(day0 + 1)
	g.memory.Silences = []steward.Silence{
		{ID: 1, Account: "a", From: slot.Time(), Until: slot.Time().Add(time.Minute), By: "lee"},
		{ID: 2, Account: "a", From: slot.Time(), UntilResolved: true, By: "lee"},
		{ID: 3, Playbook: "quiet", From: slot.Time(), UntilResolved: true, By: "lee"},
		{ID: 4, When: "gone > 3", From: slot.Time(), Until: slot.Time().AddDate(0, 0, 9), By: "lee"},
		{ID: 5, Account: "a", From: slot.Time().Add(-time.Hour), UntilResolved: true, By: "lee"},
	}
	s := g.at(slot, slot.Time().Add(time.Hour))
	var over []int64
	for _, q := range s.SilencesOver() {
		over = append(over, q.ID)
		if q.Ended.IsZero() || q.EndedBy == "" {
			t.Errorf("%+v", q)
		}
	}
	if len(over) != 3 || over[0] != 1 || over[1] != 3 || over[2] != 5 {
		t.Errorf("over: %v", over)
	}
	if unread := s.UnreadSilences(); len(unread) != 1 || unread[4] == nil || !strings.Contains(unread[4].Error(), "gone") {
		t.Errorf("unread: %v", unread)
	}
}

// doing is somebody's gesture about an account.
func doing(verb steward.Verb, by playbooks.Doer, account string, values map[string]string) playbooks.Doing {
	return playbooks.Doing{By: by, Gesture: steward.Gesture{Key: "k", At: six(day0 + 1).Time(), Verb: verb, Via: steward.ViaSlack,
		Target: steward.Target{Verb: verb, Account: steward.AccountID(account)}, Values: values}}
}

func TestSilencingIsADeed(t *testing.T) {
	dana := playbooks.Doer{Owner: people[0], Name: "Dana Reyes"}
	lee := playbooks.Doer{Owner: people[1], Name: "Lee Okafor"}
	g := passing(t)
	s := g.at(six(day0 + 1))
	done := s.Do(doing(steward.VerbSilence, dana, "a", map[string]string{"until": "2w", "because": "an office move"}))
	if len(done.Change.Silences) != 1 || done.Act.Verb != steward.VerbSilence || done.Act.Account != "a" || done.Act.Refused != "" || !strings.Contains(done.Answer.Text, "until 16 June 2026 06:00: an office move") {
		t.Fatalf("%+v", done)
	}
	if q := done.Change.Silences[0]; q.Account != "a" || q.By != "dana" || q.ByOwner != "dana" || !q.Until.Equal(six(day0+15).Time()) || q.Because != "an office move" {
		t.Errorf("%+v", q)
	}
	if done := s.Do(doing(steward.VerbSilence, dana, "a", nil)); done.Answer.Form == nil || done.Act.Verb != "" || done.Answer.Form.Target.Account != "a" {
		t.Errorf("without a word about how long: %+v", done)
	}
	form := doing(steward.VerbSilence, dana, "a", map[string]string{"until": "3d"})
	form.Sent = true
	if done := s.Do(form); done.Answer.Wrong["because"] == "" || len(done.Change.Silences) > 0 {
		t.Errorf("a form without a reason: %+v", done)
	}
	for name, c := range map[string]struct {
		by      playbooks.Doer
		account string
		values  map[string]string
		refused string
	}{
		"no such account":        {dana, "zz", map[string]string{"until": "2w", "because": "x"}, "no account"},
		"too long":               {dana, "a", map[string]string{"until": "60w", "because": "x"}, "at most a year"},
		"a day that has passed":  {dana, "a", map[string]string{"until": "2026-05-30", "because": "x"}, "has passed"},
		"not a time":             {dana, "a", map[string]string{"until": "soon", "because": "x"}, "until when"},
		"a stranger":             {playbooks.Doer{Name: "Somebody"}, "a", map[string]string{"until": "2w", "because": "x"}, "owners.yaml"},
		"somebody else's owner":  {dana, "", map[string]string{"owner": "sam", "until": "2w", "because": "x"}, "their manager or ops"},
		"a whole playbook":       {lee, "", map[string]string{"playbook": "p", "until": "2w", "because": "x"}, "for ops"},
		"nothing that goes on":   {dana, "a", map[string]string{"playbook": "quiet", "until": "resolved", "because": "x"}, "nothing goes on"},
		"no such playbook":       {dana, "a", map[string]string{"playbook": "quit", "until": "2w", "because": "x"}, "did you mean quiet?"},
		"a condition nobody can": {playbooks.Doer{Ops: true}, "", map[string]string{"when": "gone > 3", "until": "2w", "because": "x"}, "gone"},
	} {
		done := s.Do(doing(steward.VerbSilence, c.by, c.account, c.values))
		if done.Act.Refused == "" || len(done.Change.Silences) > 0 || !strings.Contains(done.Answer.Text, c.refused) {
			t.Errorf("%s: %+v", name, done)
		}
	}
	for name, c := range map[string]struct {
		by     playbooks.Doer
		values map[string]string
	}{
		"their own accounts":   {dana, map[string]string{"owner": "dana", "until": "2w", "because": "x"}},
		"their people's":       {lee, map[string]string{"owner": "dana", "until": "2w", "because": "x"}},
		"ops, across all":      {playbooks.Doer{Name: "ops", Ops: true}, map[string]string{"when": "plan == 'big'", "until": "2w", "because": "x"}},
		"until it is resolved": {playbooks.Doer{Ops: true}, map[string]string{"playbook": "p", "until": "resolved", "because": "x"}},
	} {
		if done := s.Do(doing(steward.VerbSilence, c.by, "", c.values)); len(done.Change.Silences) != 1 {
			t.Errorf("%s: %+v", name, done)
		}
	}

	g.memory.Silences = []steward.Silence{{ID: 7, Account: "a", From: six(day0).Time(), Because: "x", By: "sam"}, {ID: 8, Playbook: "p", From: six(day0).Time(), Because: "x", By: "ops"}}
	s = g.at(six(day0 + 1))
	if done := s.Do(doing(steward.VerbUnsilence, dana, "a", nil)); len(done.Change.Silences) != 1 || done.Change.Silences[0].ID != 7 || done.Change.Silences[0].EndedBy != "dana" {
		t.Errorf("ending it: %+v", done)
	}
	other := doing(steward.VerbUnsilence, dana, "", nil)
	other.Target.Item = "8"
	if done := s.Do(other); done.Act.Refused == "" {
		t.Errorf("ending what is for ops: %+v", done)
	}
	if done := s.Do(doing(steward.VerbUnsilence, dana, "b", nil)); done.Act.Refused == "" {
		t.Errorf("where nothing is silenced: %+v", done)
	}
}
