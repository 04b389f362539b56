package playbooks

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"steward"
)

// Digests are what one of us gets once a day in place of cards: what is for
// their information, what did not fit into the day's cards, what came over days
// off, and what else there is to do.

// Keys of those whom digests are for.
const (
	digestKey = "digest"
	weeklyKey = "weekly"
)

// digestLate is how long after working hours begin the digest goes, so that what
// found no place among the morning's cards is in it; digestUsual is when it goes
// where nobody says when people work.
const (
	digestLate  = 15 * time.Minute
	digestUsual = 8*time.Hour + 30*time.Minute
	digestLasts = 6 * time.Hour // at least this long it is that day's
	digestsSeen = 3             // how many days ahead a place is looked for
)

// digestOwner is whose digest can take in what is said to somebody: a person's,
// or a pool's.
func (s *Situation) digestOwner(to steward.Recipient) (steward.Owner, bool) {
	o, ok := s.Book.owners[to.Owner]
	return o, ok && !to.Customer()
}

// digested says why an outreach is said in a digest in place of a card; "" where
// it is not. What is critical never is.
func (s *Situation) digested(o steward.Outreach, m steward.Message, verdict steward.Decision) steward.Reason {
	owner, ok := s.digestOwner(o.To)
	switch {
	case !ok || m.Kind != steward.Card || o.Severity == string(Critical):
		return ""
	case o.Severity == string(Info):
		return steward.ReasonInfo
	case owner.Pool == "" && verdict.Reason == steward.ReasonOutsideHours && s.overDaysOff(owner, verdict.Until):
		return steward.ReasonBacklog
	}
	return ""
}

// overDaysOff tells that a whole day off lies between now and when somebody's
// hours begin again, or that now is one.
func (s *Situation) overDaysOff(o steward.Owner, begin time.Time) bool {
	zone, hours := s.Book.zoneOfOwner(o), s.Book.hoursOf(o)
	first, last := steward.DayOf(s.Now, zone), steward.DayOf(begin, zone)
	for day := first; day < last; day++ {
		if hours.Off(day) {
			return true
		}
	}
	return false
}

func (b *Book) zoneOfOwner(o steward.Owner) *time.Location {
	if o.Zone != nil {
		return o.Zone
	}
	return b.Zone
}

// digestAt is when an owner's digest of a day goes, and until when it is that
// day's: in the evening what could not go joins the next.
func (b *Book) digestAt(o steward.Owner, day steward.Day) (at, evening time.Time) {
	zone, hours := b.zoneOfOwner(o), b.hoursOf(o)
	clock := b.Digest.At
	switch {
	case clock > 0:
	case hours.IsZero():
		clock = digestUsual
	default:
		clock = hours.From + digestLate
	}
	at = day.At(clock, zone)
	if !hours.IsZero() {
		end := hours.To
		if end <= hours.From {
			end += 24 * time.Hour
		}
		evening = day.Start(zone).Add(end)
	}
	if least := at.Add(digestLasts); evening.Before(least) {
		evening = least
	}
	return at, evening
}

// nextDigests are the next digests of an owner from a moment on, on the days
// that they work.
func (s *Situation) nextDigests(o steward.Owner, from time.Time) []steward.Message {
	var out []steward.Message
	hours := s.Book.hoursOf(o)
	day := steward.DayOf(from, s.Book.zoneOfOwner(o))
	for end := day + 60; day < end && len(out) < digestsSeen; day++ {
		if at, _ := s.Book.digestAt(o, day); !hours.Off(day) && !at.Before(from) {
			out = append(out, s.digestOf(o, day))
		}
	}
	if len(out) == 0 { // somebody who never works is told on a day like any other
		out = append(out, s.digestOf(o, day))
	}
	return out
}

// digestOf is an owner's digest of a day as it is planned.
func (s *Situation) digestOf(o steward.Owner, day steward.Day) steward.Message {
	at, evening := s.Book.digestAt(o, day)
	return steward.Message{ID: steward.DigestID(o.ID, day), Kind: steward.Digest, Channel: steward.Slack, To: recipientOf(o, digestKey), State: steward.Planned,
		Due: at.UTC(), Expires: evening.UTC(), Planned: s.Now, RetryUncertain: true}
}

