package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"steward"
	"steward/playbooks"
	"steward/store"
)

type explainOptions struct {
	app      *app
	account  string
	playbook string
	on       string
}

func explainCommand(a *app) *cobra.Command {
	o := &explainOptions{app: a}
	c := &cobra.Command{
		Use:   "explain ACCOUNT [PLAYBOOK]",
		Short: "Say why something happened for an account, or why not",
		Long: `Answers in one sentence first. Then it shows each condition as written with what
its parts came to, the phase and the days that led to it, what was done and said
(oldest first), what an enrolment has to pass to be opened, and every gate before
what would be said next. ACCOUNT is an id or a part of a name.

Without PLAYBOOK every playbook is answered in a sentence.

--on goes back to a day: its data, judged by today's files, and what the ledger
says had been done by then.

Exit codes: 0 fine, 1 failed, 2 wrong usage.`,
		Args: cobra.RangeArgs(1, 2),
		RunE: func(c *cobra.Command, args []string) error {
			o.account = args[0]
			if len(args) > 1 {
				o.playbook = args[1]
			}
			return o.run(c.Context())
		},
	}
	c.Flags().StringVar(&o.on, "on", "", "a day in the past, such as 2026-03-12")
	return c
}

func (o *explainOptions) run(ctx context.Context) error {
	h, err := o.app.enter(ctx, store.Options{ReadOnly: true})
	if err != nil {
		return err
	}
	defer h.close()
	s, then, err := o.situation(ctx, h)
	if err != nil {
		return err
	}
	account, err := findAccount(s, o.account)
	if err != nil {
		return err
	}
	list, err := o.asked(h)
	if err != nil {
		return err
	}
	st, err := storyOf(ctx, h.db, s, account, list, then)
	if err != nil {
		return err
	}
	if !then {
		st.Silences = s.Silenced(account.ID, h.now())
	}
	if o.app.json {
		return o.app.printJSON(st)
	}
	e := explainer{app: o.app, book: h.book, width: paperWidth}
	if o.playbook == "" {
		e.overview(st)
		return nil
	}
	if len(st.Playbooks) == 0 {
		about := list[0].About
		fmt.Fprintf(o.app.stdout, "%s, %s: nothing happens, as the account has no %s and the playbook is about %ss.\n", st.Account, list[0].Name, about, about)
	}
	for i, x := range st.Playbooks {
		if i > 0 {
			fmt.Fprintln(o.app.stdout)
		}
		e.whole(st, x)
	}
	return nil
}

// situation is the facts of the last evaluation, or of the day asked for; then
// tells a day that is over.
func (o *explainOptions) situation(ctx context.Context, h *house) (s *playbooks.Situation, then bool, err error) {
	if o.on == "" {
		s, err = h.lastSituation(ctx)
		return s, false, err
	}
	day, err := steward.ParseDay(o.on)
	if err != nil {
		return nil, false, usagef("--on: %v", err)
	}
	slot, err := slotOn(h.ws, day)
	if err != nil {
		return nil, false, err
	}
	engine := h.engine(nil, nil)
	last, err := engine.LastSlot(ctx)
	if err != nil {
		return nil, false, err
	}
	if last.IsZero() {
		last = steward.SlotAt(h.now())
	}
	switch {
	case slot == last:
		s, err = h.lastSituation(ctx)
		return s, false, err
	case slot.Time().After(last.Time()):
		return nil, false, usagef("--on: the evaluation of %s is still to come; the last one is of %s\nLook ahead with: steward plan --on %s", day, h.date(last.Time()), day)
	}
	s, err = engine.Situation(ctx, slot)
	return s, true, err
}

// asked is the playbooks to tell about.
func (o *explainOptions) asked(h *house) ([]*playbooks.Playbook, error) {
	if o.playbook == "" {
		return h.book.Playbooks, nil
	}
	p, ok := h.book.Playbook(steward.PlaybookName(o.playbook))
	if !ok {
		hint := "there is " + strings.Join(h.book.Names(), ", ")
		if n := steward.Nearest(o.playbook, h.book.Names()); n != "" {
			hint = "did you mean " + n + "?"
		}
		return nil, usagef("there is no playbook %q; %s", o.playbook, hint)
	}
	return []*playbooks.Playbook{p}, nil
}

