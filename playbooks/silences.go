package playbooks

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"steward"
	"steward/playbooks/lang"
)

// Silences are people's word that something is not to be said for a while: a
// gate, and the deeds that make and end them.

// gateSilenced puts off what somebody silenced. What is critical is silenced,
// too: a person said so.
func gateSilenced(s *Situation, c Candidate) steward.Decision {
	for _, q := range s.Memory.Silences {
		if !s.silences(q, c.Outreach, c.Enrolment) {
			continue
		}
		d := steward.Decision{Effect: steward.Defer, Reason: steward.ReasonSilenced, Until: q.Until, Detail: s.SilenceWords(q)}
		// A message is woken when a silence is ended early. A step that waits to be
		// planned is not, and what hangs on facts can change with them.
		if later := s.Now.Add(factsLook); q.Until.IsZero() || later.Before(q.Until) && (!c.AtSend || q.UntilResolved || q.When != "") {
			d.Until = later
		}
		return d
	}
	return steward.Decision{}
}

// silences tells whether a silence is about an outreach.
func (s *Situation) silences(q steward.Silence, o steward.Outreach, e steward.Enrolment) bool {
	if !q.Stands(s.Now) || q.Playbook != "" && q.Playbook != o.Playbook {
		return false
	}
	if q.UntilResolved && e.Episode.Time().After(q.From) {
		return false // what went on when it was said is over; this is another time
	}
	return s.silencesAccount(q, o.Subject.Account)
}

// silencesAccount tells whether what a silence says of accounts is so of one. A
// condition that is not known, or can no longer be read, silences nothing.
func (s *Situation) silencesAccount(q steward.Silence, id steward.AccountID) bool {
	if q.Account != "" && q.Account != id {
		return false
	}
	row, ok := s.accounts().Row(string(id))
	if !ok {
		return q.Owner == "" && q.When == ""
	}
	if q.Owner != "" && s.ownedBy(*s.accounts().Account(row)).Owner != q.Owner {
		return false
	}
	if q.When == "" {
		return true
	}
	e, err := s.Book.SilenceCondition(q.When)
	return err == nil && e.Value(s.accounts(), row, lang.At{}).Verdict() == steward.Holds
}

// SilenceWords is who silenced what, until when and why, as a sentence without
// its full stop.
func (s *Situation) SilenceWords(q steward.Silence) string {
	b := s.Book
	var about []string
	if q.Account != "" {
		about = append(about, "of "+s.nameOf(q.Account))
	}
	if q.Owner != "" {
		about = append(about, "about the accounts of "+b.named(string(q.Owner)))
	}
	if q.Playbook != "" {
		about = append(about, "of the playbook "+string(q.Playbook))
	}
	if q.When != "" {
		about = append(about, "where "+plainLine(q.When))
	}
	until := "until somebody ends it"
	switch {
	case !q.Until.IsZero() && q.UntilResolved:
		until = "until what went on then is over, and no longer than " + b.moment(q.Until)
	case !q.Until.IsZero():
		until = "until " + b.moment(q.Until)
	case q.UntilResolved:
		until = "until what went on then is over"
	}
	return fmt.Sprintf("%s silenced what is said %s %s: %s", b.named(q.By), strings.Join(about, " and "), until, plainLine(q.Because))
}

// moment is a time as it is told to people: a day where it is the day's
// beginning.
func (b *Book) moment(t time.Time) string {
	t = t.In(b.Zone)
	if t.Equal(steward.DayOf(t, b.Zone).Start(b.Zone)) {
		return t.Format("2 January 2006")
	}
	return t.Format("2 January 2006 15:04")
}

// silenceConditions keeps what was compiled of silences' conditions.
type silenceConditions struct {
	mu   sync.Mutex
	read map[string]silenceCondition
}

type silenceCondition struct {
	expr *lang.Expr
	err  error
}