// DigestMoments are when digests of a day go, after one moment and before
// another.
func (b *Book) DigestMoments(after, before time.Time) []time.Time {
	var out []time.Time
	for _, o := range b.Owners {
		zone := b.zoneOfOwner(o)
		for day := steward.DayOf(after, zone); day <= steward.DayOf(before, zone); day++ {
			if at, _ := b.digestAt(o, day); !b.hoursOf(o).Off(day) && at.After(after) && at.Before(before) {
				out = append(out, at.UTC())
			}
		}
	}
	out = append(out, b.weeklyMoments(after, before)...)
	slices.SortFunc(out, time.Time.Compare)
	return slices.CompactFunc(out, time.Time.Equal)
}

// join has an outreach said in a digest: of the first day that still takes it in.
func (w *walker) join(o *steward.Outreach, why steward.Reason, verdict steward.Decision) steward.Message {
	mv := w.intoDigest(*o, why, verdict)
	o.Message, o.Digested = mv.Into[0].ID, why
	w.Joins = append(w.Joins, mv)
	w.record(o.Step, o.ID, mv.Decision)
	return mv.Into[0]
}

// intoDigest moves an outreach into the next digest of whom it is for: the next
// after it may be said, where something keeps it back that is not the hour.
func (s *Situation) intoDigest(o steward.Outreach, why steward.Reason, verdict steward.Decision) steward.Move {
	owner, _ := s.digestOwner(o.To)
	from := s.Now
	if verdict.Effect == steward.Defer && verdict.Until.After(from) && verdict.Reason != steward.ReasonOutsideHours {
		from = verdict.Until
	}
	into := s.nextDigests(owner, from)
	return steward.Move{Outreach: o.ID, Into: into, Digested: why,
		Decision: steward.Decision{Effect: steward.Defer, Reason: why, Until: into[0].Due, Detail: s.whyDigested(why) + "; it comes in the digest of " + s.digestDay(owner, into[0])}}
}

// digestDay is a digest's day as people write it.
func (s *Situation) digestDay(o steward.Owner, m steward.Message) string {
	return m.Due.In(s.Book.zoneOfOwner(o)).Format("Monday 2 January")
}

// whyDigested says why something is in a digest.
func (s *Situation) whyDigested(why steward.Reason) string {
	switch why {
	case steward.ReasonInfo:
		return "for your information"
	case steward.ReasonBacklog:
		return "it came over days off"
	case steward.ReasonCapped:
		if words := s.Book.Limits.Owner.Words; words != "" {
			return "over your " + words
		}
		return "over your limit of cards"
	}
	return ""
}

// itemExpiry is until when something that stands in a digest is worth saying: as
// its step says. Where that says nothing it is longer than a card's, as who is
// told in a digest may be told late, and gates ask every time whether it is
// still so.
func (s *Situation) itemExpiry(o steward.Outreach, e steward.Enrolment) time.Time {
	lasts := itemLasts
	if p, ok := s.running(e); ok {
		if step, ok := p.step(o.Step); ok && step.Expires > 0 {
			lasts = step.Expires
		}
	}
	return o.Planned.Add(lasts)
}

const itemLasts = 28 * 24 * time.Hour

