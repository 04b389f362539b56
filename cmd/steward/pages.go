package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"steward"
	"steward/configs"
	"steward/facts"
	"steward/jobs"
	"steward/notify"
	"steward/playbooks"
	"steward/series"
	"steward/store"
	"steward/web"
)

// How much a page shows. What is older, or more, has its command.
const (
	pageHistory = 1000 // of each kind of what happened, that is read
	pageEntries = 60   // of them, that are shown at once
	pageMails   = 50   // that wait
	pageHeld    = 12   // openings that are held, of each playbook
	pageFound   = 50   // accounts
	pageWeeks   = 26
)

// pageBook is a workspace's pages: what web shows, from the worker's last
// evaluation and the database.
type pageBook struct {
	db     *store.DB
	engine *jobs.Engine
	now    func() time.Time
	// ws is the workspace as last loaded.
	ws func() *configs.Workspace
}

var _ web.Pages = pageBook{}

// pageOptions is what the private listener needs for pages; without Pages there
// are none.
func (w *worker) pageOptions() web.PageOptions {
	if !w.ws.Pages.Enabled() {
		return web.PageOptions{}
	}
	return web.PageOptions{
		Pages: pageBook{db: w.db, engine: w.engine, now: w.now, ws: func() *configs.Workspace { return w.current.Load().ws }},
		Key:   w.signing(), Token: w.ws.Pages.Token, URL: w.ws.Pages.URL, Now: w.now,
	}
}

// bookInUse is the newest good one.
func (w *worker) bookInUse() *playbooks.Book { return w.current.Load().book }

// linked is a book whose cards lead to pages, where the workspace says at which
// address these are.
func linked(b *playbooks.Book, ws *configs.Workspace, signing steward.Secret) *playbooks.Book {
	base := ws.Pages.URL
	if base == "" {
		return b
	}
	b.PageLink = func(account steward.AccountID, owner steward.OwnerID, at time.Time) string {
		return web.PageLink(signing, base, account, owner, at)
	}
	return b
}

// Start is where people begin.
func (p pageBook) Start(ctx context.Context, _ web.Visitor, search, owner string) (web.StartView, error) {
	out := web.StartView{Search: search}
	counts, err := p.db.Counts(ctx)
	if err != nil {
		return out, err
	}
	out.Waiting, out.Held = counts.ByState[string(steward.AwaitingApproval)], counts.Quarantined
	err = p.engine.Look(ctx, steward.Standing{}, nil, func(s *playbooks.Situation) {
		out.AsOf = asOf(s)
		out.Owners = owners(s)
		if o, ok := s.Book.Owner(steward.OwnerID(owner)); ok {
			out.Owner = ownerName(o)
		}
		if search == "" && out.Owner == "" {
			return
		}
		text := strings.ToLower(search)
		found, all := s.Glimpses(pageFound, func(a steward.Account) bool {
			return (out.Owner == "" || string(a.Owner) == owner) && (strings.Contains(strings.ToLower(a.Name), text) || strings.Contains(strings.ToLower(string(a.ID)), text))
		})
		out.Total = all
		for _, g := range found {
			out.Listed = append(out.Listed, glimpsed(s, g))
		}
	})
	return out, err
}

func glimpsed(s *playbooks.Situation, g playbooks.Glimpse) web.AccountRow {
	row := web.AccountRow{ID: g.Account.ID, Name: nameOf(g.Account), Owner: ownerName(g.Owner), ARR: amount(g.Account), Stage: words(g.Stage), Health: web.Chip{Text: "not known", Tone: web.Quiet}}
	if g.Account.RenewalDate != steward.NoDay {
		row.Renews = longDay(g.Account.RenewalDate)
	}
	if g.Health.Score.Known {
		row.Health = web.Chip{Text: fmt.Sprintf("%.0f %s", g.Health.Score.Num, g.Health.Grade), Tone: gradeTone(g.Health.Grade)}
	}
	return row
}

