package jobs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"steward"
	"steward/playbooks"
)

// Acts is what people do.
type Acts interface {
	// Answered is what was answered to an act that was done before.
	Answered(ctx context.Context, key string) (said string, ok bool, err error)
	// Perform keeps an act and writes what it changes, together and once; again
	// tells one that was done before. ErrMoved when what it was decided on has
	// changed.
	Perform(ctx context.Context, a steward.Act, change steward.Change, answer string, now time.Time) (said string, again bool, err error)
	// Dossier is a message with all that is known of it; ErrMoved when there is
	// none.
	Dossier(ctx context.Context, id steward.MessageID) (steward.Dossier, error)
	// OpenOf is the open enrolments of an account, HeldOf those of a playbook that
	// are held back.
	OpenOf(ctx context.Context, account steward.AccountID) ([]steward.EnrolmentID, error)
	HeldOf(ctx context.Context, playbook steward.PlaybookName) ([]steward.EnrolmentID, error)
}

// performTries is how often a deed is decided anew that met somebody else's: by
// then it is no accident, and the person is asked to look.
const performTries = 3

// Handle does what somebody did, once, however often it is told, and says what
// they are to see of it. An error means that nothing was done and that it may be
// told again; what a person may not do is an answer.
func (e *Engine) Handle(ctx context.Context, g steward.Gesture) (steward.Answer, error) {
	if !g.Verb.Asks() {
		switch said, done, err := e.Ledger.Answered(ctx, g.Key); {
		case err != nil:
			return steward.Answer{}, fmt.Errorf("look whether it was done: %w", err)
		case done:
			return steward.Answer{Text: said}, nil
		}
	}
	ground, err := e.footing(ctx)
	if err != nil {
		return steward.Answer{}, err
	}
	by, stranger, err := e.doer(ctx, ground.base.Book, g)
	if err != nil || stranger != "" {
		return steward.Answer{Text: stranger, Refused: stranger != ""}, err
	}
	for range performTries {
		answer, err := e.perform(ctx, ground, playbooks.Doing{Gesture: g, By: by})
		if !errors.Is(err, ErrMoved) {
			return answer, err
		}
	}
	return steward.Answer{Text: "Nothing was done: it is over by now, or changed several times meanwhile. Look at it again, and do it once more.", Refused: true}, nil
}

// perform decides on what is known now, and writes it; ErrMoved when that has
// changed meanwhile.
func (e *Engine) perform(ctx context.Context, g *ground, d playbooks.Doing) (steward.Answer, error) {
	if d.Verb == "" {
		unclear, err := e.understand(g, &d)
		if err != nil {
			return steward.Answer{}, err
		}
		if unclear != nil {
			return *unclear, nil
		}
	}
	s, err := e.about(ctx, g, &d)
	if err != nil {
		return steward.Answer{}, err
	}
	done, err := e.do(s, d)
	if err != nil || done.Act.Verb == "" {
		return done.Answer, err
	}
	if err := e.began(ctx, g.base.Book, done.Change); err != nil {
		return steward.Answer{}, err
	}
	now := e.Now()
	said, again, err := e.Ledger.Perform(ctx, done.Act, done.Change, done.Answer.Text, now)
	if err != nil {
		return steward.Answer{}, fmt.Errorf("keep what was done: %w", err)
	}
	if again { // two were told at once
		return steward.Answer{Text: said}, nil
	}
	e.log().Info("done by a person", "verb", done.Act.Verb, "via", done.Act.Via, "message", done.Act.Message, "enrolment", done.Act.Enrolment, "refused", done.Act.Refused != "")
	e.wake()
	return done.Answer, nil
}

