package playbooks

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"steward"
	"steward/configs/strictyaml"
)

// otherOutcome is the outcome that says nothing without words of its own.
const otherOutcome = "other"

// outcomes are what can have come of something that was dealt with.
var outcomes = []steward.Option{
	{Value: "talked", Label: "Talked to them"},
	{Value: "mailed", Label: "Sent a mail"},
	{Value: "solved", Label: "It was solved"},
	{Value: "nothing", Label: "Nothing to do"},
	{Value: otherOutcome, Label: "Something else"},
}

// unhelpfulChoices are why a card can have been of no use.
var unhelpfulChoices = []steward.Option{
	{Value: steward.KnownAlready, Label: "Known already"},
	{Value: steward.WrongData, Label: "The data is wrong"},
	{Value: steward.WrongOwner, Label: "Not my account"},
	{Value: steward.BadTiming, Label: "Bad timing"},
	{Value: steward.FalseAlarm, Label: "False alarm"},
}

// outcomeMost is how long words about an outcome may be: a sentence or two, and
// the rest belongs into the CRM.
const outcomeMost = 500

// finish is `done`: somebody dealt with what a card is about. What came of it is
// asked first. A signal's enrolment ends with it; a process goes on, as one of
// its cards is not the whole of it. A task is done, and its enrolment goes on.
func finish(s *Situation, d Doing) Done {
	list := s.dealtWith(d)
	if d.Target.Task == "" && len(list) == 0 {
		return refused(d, s.whyNot(d))
	}
	if !d.Sent {
		return Done{Answer: steward.Answer{Form: s.doneForm(d, list)}}
	}
	outcome, wrong := outcomeOf(d)
	if wrong != nil {
		return Done{Answer: steward.Answer{Wrong: wrong}}
	}
	act := actOf(d)
	act.Choice, act.Text = d.Values["choice"], strings.TrimSpace(d.Values["text"])
	if d.Target.Task != "" {
		return s.finishTask(d, act, outcome)
	}
	done := Done{Act: aboutOne(act, list), Answer: steward.Answer{Text: "Done: " + s.whatOf(list) + "."}}
	for _, e := range list {
		e.FinishedAt, e.FinishedBy, e.Outcome = s.Now, d.By.id(), outcome
		if e.AckedAt.IsZero() {
			e.AckedAt, e.AckedBy = s.Now, d.By.id()
		}
		s.conclude(&done, e, steward.ReasonFinished, "done by "+d.By.Name+": "+outcome, s.ends(e))
	}
	return done
}

// finishTask closes the task of a card. Whether it is still open is looked at when
// that is written.
func (s *Situation) finishTask(d Doing, act steward.Act, outcome string) Done {
	done := Done{Act: aboutOne(act, d.Enrolments), Answer: steward.Answer{Text: "Done."}}
	for _, e := range d.Enrolments {
		if !e.DoneAt.IsZero() {
			return refused(d, "It was done before, on "+s.dayWords(e.DoneAt)+".")
		}
		done.Answer.Text = "Done: " + s.whatOf([]steward.Enrolment{e}) + "."
	}
	done.Change.Tasks = []steward.TaskChange{{Task: d.Target.Task, By: d.By.id(), Done: true, Outcome: outcome}}
	return done
}

// dealtWith is the enrolments that a card's done, or not useful, is about: those
// that go on or came to their last step, and that nobody dealt with since the
// card came.
func (s *Situation) dealtWith(d Doing) (out []steward.Enrolment) {
	for _, e := range d.Enrolments {
		m := matter{enrolment: e}
		if d.Dossier != nil {
			m.message = d.Dossier.Message
		} else {
			m.message.State = steward.Sent // of no card: what was dealt with once is
		}
		if m.can(d.Verb) && e.Unhelpful == "" && !m.finished() {
			out = append(out, e)
		}
	}
	return out
}

// ends tells whether dealing with a card ends its enrolment.
func (s *Situation) ends(e steward.Enrolment) bool {
	p, ok := s.running(e)
	return ok && p.Kind == Signal
}

// conclude writes an enrolment that somebody has dealt with: over, if that is the
// end of it, with what of it still waits for a go-ahead; else advance looks at it
// at once.
func (s *Situation) conclude(done *Done, e steward.Enrolment, r steward.Reason, detail string, over bool) {
	switch {
	case e.State == steward.Completed:
		done.Change.Records = append(done.Change.Records, recordOf(s, e, steward.Decision{Effect: steward.Pass, Reason: r, Detail: detail}))
	case over:
		if e.SnoozedAt != (time.Time{}) {
			wake(&e, s.Now)
		}
		w := &walker{Situation: s}
		w.Enrolment = e
		w.exit(r, detail)
		e = w.Enrolment
		done.Change.Records, done.Change.Stopped = append(done.Change.Records, w.Records...), append(done.Change.Stopped, w.Stopped...)
	default:
		e.Due = s.Now
		done.Change.Records = append(done.Change.Records, recordOf(s, e, steward.Decision{Effect: steward.Pass, Reason: r, Detail: detail}))
	}
	done.Change.Enrolments = append(done.Change.Enrolments, e)
}