// owners is who looks after how many accounts, by name; those who look after
// none are left out.
func owners(s *playbooks.Situation) []web.OwnerRow {
	n := map[steward.OwnerID]int{}
	for _, a := range s.Frame.Portfolio().Accounts {
		n[a.Owner]++
	}
	var out []web.OwnerRow
	for id, accounts := range n {
		if o, ok := s.Book.Owner(id); ok {
			out = append(out, web.OwnerRow{ID: id, Name: ownerName(o), Accounts: accounts})
		}
	}
	slices.SortFunc(out, func(a, b web.OwnerRow) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID)) })
	return out
}

// Account is all there is to see of one account.
func (p pageBook) Account(ctx context.Context, v web.Visitor, id steward.AccountID, q web.TimelineQuery) (web.AccountView, error) {
	d, err := p.read(ctx, id)
	if err != nil {
		return web.AccountView{}, err
	}
	var out web.AccountView
	known := false
	err = p.engine.Look(ctx, d.story.Standing, d.story.Ended, func(s *playbooks.Situation) {
		var about playbooks.About
		if about, known = s.About(id); known {
			out = accountView(s, about, d)
		}
	})
	switch {
	case err != nil:
		return out, err
	case !known:
		return out, web.ErrNoSuchAccount
	}
	ws := p.ws()
	if ws.CRMLink != "" {
		out.CRM = crmAddress(ws.CRMLink, id)
	}
	if pause := d.story.Standing.Pause; !pause.IsZero() {
		out.Notices = append(out.Notices, fmt.Sprintf("All sending is paused since %s, by %s: %s", stamp(pause.At, ws.Zone), pause.By, pause.Reason))
	}
	evidence := map[steward.EnrolmentID][]string{}
	for _, e := range d.story.Standing.Open {
		evidence[e.ID] = playbooks.Words(e.Evidence)
	}
	carries := map[steward.MessageID][]steward.Outreach{}
	for _, o := range d.story.Outreach {
		carries[o.Message] = append(carries[o.Message], o)
	}
	for _, m := range d.story.Messages {
		if m.State == steward.AwaitingApproval {
			out.Waiting = append(out.Waiting, p.mail(v, m, carries[m.ID], evidence, ""))
		}
	}
	out.Timeline = timeline(d.story, carries, q, ws)
	return out, nil
}

// dossier is what the database has about an account beside what is remembered of
// it.
type pageData struct {
	story    steward.Story
	silences []steward.Silence
	scores   map[string]series.Series
	metrics  map[string]map[steward.AccountID]series.Series
	now      time.Time
}

func (p pageBook) read(ctx context.Context, id steward.AccountID) (d pageData, err error) {
	d.now = p.now()
	if d.story, err = p.db.Story(ctx, id, pageHistory); err != nil {
		return d, err
	}
	if d.silences, err = p.db.Silences(ctx, d.now, false); err != nil {
		return d, err
	}
	if d.scores, err = p.db.Scores(ctx, id); err != nil {
		return d, err
	}
	var names []string
	for _, m := range p.ws().Metrics {
		names = append(names, m.Name)
	}
	d.metrics, err = p.db.SeriesOf(ctx, []steward.AccountID{id}, names)
	return d, err
}

// accountView is an account's page without what has to do with the visitor.
func accountView(s *playbooks.Situation, a playbooks.About, d pageData) web.AccountView {
	out := web.AccountView{ID: a.Account.ID, Name: nameOf(a.Account), Segment: a.Account.Segment, AsOf: asOf(s),
		Facts: accountFacts(a), Health: healthView(s, a, d.scores), Metrics: metricViews(s, a, d.metrics), Journey: journeyView(s, a.Journey),
		NoTouches: !s.Frame.Portfolio().Feeds("touches")}
	switch a.InPortfolio {
	case steward.Fails:
		out.Notices = append(out.Notices, "Steward does nothing about this account: portfolio.include does not take it in.")
	case steward.Unclear:
		out.Notices = append(out.Notices, "Steward does nothing about this account: it is not known whether portfolio.include takes it in.")
	}
	for _, person := range a.People {
		out.People = append(out.People, personView(s, person, d.story.Incoming, a.Today, out.NoTouches))
	}
	for _, x := range a.Playbooks {
		out.Playbooks = append(out.Playbooks, playbookView(s, x))
	}
	for i, t := range d.story.Tasks {
		if t.State == steward.TaskOpen || i < 8 {
			out.Tasks = append(out.Tasks, taskShown(s, t, a.Today))
		}
	}
	out.Silences = silenceViews(s, a, d)
	for _, aim := range a.Aims {
		out.Aims = append(out.Aims, aimView(aim))
	}
	return out
}