// judgeDigest decides about a digest at send. What of it is over is left out,
// what may not be said yet joins a later one, and what could not go by the
// evening joins the next.
func (s *Situation) judgeDigest(d steward.Dossier) Judgement {
	if d.Message.Content != nil && len(d.Outreach) == 0 && d.Message.To.Key == weeklyKey {
		return Judgement{Decision: s.judgeBare(d)}
	}
	owner, ok := s.Book.owners[d.Message.To.Owner]
	if !ok {
		owner = steward.Owner{ID: d.Message.To.Owner, Name: d.Message.To.Name, Slack: d.Message.To.Slack}
	}
	doubt := !d.Doubt.IsZero() // it may have been delivered: it stays as it is
	if !doubt && !s.Now.Before(d.Message.Expires) {
		return s.rollOver(d, owner)
	}
	if v := gatePaused(s, Candidate{Pause: d.Paused, AtSend: true}); !v.Passes() {
		return Judgement{Decision: v}
	}
	if v := s.outsideHours(d.Message.To, ""); !v.Passes() && !doubt {
		return Judgement{Decision: v}
	}
	if doubt {
		return Judgement{Decision: steward.Decision{Effect: steward.Pass}, Carried: d.Outreach}
	}
	j, deferred := s.judgeItems(d)
	if len(j.Carried) == 0 && len(s.agenda(owner, d.Agenda, d.Silences)) == 0 {
		return j.nothing(deferred)
	}
	j.Decision = steward.Decision{Effect: steward.Pass}
	for i, v := range deferred {
		if v.Passes() {
			continue
		}
		from := s.Now.Add(time.Second)
		if v.Until.After(from) {
			from = v.Until
		}
		into := s.nextDigests(owner, from)
		v.Detail += "; it is looked at again for the digest of " + s.digestDay(owner, into[0])
		j.Moves = append(j.Moves, steward.Move{Outreach: d.Outreach[i].ID, Into: into, Digested: d.Outreach[i].Digested, Decision: v})
	}
	return j
}

// judgeItems asks the gates about each outreach of a digest. deferred has the
// verdict of each that may not be said yet, by its place; a verdict that passes
// for the others.
func (s *Situation) judgeItems(d steward.Dossier) (j Judgement, deferred []steward.Decision) {
	optedOut := ""
	deferred = make([]steward.Decision, len(d.Outreach))
	for i, o := range d.Outreach {
		m := d.Message
		m.Expires = s.itemExpiry(o, d.Enrolments[i])
		verdict := s.Gate(Candidate{Outreach: o, Message: m, Enrolment: d.Enrolments[i], Phase: d.Phases[i], OptedOut: optedOut, Pause: d.Paused, AtSend: true})
		switch verdict.Effect {
		case steward.Suppress:
			j.LeftOut = append(j.LeftOut, leftOut(s, d.Message, o, verdict))
		case steward.Defer:
			deferred[i] = verdict
		default:
			j.Carried = append(j.Carried, o)
		}
	}
	return j, deferred
}

// nothing is the judgement of a digest that has nothing to say now: it is put
// off where something of it may be said later, else it ends.
func (j Judgement) nothing(deferred []steward.Decision) Judgement {
	var soonest steward.Decision
	for _, v := range deferred {
		if !v.Passes() && (soonest.Effect == "" || v.Until.Before(soonest.Until)) {
			soonest = v
		}
	}
	switch {
	case soonest.Effect != "":
		return Judgement{Decision: soonest}
	case len(j.LeftOut) > 0:
		return Judgement{Decision: j.LeftOut[0].Decision, LeftOut: j.LeftOut}
	}
	return Judgement{Decision: suppress(steward.ReasonEpisodeOver, "there is nothing left to say")}
}

// rollOver has what a digest could not say by the evening join the next.
func (s *Situation) rollOver(d steward.Dossier, owner steward.Owner) Judgement {
	into := s.nextDigests(owner, s.Now)
	day := s.digestDay(owner, into[0])
	j := Judgement{Decision: suppress(steward.ReasonExpired, "it could not go on its day; what it says comes in the digest of %s", day)}
	for _, o := range d.Outreach {
		j.Moves = append(j.Moves, steward.Move{Outreach: o.ID, Into: into, Digested: o.Digested,
			Decision: steward.Decision{Effect: steward.Defer, Reason: steward.ReasonInDigest, Until: into[0].Due, Detail: "its digest could not go on its day; it comes in that of " + day}})
	}
	return j
}

func leftOut(s *Situation, m steward.Message, o steward.Outreach, d steward.Decision) steward.Record {
	return steward.Record{At: steward.SlotAt(s.Now), Playbook: o.Playbook, Subject: o.Subject, Enrolment: o.Enrolment, Outreach: o.ID, Message: m.ID, Step: o.Step, Decision: d}
}

// ranked puts outreach in order: by how urgent it is, then by its playbook's
// priority, which sorts last where it is not known.
func ranked(a, b steward.Outreach) int {
	if by := severityRank(b.Severity) - severityRank(a.Severity); by != 0 {
		return by
	}
	switch {
	case a.Priority.Known != b.Priority.Known:
		if a.Priority.Known {
			return -1
		}
		return 1
	case a.Priority.Known:
		return cmp.Compare(b.Priority.Num, a.Priority.Num)
	}
	return 0
}