// lastSituation is the facts of the last evaluation, or of now before the
// first.
func (h *house) lastSituation(ctx context.Context) (*playbooks.Situation, error) {
	engine := h.engine(nil, nil)
	slot, err := engine.LastSlot(ctx)
	if err != nil {
		return nil, err
	}
	if slot.IsZero() {
		slot = steward.SlotAt(h.now())
	}
	return engine.Situation(ctx, slot)
}

// findAccount finds an account by id, else by a part of its name that no other
// has.
func findAccount(s *playbooks.Situation, text string) (*steward.Account, error) {
	view := s.Frame.View(steward.AboutAccount)
	if row, ok := view.Row(text); ok {
		return view.Account(row), nil
	}
	var found []*steward.Account
	var names []string
	for row := range view.Len() {
		a := view.Account(row)
		if strings.EqualFold(a.Name, text) || strings.EqualFold(string(a.ID), text) {
			return a, nil
		}
		if strings.Contains(strings.ToLower(a.Name), strings.ToLower(text)) {
			found = append(found, a)
		}
		names = append(names, a.Name, string(a.ID))
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		hint := "steward accounts lists them"
		if n := steward.Nearest(text, names); n != "" {
			hint = fmt.Sprintf("did you mean %q?", clean(n))
		}
		return nil, fmt.Errorf("there is no account %q; %s", text, hint)
	}
	var some []string
	for _, a := range found[:min(5, len(found))] {
		some = append(some, fmt.Sprintf("%s %s", a.ID, clean(a.Name)))
	}
	return nil, fmt.Errorf("%s are called something like %q: %s\nSay which by its id", count(len(found), "account"), text, strings.Join(some, ", "))
}

// A story is all that explain tells of an account.
type story struct {
	Account steward.AccountID `json:"account"`
	Name    string            `json:"name"`
	Slot    steward.Slot      `json:"slot"`
	// Then tells a time that is over: judged by today's files on the data of
	// then, with what the ledger says had been done.
	Then bool `json:"then,omitempty"`
	// Summary is the answer where no playbook was asked about.
	Summary string            `json:"summary"`
	Health  playbooks.Health  `json:"health"`
	Journey playbooks.Journey `json:"journey"`
	// Moved says how health moved over four weeks and why; "" where it did not.
	Moved string `json:"health_moved,omitempty"`
	// Silences is what people silenced of it, a sentence each; none of a time that
	// is over.
	Silences  []string        `json:"silences,omitempty"`
	Playbooks []playbookStory `json:"playbooks"`
}

// A playbookStory is one subject's dealings with one playbook.
type playbookStory struct {
	playbooks.Explanation
	// Timeline is what was done in the enrolment, oldest first.
	Timeline []event `json:"timeline,omitempty"`
	// Earlier is the enrolments before it, newest first.
	Earlier []steward.Enrolment `json:"earlier,omitempty"`
}

// An event is something that was decided or done in an enrolment.
type event struct {
	At   time.Time `json:"at"`
	Step string    `json:"step,omitempty"`
	To   string    `json:"to,omitempty"`
	// What is the stored reason, or what happened to a message: planned, taken.
	What    string            `json:"what"`
	Detail  string            `json:"detail,omitempty"`
	Message steward.MessageID `json:"message,omitempty"`
	// Times and Last tell the same thing decided again and again.
	Times int       `json:"times,omitempty"`
	Last  time.Time `json:"last,omitzero"`

	ends bool // it is how the enrolment ended
}

// chronicle is where a story's doings are kept.
type chronicle interface {
	Enrolments(ctx context.Context, f store.EnrolmentFilter) ([]steward.Enrolment, error)
	OutreachOf(ctx context.Context, enrolments []steward.EnrolmentID) ([]steward.Outreach, map[steward.MessageID]steward.Message, error)
	Records(ctx context.Context, f store.RecordFilter) ([]steward.Record, error)
	seats
}