func accountFacts(a playbooks.About) []web.Field {
	var out []web.Field
	add := func(f web.Field) {
		if f.Text != "" {
			out = append(out, f)
		}
	}
	add(web.Field{Label: "ARR", Text: amount(a.Account)})
	if d := a.Account.RenewalDate; d != steward.NoDay {
		f := web.Field{Label: "Renews", Text: longDay(d)}
		switch n := int(d - a.Today); {
		case n < 0:
			f.More, f.Tone = "which is past", web.Bad
		case n == 0:
			f.More, f.Tone = "today", web.Warn
		default:
			f.More = "in " + count(n, "day")
		}
		add(f)
	}
	owner := web.Field{Label: "Owner", Text: ownerName(a.Owner)}
	if owner.Text == "" {
		owner = web.Field{Label: "Owner", Text: "nobody", Tone: web.Warn}
	}
	add(owner)
	stage := web.Field{Label: "Stage", Text: words(a.Journey.Stage)}
	if d := a.Journey.Days; d.Known {
		stage.More = "for " + count(int(d.Num), "day")
	}
	add(stage)
	add(web.Field{Label: "Status", Text: a.Account.Status})
	return out
}

func healthView(s *playbooks.Situation, a playbooks.About, scores map[string]series.Series) web.HealthView {
	h, rules := a.Health, s.Book.Settings.Health
	out := web.HealthView{Grade: h.Grade, Tone: gradeTone(h.Grade), Sentence: sentence(a.Moved)}
	last := a.Today
	if h.Score.Known {
		out.Score = fmt.Sprintf("%.0f", h.Score.Num)
	} else {
		out.Sentence = sentence(h.Why)
	}
	if o := h.Override; o != nil {
		out.Override = fmt.Sprintf("%s said so on %s, until %s: %s", called(s, o.By), longDay(o.From), longDay(o.Until), o.Because)
		if h.Computed.Known {
			out.Override += fmt.Sprintf(" The score without it is %.0f.", h.Computed.Num)
		}
	}
	first := last - 7*pageWeeks + 1
	out.Plot = web.HealthPlot{First: first, Values: daysOf(scores["health"], first, last), Red: rules.Red, Yellow: rules.Yellow}
	out.Plot.Alt = scoreAlt("Health", out.Plot.Values, "half a year")
	for _, o := range a.Overrides {
		until := o.Until
		if o.Cleared != steward.NoDay {
			until = o.Cleared - 1
		}
		if until >= o.From {
			out.Plot.Said = append(out.Plot.Said, web.DaySpan{First: o.From, Last: until, Label: fmt.Sprintf("%s said %.0f: %s", called(s, o.By), o.Health, o.Because)})
		}
	}
	for _, part := range h.Parts {
		values := daysOf(scores["health."+part.Name], first, last)
		view := web.HealthPartView{Name: part.Words, Weight: fmt.Sprintf("%.0f%%", 100*part.Share), Plot: web.LinePlot{Values: values, Alt: scoreAlt(part.Words, values, "half a year")}}
		if part.Score.Known {
			view.Score = fmt.Sprintf("%.0f", part.Score.Num)
		} else {
			view.Why = part.Why
		}
		out.Parts = append(out.Parts, view)
	}
	return out
}