// SilenceCondition reads the condition of a silence: once for each text, as
// gates ask for it at every message.
func (b *Book) SilenceCondition(text string) (*lang.Expr, error) {
	b.silenced.mu.Lock()
	defer b.silenced.mu.Unlock()
	if c, ok := b.silenced.read[text]; ok {
		return c.expr, c.err
	}
	var c silenceCondition
	var problems []lang.Problem
	if c.expr, problems = lang.Compile(text, b.Scope(steward.AboutAccount), steward.FlagKind); len(problems) > 0 {
		c.err = fmt.Errorf("%s: %s; %s", text, problems[0].Message, problems[0].Hint)
	}
	b.silenced.read[text] = c
	return c.expr, c.err
}

// MetricsOfSilences is every metric that the conditions of silences read.
func (b *Book) MetricsOfSilences(list []steward.Silence) []string {
	var out []string
	for _, q := range list {
		if q.When == "" {
			continue
		}
		if e, err := b.SilenceCondition(q.When); err == nil {
			out = append(append(out, e.Metrics()...), e.Loads()...)
		}
	}
	return out
}

// UnreadSilences are those that stand and whose condition can no longer be read,
// with why: they silence nothing.
func (s *Situation) UnreadSilences() map[int64]error {
	out := map[int64]error{}
	for _, q := range s.Memory.Silences {
		if q.When == "" || !q.Stands(s.Now) {
			continue
		}
		if _, err := s.Book.SilenceCondition(q.When); err != nil {
			out[q.ID] = err
		}
	}
	return out
}

// SilencesOver are those whose time is over, or all that they were about. The
// memory has to hold all that is open and every phase.
func (s *Situation) SilencesOver() []steward.Silence {
	var out []steward.Silence
	for _, q := range s.Memory.Silences {
		switch {
		case !q.Until.IsZero() && !s.Now.Before(q.Until):
			q.Ended, q.EndedBy = q.Until, "its time was over"
		case q.UntilResolved && !s.goesOn(q):
			q.Ended, q.EndedBy = s.Now, "what it was about is over"
		default:
			continue
		}
		out = append(out, q)
	}
	return out
}

// goesOn tells whether anything still goes on that did when a silence was said.
func (s *Situation) goesOn(q steward.Silence) bool {
	about := func(p steward.PlaybookName, subject steward.Subject, episode steward.Slot) bool {
		return (q.Playbook == "" || q.Playbook == p) && !episode.Time().After(q.From) && s.silencesAccount(q, subject.Account)
	}
	for _, e := range s.Memory.Open {
		if about(e.Playbook, e.Subject, e.Episode) {
			return true
		}
	}
	for _, st := range s.Memory.Phases {
		if phaseOf(st) != steward.Clear && about(st.Playbook, st.Subject, st.Episode) {
			return true
		}
	}
	return false
}

// longestSilence is for how long something can be silenced in one go: what
// should be quiet for longer is a matter for the playbook.
const longestSilence = 366 * 24 * time.Hour

// errSilenceUntil tells what a silence's end may be.
var errSilenceUntil = errors.New("write until when: a day such as 2026-11-30, how long such as 3d or 2w, or resolved")

// SilenceUntil reads when a silence ends: through a day, as 2026-11-30, after a
// while, as 12h, 3d or 2w, or when what it is about is resolved.
func SilenceUntil(text string, now time.Time, zone *time.Location) (until time.Time, resolved bool, err error) {
	text = strings.ToLower(strings.TrimSpace(text))
	if text == "resolved" || text == "until-resolved" {
		return time.Time{}, true, nil
	}
	if day, err := steward.ParseDay(text); err == nil {
		until = (day + 1).Start(zone) // the day itself is quiet, too
	} else if w, err := ParseWait(text); err == nil {
		until = w.After(now, zone)
	} else {
		return time.Time{}, false, errSilenceUntil
	}
	switch {
	case !until.After(now):
		return time.Time{}, false, fmt.Errorf("%s has passed", text)
	case until.Sub(now) > longestSilence:
		return time.Time{}, false, errors.New("at most a year can be silenced at once; what should never be said is a matter for the playbook")
	}
	return until.UTC().Truncate(time.Second), false, nil
}

