package store

import (
	"context"
	"testing"
	"time"

	"steward"
)

// remembered is what is kept under a playbook's name.
func remembered(t *testing.T, db *DB, name steward.PlaybookName) map[string]int {
	t.Helper()
	out := map[string]int{}
	for _, table := range []string{"playbook_state", "phases", "pilot_starts", "enrolments", "outreach", "records", "playbook_versions"} {
		var n int
		must(t, db.read.Get(&n, `SELECT COUNT(*) FROM `+table+` WHERE playbook = ?`, name))
		if n > 0 {
			out[table] = n
		}
	}
	return out
}

func TestARenamedPlaybookTakesOverWhatItDid(t *testing.T) {
	db, ctx := openTest(t), context.Background()
	c := fullChange("acme")
	c.Pilots = []steward.PilotStart{{Playbook: "login-drop", Subject: c.Enrolments[0].Subject, Pilot: "h", Slot: c.Enrolments[0].Episode, In: true, Value: steward.Num(3)}}
	c.States = []steward.PlaybookState{{Playbook: "login-drop", Version: "v", Condition: "c", LastDay: 12, Pilot: "h", PilotSince: steward.SlotAt(start), Occurrence: steward.SlotAt(start)}}
	_, err := db.Commit(ctx, steward.Run{}, []steward.Change{c}, start)
	must(t, err)
	must(t, db.SavePlaybookVersion(ctx, "login-drop", "v", "text", start))
	before := remembered(t, db, "login-drop")
	if len(before) != 7 {
		t.Fatalf("only %v stands under the old name", before)
	}
	names := map[steward.PlaybookName]steward.PlaybookName{"login-drop": "quiet", "never-was": "other"}
	n, err := db.RenamePlaybooks(ctx, names, start)
	must(t, err)
	if n != 1 {
		t.Errorf("%d playbooks were renamed, want 1", n)
	}
	diff(t, "left under the old name", map[string]int{}, remembered(t, db, "login-drop"))
	diff(t, "under the new name", before, remembered(t, db, "quiet"))
	st, err := db.Standing(ctx)
	must(t, err)
	if e := st.Open[0]; e.ID != c.Enrolments[0].ID || e.Playbook != "quiet" {
		t.Errorf("the enrolment is %s of %s, want its old id under the new name", e.ID, e.Playbook)
	}
	want := c.States[0]
	want.Playbook, want.DrawnAs = "quiet", "login-drop"
	diff(t, "state", []steward.PlaybookState{want}, st.Playbooks)
	if n, err = db.RenamePlaybooks(ctx, names, start); err != nil || n != 0 {
		t.Errorf("renaming again renamed %d: %v", n, err)
	}
}

// A rename that is told too late meets what the playbook did under its new name.
func TestARenameMeetsWhatTheNewNameDid(t *testing.T) {
	db, ctx := openTest(t), context.Background()
	old, fresh := fullChange("acme"), steward.Change{Account: "acme"}
	e := enrolment("acme", "quiet", start.Add(time.Hour))
	fresh.Enrolments = []steward.Enrolment{e}
	fresh.Phases = []steward.PhaseState{{Playbook: "quiet", Subject: e.Subject, Phase: steward.Firing, Episode: e.Episode, EpisodeDay: steward.NoDay, Since: e.Episode, Slot: e.Episode}}
	fresh.States = []steward.PlaybookState{{Playbook: "quiet", Condition: "new", LastDay: steward.NoDay}}
	old.States = []steward.PlaybookState{{Playbook: "login-drop", Condition: "old", LastDay: steward.NoDay, DrawnAs: "first-name"}}
	_, err := db.Commit(ctx, steward.Run{}, []steward.Change{old, fresh}, start)
	must(t, err)
	_, err = db.RenamePlaybooks(ctx, map[steward.PlaybookName]steward.PlaybookName{"login-drop": "quiet"}, start)
	must(t, err)
	st, err := db.Standing(ctx)
	must(t, err)
	if len(st.Open) != 1 || st.Open[0].ID != e.ID {
		t.Errorf("open is %v, want the new name's alone", st.Open)
	}
	was, err := db.Enrolment(ctx, string(old.Enrolments[0].ID))
	must(t, err)
	if was.Playbook != "quiet" || was.State != steward.Exited || was.Reason != steward.ReasonPlaybookRemoved || was.EndedAt.IsZero() {
		t.Errorf("the old name's enrolment is %s (%s) of %s", was.State, was.Reason, was.Playbook)
	}
	if len(st.Phases) != 1 || st.Phases[0].Episode != e.Episode {
		t.Errorf("phases %v, want the new name's", st.Phases)
	}
	if len(st.Playbooks) != 1 || st.Playbooks[0].Condition != "new" || st.Playbooks[0].DrawnAs != "first-name" {
		t.Errorf("states %+v, want the new name's, drawn as before", st.Playbooks)
	}
}