// ComposeDigest writes a digest: what it carries, by account, the most urgent
// account first, and then what else there is to do.
func (s *Situation) ComposeDigest(d steward.Dossier, carried []steward.Outreach) (steward.Content, error) {
	enrolments := map[steward.EnrolmentID]steward.Enrolment{}
	for _, e := range d.Enrolments {
		enrolments[e.ID] = e
	}
	owner := s.Book.owners[d.Message.To.Owner]
	agenda := s.agenda(owner, d.Agenda, d.Silences)
	c := steward.Content{Severity: string(Info), Footer: "Once a day at most, and only where there is something · Why anything is here: steward explain ACCOUNT"}
	groups := byAccount(carried)
	for _, g := range groups {
		for _, o := range g {
			c.Parts = append(c.Parts, s.item(d.Message, o, enrolments[o.Enrolment]))
		}
	}
	var counts []string
	for _, section := range agenda {
		counts = append(counts, section.count())
		c.Parts = append(c.Parts, section.parts()...)
	}
	c.Title = digestTitle(len(carried), len(groups), counts)
	if len(carried) > 0 {
		c.Severity = carriedSeverity(carried)
	}
	if len(carried) > 1 {
		lead := steward.ContentPart{Markdown: escapeMarkdown(s.lead(c.Parts[0], carried))}
		c.Parts = append([]steward.ContentPart{lead}, c.Parts...)
	}
	return c, nil
}

// byAccount groups outreach by account, each group and all groups by rank.
func byAccount(carried []steward.Outreach) [][]steward.Outreach {
	list := slices.Clone(carried)
	slices.SortStableFunc(list, ranked)
	var out [][]steward.Outreach
	at := map[steward.AccountID]int{}
	for _, o := range list {
		i, ok := at[o.Subject.Account]
		if !ok {
			i = len(out)
			at[o.Subject.Account] = i
			out = append(out, nil)
		}
		out[i] = append(out[i], o)
	}
	return out
}

func carriedSeverity(carried []steward.Outreach) string {
	return slices.MinFunc(carried, ranked).Severity
}

func digestTitle(items, accounts int, agenda []string) string {
	switch {
	case items == 0:
		return "Today: " + strings.Join(agenda, ", ")
	case items == 1:
		return "One thing to know"
	case accounts == 1:
		return fmt.Sprintf("%d things on one account", items)
	}
	return fmt.Sprintf("%d things on %d accounts", items, accounts)
}

func lowerFirst(s string) string {
	if s == "" {
		return s
	}
	return strings.ToLower(s[:1]) + s[1:]
}

// lead is a digest's first line: what is most urgent, and why the rest is here.
func (s *Situation) lead(first steward.ContentPart, carried []steward.Outreach) string {
	out := "First: " + first.Account
	if first.Title != "" {
		out += ", " + lowerFirst(first.Title)
	}
	out += "."
	counts := map[steward.Reason]int{}
	for _, o := range carried {
		counts[o.Digested]++
	}
	var why []string
	for _, c := range []struct {
		reason steward.Reason
		words  string
	}{{steward.ReasonCapped, s.whyDigested(steward.ReasonCapped)}, {steward.ReasonBacklog, "from days off"}, {steward.ReasonInfo, "for your information"}} {
		if n := counts[c.reason]; n > 0 {
			why = append(why, fmt.Sprintf("%d %s", n, c.words))
		}
	}
	if len(why) > 0 {
		out += " " + strings.Join(why, ", ") + "."
	}
	return out
}