// storyOf gathers what there is to tell of an account and some playbooks.
func storyOf(ctx context.Context, db chronicle, s *playbooks.Situation, account *steward.Account, list []*playbooks.Playbook, then bool) (story, error) {
	st := story{Account: account.ID, Name: account.Name, Slot: s.Slot, Then: then, Playbooks: []playbookStory{}}
	all, err := db.Enrolments(ctx, store.EnrolmentFilter{Account: account.ID})
	if err != nil {
		return st, err
	}
	done := playbooks.Doings{Enrolments: all}
	if then {
		ids := make([]steward.EnrolmentID, len(all))
		for i, e := range all {
			ids[i] = e.ID
		}
		if done.Outreach, done.Messages, err = db.OutreachOf(ctx, ids); err != nil {
			return st, err
		}
	}
	until := s.Now
	if !then {
		until = time.Time{} // all there is
	}
	for _, p := range list {
		for _, subject := range s.Subjects(p, account.ID) {
			x, err := explained(s, p, subject, done, then)
			if err != nil {
				return st, err
			}
			if err := withLimits(ctx, db, &x); err != nil {
				return st, err
			}
			told := playbookStory{Explanation: x}
			if x.Enrolment != nil {
				if told.Timeline, err = timelineOf(ctx, db, *x.Enrolment, until); err != nil {
					return st, err
				}
				told.Earlier = earlier(all, *x.Enrolment)
			}
			st.Playbooks = append(st.Playbooks, told)
		}
	}
	st.Health, _ = s.Health(account.ID, 0)
	st.Journey, _ = s.Journey(account.ID, 0)
	st.Moved = s.HealthChange(account.ID)
	st.Summary = st.summary(s.Book.Zone)
	return st, nil
}

func explained(s *playbooks.Situation, p *playbooks.Playbook, subject steward.Subject, done playbooks.Doings, then bool) (playbooks.Explanation, error) {
	if then {
		return s.ExplainThen(p, subject, done)
	}
	return s.Explain(p, subject)
}

// earlier is the enrolments of the same playbook and subject that were opened
// before one, newest first.
func earlier(all []steward.Enrolment, than steward.Enrolment) []steward.Enrolment {
	var out []steward.Enrolment
	for _, e := range all {
		if e.Playbook == than.Playbook && e.Subject == than.Subject && e.ID != than.ID && e.OpenedAt.Before(than.OpenedAt) {
			out = append(out, e)
		}
	}
	return out
}

// summary says in one sentence what is going on with an account.
func (st story) summary(zone *time.Location) string {
	var in, held []string
	idle := 0
	seen := map[steward.PlaybookName]bool{}
	for _, x := range st.Playbooks {
		name := string(x.Playbook)
		if x.Subject.Kind != steward.AboutAccount {
			name += " (" + x.Subject.ID + ")"
		}
		switch e := x.Enrolment; {
		case e == nil || x.Opening != nil:
			if !seen[x.Playbook] {
				idle++
			}
		case e.StepSince.IsZero():
			held = append(held, name)
		default:
			in = append(in, name)
		}
		seen[x.Playbook] = true
	}
	is, does := "is", "do"
	if idle == 1 {
		does = "does"
	}
	who := string(st.Account)
	if st.Then {
		is, does, who = "was", "did", "on "+st.Slot.Day(zone).String()+" "+who
	}
	var parts []string
	if len(in) > 0 {
		parts = append(parts, is+" enrolled in "+strings.Join(in, ", "))
	}
	if len(held) > 0 {
		parts = append(parts, is+" held in "+strings.Join(held, ", "))
	}
	switch {
	case len(parts) == 0:
		return fmt.Sprintf("%s %s enrolled in none of %s.", who, is, count(len(seen), "playbook"))
	case idle > 0:
		more := "more playbooks"
		if idle == 1 {
			more = "more playbook"
		}
		parts = append(parts, fmt.Sprintf("%d %s %s nothing", idle, more, does))
	}
	return who + " " + strings.Join(parts, "; ") + "."
}

// recordsTold is how many of an enrolment's decisions are read: an enrolment of
// months whose mail is put off day by day stays well below.
const recordsTold = 500

