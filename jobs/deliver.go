package jobs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"steward"
	"steward/playbooks"
)

// ErrMoved is what a ledger's Claim, Dossier and Settle wrap when the message is
// no longer to be sent in that epoch: it settled, was claimed by another, went
// back to be planned, or was erased. The task is done.
var ErrMoved = errors.New("the message has moved on")

// MaxAttempts is how often a provider that cannot be reached is asked.
const MaxAttempts = 12

// Deliver takes one message through its last gates to the provider and writes
// down what became of it. It returns an error only when the ledger failed: what
// a provider says is an outcome, not an error, and all retrying is planned in
// the ledger.
func (e *Engine) Deliver(ctx context.Context, id steward.MessageID, epoch int) error {
	letter, ready, err := e.prepare(ctx, id, epoch)
	if err != nil || !ready {
		return err
	}
	receipt, sendErr := e.send(ctx, letter)
	// From here on the outcome must be written even while the process is told
	// to stop.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	s := outcome(letter.Message, receipt, sendErr, e.Now())
	if s.State == steward.Uncertain && letter.Message.RetryUncertain {
		s = e.lookAgain(ctx, letter, s)
	}
	err = e.Ledger.Settle(ctx, id, epoch, s, e.Now())
	if errors.Is(err, ErrMoved) {
		// The provider took longer than the lease: the message is on record as
		// uncertain, and stays so.
		e.log().Warn("an outcome came too late to be kept", "message", id, "outcome", s.State, "reason", s.Reason)
		return nil
	}
	if err != nil {
		return fmt.Errorf("settle message %s as %s: %w", id, s.State, err)
	}
	e.logOutcome(letter.Message, s)
	if sendErr != nil {
		return e.tellFailure(ctx, letter.Message, sendErr)
	}
	return e.Ledger.ForgetNotice(ctx, "channel/"+string(letter.Message.Channel))
}

// send calls the provider. Where an earlier call's outcome may have been lost
// and the step allows another, the provider is asked first whether it has the
// message after all.
func (e *Engine) send(ctx context.Context, l steward.Letter) (steward.Receipt, error) {
	if l.Message.RetryUncertain && l.Message.Attempts > 1 && e.Find != nil {
		r, found, err := e.Find(ctx, l)
		if err != nil {
			return r, &steward.DeliveryError{Kind: steward.Unreachable, Err: fmt.Errorf("look for an earlier copy: %w", err)}
		}
		if found {
			r.Detail = "an earlier call had delivered it"
			return r, nil
		}
	}
	return e.Sender.Send(ctx, l)
}

// prepare claims the message, passes it through its gates and composes it.
func (e *Engine) prepare(ctx context.Context, id steward.MessageID, epoch int) (letter steward.Letter, ready bool, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	g, err := e.ground(ctx)
	if err != nil {
		return letter, false, err
	}
	if g == nil { // nothing was ever evaluated; a notice needs no facts
		if g, err = e.survey(ctx, steward.SlotAt(e.Now())); err != nil {
			return letter, false, err
		}
	}
	s, err := e.sending(ctx, g, id)
	if errors.Is(err, ErrMoved) {
		return letter, false, nil
	}
	if err != nil {
		return letter, false, err
	}
	var j playbooks.Judgement
	d, verdict, err := e.Ledger.Claim(ctx, id, epoch, s.Now, sendLease, func(d steward.Dossier) steward.Decision {
		j = s.Judge(d)
		return j.Decision
	})
	if errors.Is(err, ErrMoved) {
		return letter, false, nil
	}
	if err != nil {
		return letter, false, fmt.Errorf("claim message %s: %w", id, err)
	}
	if !verdict.Passes() {
		e.log().Info("not sent", "message", id, "effect", verdict.Effect, "reason", verdict.Reason, "until", verdict.Until)
		return letter, false, nil
	}
	if len(j.LeftOut) > 0 {
		left := steward.Change{Account: d.Message.Account, Records: j.LeftOut}
		if _, err := e.Ledger.Commit(ctx, steward.Run{}, []steward.Change{left}, e.Now()); err != nil {
			return letter, false, fmt.Errorf("record what message %s goes without: %w", id, err)
		}
	}
	content, err := e.content(ctx, s, d, j.Carried, epoch)
	if err != nil {
		return letter, false, err
	}
	if content == nil {
		return letter, false, nil
	}
	return steward.Letter{Message: d.Message, Content: *content}, true, nil
}