// about reads what a gesture is about: its message, and the open enrolments that
// are meant, with what is remembered of them. A message that is not there any
// more is about nothing.
func (e *Engine) about(ctx context.Context, g *ground, d *playbooks.Doing) (*playbooks.Situation, error) {
	if id := whole(d); id != "" {
		return e.aboutAccount(ctx, g, d, id)
	}
	if d.Verb == steward.VerbMine {
		plate, err := e.Ledger.Plate(ctx, d.By.Owner.ID, d.By.Ops)
		if err != nil {
			return nil, fmt.Errorf("read what is theirs to do: %w", err)
		}
		d.Plate = &plate
	}
	var meant []steward.Enrolment
	switch t := d.Target; {
	case t.Message != "":
		dossier, err := e.Ledger.Dossier(ctx, t.Message)
		if err == nil {
			d.Dossier = &dossier
		} else if !errors.Is(err, ErrMoved) {
			return nil, fmt.Errorf("read message %s: %w", t.Message, err)
		}
		for _, en := range dossier.Enrolments {
			if t.Enrolment == "" || t.Enrolment == en.ID {
				meant = append(meant, en)
			}
		}
	case t.Enrolment != "":
		meant = []steward.Enrolment{{ID: t.Enrolment}}
	case t.Account != "" || d.Verb == steward.VerbRelease:
		ids, err := e.Ledger.OpenOf(ctx, t.Account)
		if t.Account == "" {
			ids, err = e.Ledger.HeldOf(ctx, t.Playbook)
		}
		if err != nil {
			return nil, fmt.Errorf("read what is open: %w", err)
		}
		for _, id := range ids {
			meant = append(meant, steward.Enrolment{ID: id})
		}
	}
	memory, err := e.memoryOf(ctx, g.base.Book, meant)
	if err != nil {
		return nil, err
	}
	byID := map[steward.EnrolmentID]steward.Enrolment{}
	for _, en := range memory.Open {
		byID[en.ID] = en
	}
	for _, en := range meant {
		if open, ok := byID[en.ID]; ok {
			en = open
		} else if en.State != steward.Completed {
			continue
		}
		if !slices.ContainsFunc(d.Enrolments, func(x steward.Enrolment) bool { return x.ID == en.ID }) {
			d.Enrolments = append(d.Enrolments, en)
		}
	}
	if d.Dossier != nil { // of what it asks about, too
		if memory.Versions, err = e.versions(ctx, g.base.Book, d.Dossier.Concerned()); err != nil {
			return nil, err
		}
	}
	return g.base.At(e.Now(), memory), nil
}

// do decides. What panics in deciding must not take the worker with it, nor be
// tried as something that may pass.
func (e *Engine) do(s *playbooks.Situation, d playbooks.Doing) (done playbooks.Done, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("deciding what comes of %s panicked: %v", d.Verb, p)
		}
	}()
	return s.Do(d), nil
}

// doer finds out who made a gesture. stranger is what to tell somebody whom
// nobody knows; "" where they are known.
func (e *Engine) doer(ctx context.Context, book *playbooks.Book, g steward.Gesture) (by playbooks.Doer, stranger string, err error) {
	owner, known := book.Owner(g.Owner)
	if !known && g.User != "" {
		owner, known = book.OwnerInSlack(g.User)
	}
	if !known && g.User != "" && e.Person != nil {
		if owner, known, err = e.Person(ctx, g.User, g.Team); err != nil {
			e.log().Warn("somebody in Slack could not be looked up", "error", err)
			return by, "Nothing was done: who you are could not be looked up in Slack just now. Try again in a minute.", nil
		}
	}
	by = playbooks.Doer{Owner: owner, Name: owner.Name, Ops: g.Trusted || known && book.Approves(owner.ID)}
	switch {
	case by.Name != "":
	case g.UserName != "":
		by.Name = g.UserName
	case g.Owner != "":
		by.Name = string(g.Owner)
	}
	if !known && !g.Trusted {
		return by, "Nothing was done: Steward does not know you. Ask whoever looks after it to put your Slack member ID (" + g.User + ") into owners.yaml, as slack: of your entry.", nil
	}
	return by, "", nil
}

// wake has the cards drawn anew at once that a person has changed.
func (e *Engine) wake() {
	select {
	case e.Changed <- struct{}{}:
	default: // nobody listens, or they are told already
	}
}