// daysOf is a series day by day, unknown where it has none. Days before the first
// known one are left as gaps, so that plots stand under each other.
func daysOf(of series.Series, first, last steward.Day) []steward.Value {
	out := make([]steward.Value, 0, last-first+1)
	for d := first; d <= last; d++ {
		v := steward.Unknown(steward.NumberKind)
		if x, ok := of.At(d); ok {
			v = steward.Num(x)
		}
		out = append(out, v)
	}
	return out
}

// scoreAlt tells in a sentence what a line shows.
func scoreAlt(what string, values []steward.Value, over string) string {
	var low, high, from, to steward.Value
	for _, v := range values {
		if !v.Known {
			continue
		}
		if !from.Known {
			from, low, high = v, v, v
		}
		to = v
		low.Num, high.Num = min(low.Num, v.Num), max(high.Num, v.Num)
	}
	if !from.Known {
		return what + ": nothing is known"
	}
	return fmt.Sprintf("%s over %s: from %.0f to %.0f, lowest %.0f, highest %.0f", what, over, from.Num, to.Num, low.Num, high.Num)
}

// metricViews is every metric of the workspace, those that the account has and
// that playbooks look at first. What they come to is worked out as conditions
// have it.
func metricViews(s *playbooks.Situation, a playbooks.About, values map[string]map[steward.AccountID]series.Series) []web.MetricView {
	in := facts.Input{Slot: s.Slot, Zone: s.Book.Zone, Portfolio: steward.Portfolio{Accounts: []steward.Account{a.Account}}, Fields: s.Book.Fields}
	for _, m := range a.Metrics {
		in.Metrics = append(in.Metrics, facts.Metric{Spec: m.Spec, Through: m.End, Stale: m.Stale, Series: values[m.Spec.Name]})
	}
	view := facts.At(in).View(steward.AboutAccount)
	var out []web.MetricView
	for _, m := range a.Metrics {
		out = append(out, metricView(view, m))
	}
	slices.SortStableFunc(out, func(a, b web.MetricView) int {
		return cmp.Or(btoi(a.Plot.Empty())-btoi(b.Plot.Empty()), btoi(len(a.By) == 0)-btoi(len(b.By) == 0))
	})
	return out
}

func metricView(view *facts.View, m playbooks.MetricRead) web.MetricView {
	out := web.MetricView{Name: words(m.Spec.Name), By: m.By, Health: m.Health, Unit: "in the last week"}
	if m.Spec.Kind == steward.Count {
		out.Unit = "a day in the last week"
	}
	switch {
	case m.End == steward.NoDay:
		out.Note = "Nothing has been imported."
		return out
	case m.Stale:
		out.Note = "Its source is behind: nothing is known after " + longDay(m.End) + "."
	}
	const week = 7
	out.Plot = web.BarPlot{First: m.End - week*pageWeeks + 1, Step: week}
	for i := pageWeeks - 1; i >= 0; i-- {
		out.Plot.Values = append(out.Plot.Values, view.WindowAt(0, facts.Avg, m.Spec.Name, week, i*week))
	}
	if now := out.Plot.Values[pageWeeks-1]; now.Known {
		out.Now = number(now.Num)
	}
	if before := view.WindowAt(0, facts.Avg, m.Spec.Name, 4*week, week); before.Known {
		out.Before = number(before.Num) + " in the four weeks before"
	}
	out.Plot.Alt = fmt.Sprintf("%s, a bar for each of %d weeks: %s now, %s", out.Name, pageWeeks, cmp.Or(out.Now, "not known"), cmp.Or(out.Before, "not known before"))
	return out
}