// item is one thing in a digest. One that can no longer be worded is told all the
// same.
func (s *Situation) item(m steward.Message, o steward.Outreach, e steward.Enrolment) steward.ContentPart {
	a, _ := s.account(o.Subject.Account)
	part := steward.ContentPart{Playbook: o.Playbook, Title: string(o.Playbook), Account: plainLine(cmpName(a)), AccountID: o.Subject.Account, Severity: o.Severity, Enrolment: o.Enrolment, Why: s.whyDigested(o.Digested)}
	l, err := s.letter(o, e)
	if err != nil {
		part.Markdown = escapeMarkdown("It could not be worded: " + err.Error())
		return part
	}
	part.Title = l.playbook.Title
	if as := o.Assignment; as != nil {
		part.Title = "To do: " + part.Title
	}
	if words := l.evidence(); len(words) > 0 {
		part.Evidence = words[:1]
	}
	part.Facts = s.digestFacts(l)
	var at steward.Content
	s.links(&at, l.account.ID, m.To.Owner)
	part.Link, part.Page = at.Link, at.Page
	body, err := l.text(l.wording.body, true)
	if err != nil {
		part.Markdown = escapeMarkdown("It could not be worded: " + err.Error())
		return part
	}
	part.Markdown = strings.TrimSpace(body)
	if say, err := l.say(); err == nil {
		part.Say = say
	}
	return part
}

// digestFacts is what stands beside an account's name in a digest: less than on
// a card, and without what a card has in brackets, so that it is one line.
func (s *Situation) digestFacts(l letter) []steward.LabelledText {
	var out []steward.LabelledText
	for _, f := range s.cardFacts(l) {
		switch f.Label {
		case "ARR", "Renews", "Renewal", "Health":
			f.Text, _, _ = strings.Cut(f.Text, " (")
			out = append(out, f)
		case "Talk to":
			out = append(out, f)
		}
	}
	return out
}

// A section is one list of an agenda.
type section struct {
	title string
	// one and many say how much it is, in a digest that carries nothing else.
	one, many string
	entries   []entry
	// calls tells that it is worth a digest by itself today. What was told of
	// before is told again only beside something else.
	calls bool
}

// count is how much of a section there is.
func (x section) count() string {
	if len(x.entries) == 1 {
		return x.one
	}
	return fmt.Sprintf(x.many, len(x.entries))
}

// An entry is one line of a section, and what more there is to say of it.
type entry struct{ what, more string }

// shownEntries is how many entries of a section are told one by one.
const shownEntries = 10

// parts is a section as a digest has it: where an account's name would stand, its
// heading does.
func (x section) parts() []steward.ContentPart {
	var out []steward.ContentPart
	for _, e := range x.entries[:min(shownEntries, len(x.entries))] {
		part := steward.ContentPart{Account: x.title, Title: e.what}
		if e.more != "" {
			part.Evidence = []string{e.more}
		}
		out = append(out, part)
	}
	if more := len(x.entries) - shownEntries; more > 0 {
		out = append(out, steward.ContentPart{Account: x.title, Title: fmt.Sprintf("and %d more", more)})
	}
	return out
}