// CheckSilence says why a silence cannot be kept; nil when it can.
func (s *Situation) CheckSilence(q steward.Silence) error {
	if q.Account == "" && q.Owner == "" && q.Playbook == "" && q.When == "" {
		return errors.New("say what is to be silent: an account, an owner, a playbook or a condition; to stop everything, steward pause")
	}
	if strings.TrimSpace(q.Because) == "" {
		return errors.New("say why: whoever wonders later what became of the account should find it")
	}
	if q.Account != "" {
		if _, ok := s.account(q.Account); !ok {
			return fmt.Errorf("there is no account %s", plainLine(string(q.Account)))
		}
	}
	if _, ok := s.Book.Owner(q.Owner); q.Owner != "" && !ok {
		return fmt.Errorf("there is no %s in owners.yaml", plainLine(string(q.Owner)))
	}
	if _, ok := s.Book.Playbook(q.Playbook); q.Playbook != "" && !ok {
		near := steward.Nearest(string(q.Playbook), s.Book.Names())
		if near != "" {
			near = "; did you mean " + near + "?"
		}
		return fmt.Errorf("there is no playbook %s%s", plainLine(string(q.Playbook)), near)
	}
	if q.When != "" {
		if _, err := s.Book.SilenceCondition(q.When); err != nil {
			return err
		}
	}
	if q.UntilResolved && !s.goesOn(q) {
		return errors.New("nothing goes on there that could be resolved; say until when instead")
	}
	return nil
}

// silence is the deed of silencing: it asks for what was not said, and takes an
// account, an owner, a playbook and a condition as Values or as the target.
func silence(s *Situation, d Doing) Done {
	q := steward.Silence{Account: d.Target.Account, Owner: steward.OwnerID(d.Values["owner"]), Playbook: d.Target.Playbook, When: strings.TrimSpace(d.Values["when"]),
		From: d.At, Because: strings.TrimSpace(d.Values["because"]), By: d.By.id(), ByOwner: d.By.Owner.ID}
	if name := d.Values["playbook"]; name != "" {
		q.Playbook = steward.PlaybookName(name)
	}
	if q.Account == "" && d.Dossier != nil {
		q.Account = d.Dossier.Message.Account
	}
	if !d.Sent && (d.Values["until"] == "" || q.Because == "") {
		return Done{Answer: steward.Answer{Form: s.silenceForm(d, q)}}
	}
	var err error
	if q.Until, q.UntilResolved, err = SilenceUntil(d.Values["until"], d.At, s.Book.Zone); err != nil {
		return wrongField(d, "until", err)
	}
	if q.Because == "" {
		return wrongField(d, "because", errors.New("say why: whoever wonders later should find it"))
	}
	if why := s.maySilence(d.By, q); why != "" {
		return refused(d, why)
	}
	if err := s.CheckSilence(q); err != nil {
		return refused(d, "It is not silenced: "+err.Error()+".")
	}
	act := actOf(d)
	act.Account, act.Playbook, act.Text, act.Until = q.Account, q.Playbook, q.Because, q.Until
	return Done{Act: act, Change: steward.Change{Account: q.Account, Silences: []steward.Silence{q}},
		Answer: steward.Answer{Text: "Done: " + s.SilenceWords(q) + ". What is still so then is said when it ends."}}
}