// timelineOf is what was done in an enrolment up to a moment (zero: now), oldest
// first.
func timelineOf(ctx context.Context, db chronicle, e steward.Enrolment, until time.Time) ([]event, error) {
	outreach, messages, err := db.OutreachOf(ctx, []steward.EnrolmentID{e.ID})
	if err != nil {
		return nil, err
	}
	records, err := db.Records(ctx, store.RecordFilter{Account: e.Subject.Account, Enrolment: e.ID, Limit: recordsTold})
	if err != nil {
		return nil, err
	}
	to := map[steward.OutreachID]steward.Outreach{}
	for _, o := range outreach {
		to[o.ID] = o
	}
	var out []event
	begun := false
	for _, r := range slices.Backward(records) {
		ev := event{At: r.At.Time(), Step: r.Step, What: string(r.Reason), Detail: r.Detail, Message: r.Message}
		if o, ok := to[r.Outreach]; ok {
			ev.Step, ev.To, ev.Message = o.Step, recipientWords(o.To), o.Message
		}
		begun, ev.ends = begun || ev.opens(), !e.EndedAt.IsZero() && r.Reason == e.Reason && r.Step == ""
		out = append(out, ev)
	}
	if !begun {
		out = append(out, event{At: e.OpenedAt, What: string(steward.ReasonOpened), Detail: strings.Join(playbooks.Words(e.Evidence), "; ")})
	}
	for _, o := range outreach {
		if o.Suppressed == "" {
			out = append(out, event{At: o.Planned, Step: o.Step, To: recipientWords(o.To), What: "planned", Message: o.Message})
		}
	}
	told := slices.ContainsFunc(out, func(ev event) bool {
		return slices.Contains([]steward.Reason{steward.ReasonTaken, steward.ReasonClaimed, steward.ReasonTouchSeen}, steward.Reason(ev.What))
	})
	if !e.AckedAt.IsZero() && !told && !e.AckedAt.Equal(e.FinishedAt) {
		out = append(out, event{At: e.AckedAt, What: "taken", Detail: "by " + e.AckedBy})
	}
	slices.SortStableFunc(out, func(a, b event) int {
		if c := a.At.Compare(b.At); c != 0 {
			return c
		}
		return a.rank() - b.rank()
	})
	if !until.IsZero() {
		return folded(slices.DeleteFunc(out, func(ev event) bool { return ev.At.After(until) })), nil
	}
	return append(folded(out), pending(outreach, messages, out[len(out)-1].At)...), nil
}

// rank orders what happened in one second: an opening, what somebody did, what
// was decided about steps, what was planned, what became of it, the end.
func (ev event) rank() int {
	switch {
	case ev.ends:
		return 5
	case ev.opens():
		return 0
	case ev.What == "taken":
		return 1
	case ev.What == "planned":
		return 3
	case ev.To != "":
		return 4
	}
	return 2
}

// opens tells the event with which an enrolment begins.
func (ev event) opens() bool {
	switch steward.Reason(ev.What) {
	case steward.ReasonOpened, steward.ReasonBaseline, steward.ReasonBlastRadius:
		return true
	}
	return false
}

// folded makes one of the same thing decided again and again.
func folded(events []event) []event {
	var out []event
	for _, ev := range events {
		if n := len(out) - 1; n >= 0 && out[n].Step == ev.Step && out[n].What == ev.What && out[n].To == ev.To && ev.Step != "" {
			out[n].Times, out[n].Last = max(1, out[n].Times)+1, ev.At
			continue
		}
		out = append(out, ev)
	}
	return out
}

// pending is what is on its way and where it stands. What could have gone is due
// now, which is when the last thing happened.
func pending(outreach []steward.Outreach, messages map[steward.MessageID]steward.Message, now time.Time) []event {
	var out []event
	for _, o := range outreach {
		m, ok := messages[o.Message]
		if !ok || m.State.Settled() {
			continue
		}
		ev := event{At: m.Due, Step: o.Step, To: recipientWords(o.To), What: string(m.State), Detail: m.Detail, Message: m.ID}
		if m.State == steward.Planned || m.State == steward.Enqueued {
			// What it says is why it got there, which was told above.
			ev.What, ev.Detail = "due", ""
			if now.After(ev.At) {
				ev.At = now
			}
		}
		if m.State == steward.AwaitingApproval && !m.Veto.IsZero() {
			ev.At, ev.Detail = m.Veto, "goes then unless somebody stops it"
		}
		out = append(out, ev)
	}
	return out
}