// agenda is what a digest tells beside what it carries: tasks due today or
// before, mail that waits for the owner or goes out today unless they stop it,
// and what ends soon of what they silenced or put off.
func (s *Situation) agenda(o steward.Owner, a steward.Agenda, silences []steward.Silence) []section {
	zone := s.Book.zoneOfOwner(o)
	today := steward.DayOf(s.Now, zone)
	tomorrow := (today + 1).Start(zone)
	last := today - 1 // the day of the digest before this one
	for hours := s.Book.hoursOf(o); hours.Off(last) && last > today-14; last-- {
	}
	tasks := section{title: "Due today or before", one: "a task is due", many: "%d tasks are due"}
	for _, t := range a.Tasks {
		if t.Due == steward.NoDay || t.Due > today {
			continue
		}
		when := "today"
		if t.Due < today {
			when = "since " + t.Due.Start(time.UTC).Format("Monday 2 January")
		}
		tasks.entries = append(tasks.entries, entry{s.nameOf(t.Subject.Account) + ": " + plainLine(t.Title), "due " + when})
		tasks.calls = tasks.calls || t.Due > last
	}
	goes := section{title: "Goes out today unless you stop it", one: "a mail goes out today", many: "%d mails go out today", calls: true}
	waits := section{title: "Waits for your go-ahead", one: "a mail waits for you", many: "%d mails wait for you"}
	for _, m := range a.Waiting {
		mail := entry{s.nameOf(m.Account) + ": a mail to " + plainLine(m.To.Name), ""}
		if m.Content != nil {
			mail.more = "\u201c" + plainLine(m.Content.Title) + "\u201d"
		}
		switch {
		case !m.Veto.IsZero() && m.Veto.Before(tomorrow):
			mail.what += ", at " + m.Veto.In(zone).Format("15:04")
			goes.entries = append(goes.entries, mail)
		case m.Veto.IsZero() && steward.DayOf(m.Planned, zone) < today: // else its card has just asked
			if !m.Expires.IsZero() {
				mail.what += ", until " + m.Expires.In(zone).Format("Monday 2 January")
				waits.calls = waits.calls || m.Expires.Before(tomorrow.AddDate(0, 0, 1))
			}
			waits.entries = append(waits.entries, mail)
		}
	}
	ends := section{title: "Ends soon", one: "a silence ends", many: "%d silences end", calls: true}
	for _, q := range silences {
		long := q.Until.Sub(q.From) > longSilence
		if q.ByOwner == o.ID && o.ID != "" && long && q.Stands(s.Now) && q.Until.Before(tomorrow.AddDate(0, 0, 1)) {
			ends.entries = append(ends.entries, entry{"Your silence ends " + s.Book.moment(q.Until), s.SilenceWords(q)})
		}
	}
	back := section{title: "Comes back today", one: "something you put off comes back", many: "%d things you put off come back"}
	for _, e := range a.Snoozed {
		if e.SnoozedUntil.Before(tomorrow) && e.SnoozedUntil.After(s.Now) {
			back.entries = append(back.entries, entry{s.nameOf(e.Subject.Account) + ": " + s.playbookTitle(e.Playbook), ""})
		}
	}
	return slices.DeleteFunc([]section{tasks, goes, waits, ends, back}, func(x section) bool { return len(x.entries) == 0 })
}

// longSilence is how long a silence has to be for its maker to be told before it
// ends: of a short one they remember.
const longSilence = 7 * 24 * time.Hour

func (s *Situation) nameOf(id steward.AccountID) string {
	if a, ok := s.account(id); ok {
		return plainLine(cmpName(a))
	}
	return plainLine(string(id))
}

// AgendaDigests are the digests of owners who have none yet and have something
// to do today: of those whose digest's time has come.
func (s *Situation) AgendaDigests(owners []steward.OwnerID, agendas map[steward.OwnerID]steward.Agenda) []steward.Message {
	var out []steward.Message
	for _, id := range owners {
		o, ok := s.Book.owners[id]
		if !ok || !slices.ContainsFunc(s.agenda(o, agendas[id], s.Memory.Silences), func(x section) bool { return x.calls }) {
			continue
		}
		out = append(out, s.digestOf(o, steward.DayOf(s.Now, s.Book.zoneOfOwner(o))))
	}
	return out
}

// DigestsDue are the owners whose digest's time has come today and whose evening
// has not, with the day in their zone.
func (b *Book) DigestsDue(now time.Time) map[steward.OwnerID]steward.Day {
	out := map[steward.OwnerID]steward.Day{}
	for _, o := range b.Owners {
		day := steward.DayOf(now, b.zoneOfOwner(o))
		if at, evening := b.digestAt(o, day); !b.hoursOf(o).Off(day) && !now.Before(at) && now.Before(evening) {
			out[o.ID] = day
		}
	}
	return out
}

// Anew tells a message that is worded again although an earlier attempt froze
// its words: it is known not to have arrived, and what it carries is another by
// now. What somebody approved stays as it is.
func (s *Situation) Anew(d steward.Dossier, j Judgement) bool {
	if d.Message.Content == nil || !d.Doubt.IsZero() || len(d.Outreach) == 0 && d.Message.To.Key != digestKey {
		return false
	}
	return d.Message.Kind == steward.Digest || d.Message.Kind == steward.Card && len(j.Carried) < len(d.Outreach)
}

// Overflow is where what a card carries goes where its owner has had all the
// cards of the day: their next digests. It is empty where the card waits for a
// place.
func (s *Situation) Overflow(d steward.Dossier) []steward.Message {
	owner, ok := s.digestOwner(d.Message.To)
	if !ok || owner.Pool != "" || d.Message.Kind != steward.Card || !d.Doubt.IsZero() || len(d.Outreach) == 0 {
		return nil
	}
	return s.nextDigests(owner, s.Now)
}