func TestPilotsAreMeasuredOnce(t *testing.T) {
	db, ctx := openTest(t), context.Background()
	subject := enrolment("acme", "p", start).Subject
	at := func(slot time.Time, pilot string, v steward.Value) steward.PilotStart {
		return steward.PilotStart{Playbook: "p", Subject: subject, Pilot: pilot, Slot: steward.SlotAt(slot), In: true, Value: v}
	}
	first := at(start, "one", steward.Unknown(steward.NumberKind))
	for _, p := range []steward.PilotStart{first, at(start, "one", steward.Num(9))} {
		_, err := db.Commit(ctx, steward.Run{}, []steward.Change{{Account: "acme", Pilots: []steward.PilotStart{p}}}, start)
		must(t, err)
	}
	got, err := db.PilotStarts(ctx, "p", "one")
	must(t, err)
	diff(t, "the first pilot", []steward.PilotStart{first}, got)
	second := at(start.Add(time.Hour), "two", steward.Num(4.5))
	_, err = db.Commit(ctx, steward.Run{}, []steward.Change{{Account: "acme", Pilots: []steward.PilotStart{second}}}, start)
	must(t, err)
	got, err = db.PilotStarts(ctx, "p", "two")
	must(t, err)
	diff(t, "the second pilot", []steward.PilotStart{second}, got)
	if got, err = db.PilotStarts(ctx, "p", "one"); err != nil || len(got) > 0 {
		t.Errorf("of the first pilot there is still %v (%v)", got, err)
	}
}

// What is afoot about an account is what is open and not held, and what fires.
func TestWhatIsAfoot(t *testing.T) {
	db, ctx := openTest(t), context.Background()
	c := fullChange("acme")
	c.Phases = nil
	held, other := enrolment("acme", "held", start), enrolment("acme", "fires", start)
	held.State = steward.Quarantined
	c.Enrolments = append(c.Enrolments, held)
	for name, ph := range map[steward.PlaybookName]steward.Phase{"fires": steward.Firing, "pends": steward.Pending, "clears": steward.Clearing} {
		c.Phases = append(c.Phases, steward.PhaseState{Playbook: name, Subject: other.Subject, Phase: ph, Episode: other.Episode, EpisodeDay: steward.NoDay, Since: other.Episode, Slot: other.Episode})
	}
	elsewhere := enrolment("other", "elsewhere", start)
	_, err := db.Commit(ctx, steward.Run{}, []steward.Change{c, {Account: "other", Enrolments: []steward.Enrolment{elsewhere}}}, start)
	must(t, err)
	want := []steward.PlaybookName{"fires", "login-drop"}
	d, err := db.Dossier(ctx, c.Messages[0].ID)
	must(t, err)
	diff(t, "in the dossier", want, d.Afoot)
	st, err := db.StandingOf(ctx, []steward.EnrolmentID{c.Enrolments[0].ID})
	must(t, err)
	diff(t, "in the standing", map[steward.AccountID][]steward.PlaybookName{"acme": want}, st.Afoot)
}

// A rhythm that came round on a wrong clock comes round again when its time
// comes.
func TestRewindLetsRhythmsComeRound(t *testing.T) {
	db, ctx := openTest(t), context.Background()
	ahead := steward.PlaybookState{Playbook: "report", Condition: "c", LastDay: steward.NoDay, Occurrence: steward.SlotAt(start.Add(year))}
	_, err := db.Commit(ctx, steward.Run{}, []steward.Change{{States: []steward.PlaybookState{ahead}}}, start)
	must(t, err)
	_, err = db.Rewind(ctx, start)
	must(t, err)
	states, err := db.PlaybookStates(ctx)
	must(t, err)
	if len(states) != 1 || states[0].Occurrence != steward.SlotAt(start) {
		t.Errorf("the states are %+v, want the occurrence dealt with by now", states)
	}
}