func journeyView(s *playbooks.Situation, j playbooks.Journey) web.JourneyView {
	out := web.JourneyView{Sentence: sentence(j.Sentence())}
	since := map[string]steward.Day{}
	for _, h := range j.History {
		since[h.Stage] = h.Since
	}
	for _, name := range s.Book.Stages() {
		v := web.StageView{Name: words(name), Now: name == j.Stage}
		if d, ok := since[name]; ok {
			v.Since = "since " + longDay(d)
			if !v.Now {
				v.Since = "from " + longDay(d)
			}
		}
		out.Stages = append(out.Stages, v)
	}
	for _, m := range j.Milestones {
		v := web.MilestoneView{Name: words(m.Name), Text: "not reached"}
		switch {
		case m.Reached == steward.Holds && m.On != steward.NoDay:
			v.Text, v.Tone = "reached on "+longDay(m.On), web.Good
		case m.Reached == steward.Holds:
			v.Text, v.Tone = "reached", web.Good
		case m.Overdue == steward.Holds:
			v.Text, v.Tone = "overdue", web.Bad
		case m.Why != "":
			v.Text = "not known: " + m.Why
		}
		out.Milestones = append(out.Milestones, v)
	}
	if j.Stuck == steward.Holds {
		out.Overlays = append(out.Overlays, web.Chip{Text: "stuck", Tone: web.Warn})
	}
	for _, o := range j.Overlays {
		if o.Holds == steward.Holds {
			out.Overlays = append(out.Overlays, web.Chip{Text: words(o.Name), Tone: web.Warn})
		}
	}
	return out
}

func personView(s *playbooks.Situation, p playbooks.Person, came []steward.Incoming, today steward.Day, noTouches bool) web.PersonView {
	out := web.PersonView{Name: cmp.Or(p.Name, "A person without a name"), Email: p.Email}
	for _, r := range p.Roles {
		out.Roles = append(out.Roles, words(r))
	}
	switch {
	case p.Last.ID != "":
		out.Touch = fmt.Sprintf("Last spoken with %s%s", longDay(p.Last.Day), byWhom(s, p.Last.By))
	case !noTouches:
		out.Touch = "Never spoken with, as far as the CRM knows"
	}
	if p.LastSeen != steward.NoDay {
		out.Seen = "Seen in the product " + longDay(p.LastSeen)
	}
	if p.Stopped != "" {
		out.Flags = append(out.Flags, web.Chip{Text: "no mail: " + words(p.Stopped), Tone: web.Bad})
	}
	address := strings.ToLower(strings.TrimSpace(p.Email))
	for _, c := range came {
		if c.Kind == steward.AutoReply && address != "" && c.Address == address && c.Back != steward.NoDay && c.Back > today {
			out.Flags = append(out.Flags, web.Chip{Text: "away until " + longDay(c.Back), Tone: web.Warn})
			break
		}
	}
	return out
}

func byWhom(s *playbooks.Situation, by string) string {
	if by == "" || strings.Contains(by, "@") {
		return ""
	}
	return " by " + called(s, by)
}

// playbookView is where an account stands with a playbook, in the words of
// explain.
func playbookView(s *playbooks.Situation, x playbooks.Explanation) web.PlaybookView {
	out := web.PlaybookView{Name: string(x.Playbook), Title: cmp.Or(x.Title, words(string(x.Playbook)))}
	if x.Subject.Kind != steward.AboutAccount {
		out.Title += " · " + x.Subject.String()
	}
	text, _ := strings.CutPrefix(x.Sentence, x.Subject.ID+", "+string(x.Playbook))
	out.Sentence = sentence(strings.TrimLeft(text, ":, "))
	open := x.Enrolment != nil && x.Enrolment.State.Open()
	switch ph := x.Phase.Phase; {
	case open && x.Enrolment.State == steward.Quarantined:
		out.State, out.Active = web.Chip{Text: "held", Tone: web.Warn}, true
	case open && x.Enrolment.SnoozedUntil.After(s.Now):
		out.State, out.Active = web.Chip{Text: "snoozed", Tone: web.Quiet}, true
	case open:
		out.State, out.Active = web.Chip{Text: "enrolled"}, true
	case ph != "" && ph != steward.Clear:
		out.State, out.Active = web.Chip{Text: string(ph), Tone: web.Warn}, true
	}
	if open {
		out.Notes = enrolmentNotes(s, *x.Enrolment)
	}
	out.Opening = checkViews(x.Opening)
	if n := x.Next; n != nil && out.Active {
		out.Next = "Next: " + n.What
		if n.Nobody != "" {
			out.Next += "; " + n.Nobody
		} else if n.To.Name != "" {
			out.Next += ", to " + n.To.Name
		}
		out.Gates = checkViews(n.Gates)
	}
	return out
}