// content is what was frozen at approval or at an earlier attempt, else it is
// composed and frozen now. nil tells that the message was settled, as it could
// not be composed.
func (e *Engine) content(ctx context.Context, s *playbooks.Situation, d steward.Dossier, carried []steward.Outreach, epoch int) (*steward.Content, error) {
	if d.Message.Content != nil {
		return d.Message.Content, nil
	}
	c, err := s.Compose(d.Message, carried, d.Enrolments)
	if err != nil {
		serr := e.Ledger.Settle(ctx, d.Message.ID, epoch, steward.Settlement{State: steward.FailedToSend, Reason: steward.ReasonCompose, Detail: err.Error()}, e.Now())
		if serr != nil {
			return nil, fmt.Errorf("settle message %s that could not be composed: %w", d.Message.ID, serr)
		}
		e.log().Error("a message could not be composed", "message", d.Message.ID, "error", err)
		return nil, e.tell(ctx, "compose/"+string(d.Message.ID), "A message could not be written", []string{err.Error()}, "Mend the message file; steward check tells where")
	}
	if err := e.Ledger.SaveContent(ctx, d.Message.ID, epoch, c); err != nil {
		return nil, fmt.Errorf("freeze message %s: %w", d.Message.ID, err)
	}
	return &c, nil
}

// sending is the situation in which one message is judged: the facts of the
// last evaluation and the playbook texts its enrolments run on.
func (e *Engine) sending(ctx context.Context, g *ground, id steward.MessageID) (*playbooks.Situation, error) {
	d, err := e.Ledger.Dossier(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("read message %s: %w", id, err)
	}
	versions, err := e.versions(ctx, g.base.Book, d.Enrolments)
	if err != nil {
		return nil, err
	}
	return g.base.At(e.Now(), playbooks.Memory{Versions: versions}), nil
}

// outcome reads a provider's answer.
func outcome(m steward.Message, r steward.Receipt, err error, now time.Time) steward.Settlement {
	if err == nil {
		return steward.Settlement{State: steward.Sent, Reason: steward.ReasonDelivered, Ref: r.Ref, Detail: r.Detail}
	}
	var failure *steward.DeliveryError
	if !errors.As(err, &failure) {
		failure = &steward.DeliveryError{Kind: steward.Unknowable, Err: err}
	}
	s := steward.Settlement{Detail: failure.Error()}
	switch failure.Kind {
	case steward.Refused:
		s.State, s.Reason = steward.FailedToSend, steward.ReasonRefused
	case steward.Throttled:
		s.State, s.Reason, s.Free = steward.Deferred, steward.ReasonRetry, true
		s.Due = now.Add(max(failure.RetryAfter, time.Second))
	case steward.Unauthorised:
		s.State, s.Reason, s.Free = steward.Deferred, steward.ReasonNotConfigured, true
		s.Due = now.Add(15 * time.Minute)
	case steward.Unreachable:
		if m.Attempts >= MaxAttempts {
			s.State, s.Reason = steward.FailedToSend, steward.ReasonGaveUp
			break
		}
		s.State, s.Reason, s.Due = steward.Deferred, steward.ReasonRetry, now.Add(backoff(m.Attempts))
	default:
		s.State, s.Reason = steward.Uncertain, steward.ReasonOutcomeLost
	}
	if s.State == steward.Deferred && !m.Expires.IsZero() && !s.Due.Before(m.Expires) {
		s.State, s.Reason = steward.Expired, steward.ReasonExpired
	}
	return s
}

// backoff doubles from half a minute to four hours: twelve attempts last about
// a day.
func backoff(attempts int) time.Duration {
	return min(30*time.Second<<min(max(attempts-1, 0), 10), 4*time.Hour)
}

// lookAgain asks the provider whether it has the message after an outcome that
// was lost, where the step allows another call: found is sent, not found is
// another try, and no answer leaves it uncertain.
func (e *Engine) lookAgain(ctx context.Context, l steward.Letter, s steward.Settlement) steward.Settlement {
	if e.Find == nil {
		return s
	}
	r, found, err := e.Find(ctx, l)
	switch {
	case err != nil:
		s.Detail += "; looking for it failed too: " + err.Error()
		return s
	case found:
		return steward.Settlement{State: steward.Sent, Reason: steward.ReasonDelivered, Ref: r.Ref, Detail: "found at the provider after its answer was lost"}
	default:
		return steward.Settlement{State: steward.Deferred, Reason: steward.ReasonRetry, Detail: "the answer was lost and the provider does not have it", Due: e.Now().Add(backoff(l.Message.Attempts))}
	}
}

func (e *Engine) logOutcome(m steward.Message, s steward.Settlement) {
	attrs := []any{"message", m.ID, "channel", m.Channel, "state", s.State, "reason", s.Reason, "attempt", m.Attempts}
	switch s.State {
	case steward.Sent:
		e.log().Info("delivered", attrs...)
	case steward.Deferred:
		e.log().Warn("put off", append(attrs, "until", s.Due, "detail", s.Detail)...)
	default:
		e.log().Error("not delivered", append(attrs, "detail", s.Detail)...)
	}
}

// tellFailure tells ops about a channel that will take nothing until somebody
// mends it, once per outage.
func (e *Engine) tellFailure(ctx context.Context, m steward.Message, err error) error {
	var failure *steward.DeliveryError
	if m.Kind == steward.Notice || !errors.As(err, &failure) || failure.Kind != steward.Unauthorised {
		return nil
	}
	return e.tell(ctx, "channel/"+string(m.Channel), fmt.Sprintf("%s takes no messages", m.Channel), []string{failure.Error()}, "Try it with: steward send-test")
}