// maySilence says why somebody may not silence what a silence is about; "" when
// they may. An account is everybody's; what reaches across accounts is its
// owner's, their manager's and ops's.
func (s *Situation) maySilence(by Doer, q steward.Silence) string {
	owner := s.Book.owners[q.Owner]
	switch {
	case by.Ops:
		return ""
	case by.Owner.ID == "":
		return "Only people in owners.yaml can silence something. Ask ops to add you."
	case q.Account != "", q.Owner == by.Owner.ID, q.Owner != "" && owner.Manager == by.Owner.ID:
		return ""
	case q.Owner != "":
		return "What is said to " + s.Book.named(string(q.Owner)) + " can be silenced by them, their manager or ops."
	}
	return "What reaches across accounts is for ops to silence. Name an account, or ask them."
}

// wrongField is a form that cannot be taken, or, without one, a refusal.
func wrongField(d Doing, field string, err error) Done {
	if d.Sent {
		return Done{Answer: steward.Answer{Wrong: map[string]string{field: err.Error()}}}
	}
	return refused(d, "It is not silenced: "+err.Error()+".")
}

func (s *Situation) silenceForm(d Doing, q steward.Silence) *steward.Form {
	about := "what is said"
	if a, ok := s.account(q.Account); ok {
		about = plainLine(cmpName(a))
	} else if q.Owner != "" {
		about = "the accounts of " + s.Book.named(string(q.Owner))
	}
	f := &steward.Form{Title: "Silence", Intro: "Nothing is said of " + about + " for a while, not even what is critical. What is still so then is said when it ends.", Submit: "Silence",
		Target: d.Target, Fields: []steward.FormField{
			{Name: "until", Label: "For how long", Kind: steward.OneOf, Value: d.Values["until"], Options: []steward.Option{{Value: "3d", Label: "3 days"}, {Value: "1w", Label: "1 week"},
				{Value: "2w", Label: "2 weeks"}, {Value: "4w", Label: "4 weeks"}, {Value: "12w", Label: "12 weeks"}, {Value: "resolved", Label: "Until what goes on now is over"}}},
			{Name: "because", Label: "Why", Hint: "Whoever wonders later should find it.", Kind: steward.ShortText, Value: q.Because},
		}}
	f.Target.Verb, f.Target.Account = steward.VerbSilence, q.Account
	if q.Playbook != "" {
		f.Target.Playbook = q.Playbook
		return f
	}
	names := []steward.Option{{Value: "", Label: "All of them"}}
	for _, p := range s.Book.Playbooks {
		names = append(names, steward.Option{Value: string(p.Name), Label: p.Title})
	}
	if len(names) <= 100 { // what a menu holds in Slack
		f.Fields = append(f.Fields, steward.FormField{Name: "playbook", Label: "Which playbook", Kind: steward.OneOf, Options: names, Optional: true})
	}
	return f
}

func cmpName(a steward.Account) string {
	if a.Name != "" {
		return a.Name
	}
	return string(a.ID)
}

// unsilence is the deed of ending a silence: the one that Target.Item names, else
// those of the account.
func unsilence(s *Situation, d Doing) Done {
	var ended []steward.Silence
	for _, q := range s.Memory.Silences {
		named := d.Target.Item != "" && fmt.Sprint(q.ID) == d.Target.Item
		if !q.Stands(d.At) || !named && (d.Target.Item != "" || d.Target.Account == "" || q.Account != d.Target.Account) {
			continue
		}
		if s.maySilence(d.By, q) != "" && !d.By.is(q.By) {
			return refused(d, "That silence is "+s.Book.named(q.By)+"'s to end, or ops's.")
		}
		q.Ended, q.EndedBy = d.At, d.By.id()
		ended = append(ended, q)
	}
	if len(ended) == 0 {
		return refused(d, "Nothing is silenced there.")
	}
	slices.SortFunc(ended, func(a, b steward.Silence) int { return int(a.ID - b.ID) })
	act := actOf(d)
	act.Account = ended[0].Account
	return Done{Act: act, Change: steward.Change{Account: ended[0].Account, Silences: ended},
		Answer: steward.Answer{Text: "It is over. What was put off is looked at again within a few hours, if it is still so."}}
}