func enrolmentNotes(s *playbooks.Situation, e steward.Enrolment) []string {
	zone := s.Book.Zone
	var out []string
	if !e.AckedAt.IsZero() {
		out = append(out, fmt.Sprintf("Taken by %s on %s.", called(s, e.AckedBy), stamp(e.AckedAt, zone)))
	}
	if e.SnoozedUntil.After(s.Now) {
		text := fmt.Sprintf("Snoozed by %s until %s", called(s, e.SnoozedBy), stamp(e.SnoozedUntil, zone))
		if e.SnoozedForChange {
			text += ", or until it changes"
		}
		out = append(out, text+".")
	}
	if !e.FinishedAt.IsZero() {
		out = append(out, sentence(fmt.Sprintf("dealt with by %s on %s: %s", called(s, e.FinishedBy), stamp(e.FinishedAt, zone), words(e.Outcome))))
	}
	if e.Unhelpful != "" {
		out = append(out, "Called not useful: "+words(e.Unhelpful)+".")
	}
	if !e.RepliedAt.IsZero() {
		out = append(out, "Somebody there replied on "+stamp(e.RepliedAt, zone)+".")
	}
	return out
}

func checkViews(checks []playbooks.Check) []web.CheckView {
	var out []web.CheckView
	for _, c := range checks {
		v := web.CheckView{Name: c.Name, Text: c.Detail, Tone: web.Good}
		switch {
		case c.Effect == steward.Suppress:
			v.Tone = web.Bad
		case !c.Passes():
			v.Tone = web.Warn
		}
		out = append(out, v)
	}
	return out
}

func taskShown(s *playbooks.Situation, t steward.Task, today steward.Day) web.TaskView {
	out := web.TaskView{Title: t.Title, Who: cmp.Or(called(s, string(t.Owner)), t.Name), Text: t.Outcome}
	switch t.State {
	case steward.TaskDone:
		out.State = web.Chip{Text: "done", Tone: web.Good}
		out.Due = stamp(t.At, s.Book.Zone)
	case steward.TaskDropped:
		out.State, out.Text = web.Chip{Text: "dropped", Tone: web.Quiet}, words(string(t.Reason))
	default:
		if t.Due != steward.NoDay {
			out.Due = "due " + longDay(t.Due)
		}
		if t.Overdue(today) {
			out.State = web.Chip{Text: "overdue", Tone: web.Bad}
		}
	}
	return out
}

// silenceViews is what keeps quiet about the account for now: silences that mean
// it, its owner, or everybody, and what somebody snoozed.
func silenceViews(s *playbooks.Situation, a playbooks.About, d pageData) []web.SilenceView {
	var out []web.SilenceView
	for _, x := range d.silences {
		if x.Account != "" && x.Account != a.Account.ID || x.Owner != "" && x.Owner != a.Owner.ID {
			continue
		}
		v := web.SilenceView{What: "Everything", Until: "until somebody ends it", Why: fmt.Sprintf("%s, by %s", x.Because, called(s, x.By))}
		if x.Playbook != "" {
			v.What = string(x.Playbook)
		}
		if x.When != "" {
			v.What += " while " + x.When
		}
		switch {
		case x.UntilResolved:
			v.Until = "until it is resolved"
		case !x.Until.IsZero():
			v.Until = "until " + stamp(x.Until, s.Book.Zone)
		}
		out = append(out, v)
	}
	for _, e := range d.story.Standing.Open {
		if e.SnoozedUntil.After(d.now) {
			out = append(out, web.SilenceView{What: string(e.Playbook), Until: "until " + stamp(e.SnoozedUntil, s.Book.Zone), Why: "snoozed by " + called(s, e.SnoozedBy)})
		}
	}
	return out
}