// doneForm asks what came of it, and says of what: the form covers the card.
func (s *Situation) doneForm(d Doing, list []steward.Enrolment) *steward.Form {
	if d.Target.Task != "" {
		list = d.Enrolments
	}
	about := ""
	if len(list) > 0 {
		about = s.whatOf(list)
	}
	return &steward.Form{Title: "What came of it?", Intro: about, Submit: "Done", Target: d.Target, Fields: []steward.FormField{
		{Name: "choice", Label: "Outcome", Kind: steward.OneOf, Options: outcomes},
		{Name: "text", Label: "In a sentence", Hint: "Whoever looks at the account next will read it.", Kind: steward.LongText, Optional: true},
	}}
}

// outcomeOf is an outcome in words; wrong is what is to be mended in the form.
func outcomeOf(d Doing) (words string, wrong map[string]string) {
	choice, text := d.Values["choice"], plainLine(strings.TrimSpace(d.Values["text"]))
	known := slices.ContainsFunc(outcomes, func(o steward.Option) bool { return o.Value == choice })
	switch {
	case choice == "" && d.Via == steward.ViaCommand:
		return text, nil // the command has no list to pick from
	case !known:
		return "", map[string]string{"choice": "Pick one of the list."}
	case choice == otherOutcome && text == "":
		return "", map[string]string{"text": "Say in a few words what it was."}
	case len([]rune(text)) > outcomeMost:
		return "", map[string]string{"text": fmt.Sprintf("Keep it under %d characters; the rest belongs into the CRM.", outcomeMost)}
	case choice == otherOutcome:
		return text, nil
	case text == "":
		return choiceWords(outcomes, choice), nil
	}
	return choiceWords(outcomes, choice) + ": " + text, nil
}

// notUseful ends what a card is about because it should not have come, and keeps
// why. What ops can mend, ops is told of.
func notUseful(s *Situation, d Doing) Done {
	choice := d.Values["choice"]
	if !slices.ContainsFunc(unhelpfulChoices, func(o steward.Option) bool { return o.Value == choice }) {
		return refused(d, "Nothing was done: pick why it is not useful from the menu.")
	}
	list := s.dealtWith(d)
	if len(list) == 0 {
		return refused(d, s.whyNot(d))
	}
	why := choiceWords(unhelpfulChoices, choice)
	done := Done{Act: aboutOne(actOf(d), list), Answer: steward.Answer{Text: "Thank you, it is noted: " + why + "."}}
	for _, e := range list {
		e.Unhelpful, e.FinishedAt, e.FinishedBy = choice, s.Now, d.By.id()
		s.conclude(&done, e, steward.ReasonNotUseful, "not useful, says "+d.By.Name+": "+why, true)
		if choice == steward.WrongData || choice == steward.WrongOwner {
			done.Change.Messages = append(done.Change.Messages, s.faultNotice(d, e, choice)...)
			done.Answer.Text = "Thank you, it is noted, and ops is told: " + why + "."
		}
	}
	return done
}

// faultNotice tells ops of a card that was wrong by no fault of the playbook's.
func (s *Situation) faultNotice(d Doing, e steward.Enrolment, choice string) []steward.Message {
	if s.Book.Ops == "" {
		return nil
	}
	account := string(e.Subject.Account)
	a, ok := s.account(e.Subject.Account)
	if ok && a.Name != "" {
		account = a.Name + " (" + account + ")"
	}
	title, todo := "The data about an account is wrong", "Look: steward explain "+string(e.Subject.Account)+" "+string(e.Playbook)
	lines := []string{d.By.Name + " says so of a card about " + account + ": " + s.titleOf(e)}
	if choice == steward.WrongOwner {
		title, todo = "A card went to the wrong person", "Mend the account's owner in the CRM"
		lines = []string{d.By.Name + " says that " + account + " is not theirs: " + s.titleOf(e)}
		if ok {
			lines = append(lines, "The data says that it is "+s.Book.nameOf(a.Owner)+"'s")
		}
	}
	lines = append(lines, plainLines(Words(e.Evidence))...)
	content := NoticeContent(title, lines, todo)
	return []steward.Message{{
		ID: steward.NewMessageID(steward.Notice, d.Key, string(e.ID)), Kind: steward.Notice, Channel: steward.Slack,
		To:    steward.Recipient{Key: "ops", Slack: s.Book.Ops, Name: s.Book.Ops},
		State: steward.Planned, Due: s.Now, Planned: s.Now, Content: &content, Version: 1, RetryUncertain: true,
	}}
}

// doneKeys is a playbook's key for what becomes of what somebody took on.
type doneKeys struct {
	DoneWithin strictyaml.Scalar `yaml:"done_within" doc:"How long whoever took it on has until they are reminded, once, if nobody said that it is done; the enrolment stays open until then. Default: nobody is reminded." pattern:"^[1-9][0-9]*([dw]| business days?)$" want:"write 3 business days, 5d or 2w" examples:"3 business days;1w"`
}

// doneWithin reads how long something may be taken on without being done.
func (r *reader) doneWithin(k doneKeys, p *Playbook) {
	if k.DoneWithin.Pos.IsZero() {
		return
	}
	w, err := ParseWait(k.DoneWithin.Value)
	if err != nil || w.Span > 0 {
		r.fault(k.DoneWithin, "done_within cannot be \""+k.DoneWithin.Value+"\"", "write days, such as 3 business days, 5d or 2w")
		return
	}
	p.DoneWithin = w
}