func aimView(a playbooks.Aim) web.AimView {
	out := web.AimView{Name: cmp.Or(a.Name, words(a.Metric)), Known: a.Progress.Known}
	var parts []string
	if a.Baseline.Known && a.Target.Known {
		parts = append(parts, fmt.Sprintf("%s from %s to %s", words(a.Metric), number(a.Baseline.Num), number(a.Target.Num)))
	}
	if a.Progress.Known {
		done := 100 * a.Progress.Num
		out.Done = int(min(100, max(0, done)))
		parts = append(parts, fmt.Sprintf("%.0f%% of the way", done))
	} else if a.Why != "" {
		parts = append(parts, a.Why)
	}
	if a.Due != steward.NoDay {
		parts = append(parts, "due "+longDay(a.Due))
	}
	out.Text = sentence(strings.Join(parts, ", "))
	return out
}

// Queue is what waits for a person.
func (p pageBook) Queue(ctx context.Context, v web.Visitor) (web.QueueView, error) {
	var out web.QueueView
	counts, err := p.db.Counts(ctx)
	if err != nil {
		return out, err
	}
	out.TotalMails = counts.ByState[string(steward.AwaitingApproval)]
	waiting, carries, err := p.db.Messages(ctx, store.MessageFilter{State: steward.AwaitingApproval, Limit: pageMails})
	if err != nil {
		return out, err
	}
	held, err := p.db.Enrolments(ctx, store.EnrolmentFilter{State: steward.Quarantined})
	if err != nil {
		return out, err
	}
	pause, err := p.db.Pause(ctx)
	if err != nil {
		return out, err
	}
	if !pause.IsZero() {
		out.Notices = append(out.Notices, fmt.Sprintf("All sending is paused since %s, by %s: %s", stamp(pause.At, p.ws().Zone), pause.By, pause.Reason))
	}
	evidence, err := p.evidence(ctx, carries)
	if err != nil {
		return out, err
	}
	err = p.engine.Look(ctx, steward.Standing{}, nil, func(s *playbooks.Situation) {
		for _, m := range waiting {
			out.Mails = append(out.Mails, p.mail(v, m, carries[m.ID], evidence, accountName(s, m.Account)))
		}
		out.Held = heldViews(s, held)
	})
	return out, err
}

// evidence is what was seen when the enrolments of messages were opened.
func (p pageBook) evidence(ctx context.Context, carries map[steward.MessageID][]steward.Outreach) (map[steward.EnrolmentID][]string, error) {
	out := map[steward.EnrolmentID][]string{}
	for _, list := range carries {
		for _, o := range list {
			if _, seen := out[o.Enrolment]; seen {
				continue
			}
			e, err := p.db.Enrolment(ctx, string(o.Enrolment))
			if err != nil && !errors.Is(err, store.ErrNotFound) {
				return nil, err
			}
			out[o.Enrolment] = playbooks.Words(e.Evidence)
		}
	}
	return out, nil
}

// mail is a mail that waits, as a visitor sees it.
func (p pageBook) mail(v web.Visitor, m steward.Message, carries []steward.Outreach, evidence map[steward.EnrolmentID][]string, account string) web.MailView {
	ws := p.ws()
	out := web.MailView{Message: m.ID, Version: m.Version, Account: m.Account, AccountName: account, To: mailTo(m.To), May: v.Trusted || v.Owner != "" && (slices.Contains(m.Approvers, v.Owner) || slices.Contains(ws.Approvers, v.Owner))}
	for _, o := range carries {
		out.Playbook = string(o.Playbook)
		out.Why = append(out.Why, evidence[o.Enrolment]...)
	}
	if c := m.Content; c != nil {
		out.Subject, out.From, out.Body = c.Title, c.From, bodyText(c)
		if c.ReplyTo != "" {
			out.From = strings.TrimSpace(out.From + " (answers go to " + c.ReplyTo + ")")
		}
	}
	var who []string
	for _, id := range slices.Concat(m.Approvers, ws.Approvers) {
		name := string(id)
		if o, ok := ws.Owner(id); ok {
			name = ownerName(o)
		}
		if !slices.Contains(who, name) {
			who = append(who, name)
		}
	}
	out.Who = cmp.Or(strings.Join(who, ", "), "nobody that owners.yaml knows")
	if !m.Veto.IsZero() {
		out.Veto = "goes on " + stamp(m.Veto, ws.Zone) + " unless somebody declines it"
	}
	if !m.Expires.IsZero() {
		out.Expires = "expires on " + stamp(m.Expires, ws.Zone)
	}
	return out
}

func mailTo(r steward.Recipient) string {
	name := r.Name
	if role, ok := strings.CutPrefix(r.Key, "role:"); ok {
		name = strings.TrimSpace(name + ", " + words(role))
	}
	if r.Email != "" {
		name += " <" + r.Email + ">"
	}
	return name
}

// bodyText is what a message says, as plain text.
func bodyText(c *steward.Content) string {
	var out []string
	for _, part := range c.Parts {
		text := notify.PlainWording(part.Markdown)
		if len(c.Parts) > 1 && part.Title != "" {
			text = part.Title + "\n" + text
		}
		for _, e := range part.Evidence {
			text += "\n• " + e
		}
		out = append(out, strings.TrimSpace(text))
	}
	return strings.Join(out, "\n\n")
}

// heldViews is held openings by playbook, those with most first.
func heldViews(s *playbooks.Situation, held []steward.Enrolment) []web.HeldView {
	at := map[steward.PlaybookName]int{}
	var out []web.HeldView
	for _, e := range held {
		i, ok := at[e.Playbook]
		if !ok {
			i = len(out)
			at[e.Playbook] = i
			v := web.HeldView{Playbook: e.Playbook, Title: words(string(e.Playbook)), Why: "they held at the first run of its condition"}
			if p, ok := s.Book.Playbook(e.Playbook); ok && p.Title != "" {
				v.Title = p.Title
			}
			if e.Reason == steward.ReasonBlastRadius {
				v.Why = "one run would have opened more than max_new"
			}
			out = append(out, v)
		}
		v := &out[i]
		if v.Count++; len(v.Some) < pageHeld {
			name := cmp.Or(accountName(s, e.Subject.Account), string(e.Subject.Account))
			if e.Subject.Kind != steward.AboutAccount {
				name += ", " + e.Subject.String()
			}
			v.Some = append(v.Some, web.HeldOne{Enrolment: e.ID, Account: e.Subject.Account, Name: name,
				Evidence: strings.Join(playbooks.Words(e.Evidence), "; "), Since: longDay(steward.DayOf(e.OpenedAt, s.Book.Zone))})
		}
	}
	slices.SortStableFunc(out, func(a, b web.HeldView) int { return cmp.Or(b.Count-a.Count, cmp.Compare(a.Playbook, b.Playbook)) })
	return out
}

// Act does what a visitor asks for, once. A visitor of one account does nothing
// about another.
func (p pageBook) Act(ctx context.Context, v web.Visitor, g steward.Gesture) (steward.Answer, error) {
	account, found, err := p.aboutWhom(ctx, g.Target)
	switch {
	case err != nil:
		return steward.Answer{}, err
	case !found:
		return steward.Answer{Text: "It is not there any more, so nothing was done."}, nil
	case v.Account != "" && account != v.Account:
		return steward.Answer{Text: "Your link is for another account, so nothing was done."}, nil
	}
	g.Target.Account = account
	return p.engine.Handle(ctx, g)
}

// aboutWhom is the account that a form is about; "" for all of a playbook.
func (p pageBook) aboutWhom(ctx context.Context, t steward.Target) (account steward.AccountID, found bool, err error) {
	switch {
	case t.Message != "":
		var m steward.Message
		m, err = p.db.Message(ctx, string(t.Message))
		account = m.Account
	case t.Enrolment != "":
		var e steward.Enrolment
		e, err = p.db.Enrolment(ctx, string(t.Enrolment))
		account = e.Subject.Account
	}
	if errors.Is(err, store.ErrNotFound) {
		return "", false, nil
	}
	return account, err == nil, err
}
