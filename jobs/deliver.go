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
	d, ruling, err := e.claim(ctx, id, epoch)
	if errors.Is(err, ErrMoved) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("claim message %s: %w", id, err)
	}
	if !ruling.Passes() {
		return e.held(ctx, d, ruling)
	}
	started := e.Now()
	l := letterOf(d, started)
	l.Face = ruling.Face
	s := e.attempt(ctx, l, !d.Doubt.IsZero())
	s.Started = started
	// From here on the outcome must be written even while the process is told
	// to stop.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	err = e.Ledger.Settle(ctx, id, epoch, s.Settlement, e.Now())
	if errors.Is(err, ErrMoved) {
		// The provider took longer than the lease: the message is on record as
		// uncertain, and stays so.
		e.log().Warn("an outcome came too late to be kept", "message", id, "outcome", s.State, "reason", s.Reason)
		return nil
	}
	if err != nil {
		return fmt.Errorf("settle message %s as %s: %w", id, s.State, err)
	}
	e.logOutcome(d.Message, s.Settlement)
	return e.tellOutcomeOf(ctx, d.Message, s)
}

// claim judges a message and takes it to be sent, if it may be.
func (e *Engine) claim(ctx context.Context, id steward.MessageID, epoch int) (steward.Dossier, steward.Ruling, error) {
	g, err := e.footing(ctx)
	if err != nil {
		return steward.Dossier{}, steward.Ruling{}, err
	}
	for {
		d, ruling, err := e.Ledger.Claim(ctx, id, epoch, e.Now(), sendLease, func(d steward.Dossier) (steward.Ruling, error) {
			return e.rule(g, d)
		})
		var unread unreadVersions
		if !errors.As(err, &unread) {
			return d, ruling, err
		}
		if err := e.readVersions(ctx, g.base.Book, unread); err != nil {
			return d, ruling, err
		}
	}
}

// rule decides what becomes of a message that is about to be sent. It runs
// inside the ledger's transaction and asks the ledger nothing: what it has not
// got, it names in its error.
func (e *Engine) rule(g *ground, d steward.Dossier) (steward.Ruling, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	versions, unread := e.known(g.base.Book, d.Concerned())
	if len(unread) > 0 {
		return steward.Ruling{}, unread
	}
	now := e.Now()
	s := g.base.At(now, playbooks.Memory{Versions: versions, Silences: d.Silences})
	j := s.Judge(d)
	if !j.Passes() {
		return steward.Ruling{Decision: j.Decision, Moves: j.Moves, LeftOut: j.LeftOut}, nil
	}
	admitted := e.circuits.admit(lineOf(d.Message), now)
	if !admitted.Passes() {
		return steward.Ruling{Decision: admitted}, nil
	}
	content, anew := d.Message.Content, s.Anew(d, j)
	if content == nil || anew { // else frozen at approval, or at an earlier attempt
		c, err := s.Write(d, j.Carried)
		if err != nil {
			return steward.Ruling{Decision: steward.Decision{Effect: steward.Suppress, Reason: steward.ReasonCompose, Detail: err.Error()}}, nil
		}
		content = &c
	}
	return steward.Ruling{Decision: admitted, Content: content, Face: s.Face(d, *content), Anew: anew, LeftOut: j.LeftOut, Moves: j.Moves, Places: s.Places(d.Message, j.Carried), Overflow: s.Overflow(d)}, nil
}

// held says of a message that is not sent now why, and tells ops where it is
// for them to mend.
func (e *Engine) held(ctx context.Context, d steward.Dossier, r steward.Ruling) error {
	if r.Reason != steward.ReasonCompose {
		log := e.log().With("message", d.Message.ID, "effect", r.Effect, "reason", r.Reason)
		if !r.Until.IsZero() {
			log = log.With("until", r.Until)
		}
		log.Info("not sent")
		return nil
	}
	e.log().Error("a message could not be composed", "message", d.Message.ID, "error", r.Detail)
	return e.tell(ctx, "compose/"+string(d.Message.ID), "A message could not be written", []string{r.Detail}, "Mend the message file; steward check tells where")
}

func letterOf(d steward.Dossier, now time.Time) steward.Letter {
	l := steward.Letter{Message: d.Message, Content: *d.Message.Content, Thread: d.Thread, Since: now}
	if !d.Doubt.IsZero() {
		l.Since = d.Doubt
	}
	return l
}

// An ending is a settlement with what the provider said.
type ending struct {
	steward.Settlement
	// failure is nil when the message was accepted, now or before.
	failure *steward.DeliveryError
	// called tells whether the provider was called at all.
	called bool
}

// attempt calls the provider, once. Where an earlier call's outcome was lost,
// the provider is first asked whether it has the message after all; without an
// answer to that it is never called again.
func (e *Engine) attempt(ctx context.Context, l steward.Letter, doubt bool) ending {
	if doubt {
		if s, done := e.look(ctx, l); done {
			return s
		}
	}
	receipt, err := e.Sender.Send(ctx, l)
	end := ending{Settlement: outcome(l.Message, receipt, err, e.Now()), failure: failureOf(err), called: true}
	if end.State != steward.Uncertain || !l.Message.RetryUncertain || e.Find == nil {
		return end
	}
	// The answer was lost. Perhaps the provider can say right away.
	found, done := e.look(context.WithoutCancel(ctx), l)
	if !done {
		if l.Message.Attempts >= MaxAttempts {
			return end // it was looked for and sent again for a day
		}
		// A call that is still being worked on cannot be seen yet, so it stays in
		// doubt and is looked for again before the next call.
		found.Settlement = steward.Settlement{State: steward.Deferred, Reason: steward.ReasonRetry, Due: e.Now().Add(backoff(l.Message.Attempts)), Doubt: true,
			Detail: "the answer was lost, and " + whySafe(l.Message)}
	}
	found.failure, found.called = end.failure, true
	return found
}

// whySafe says why a message may be sent again after an answer was lost.
func whySafe(m steward.Message) string {
	if m.Channel == steward.Webhook {
		return "the receiver knows by its id a message that it has"
	}
	return "the provider does not have it"
}

// look asks the provider whether it has a message whose delivery is in doubt.
// done is false when it has not, so that it may be sent.
func (e *Engine) look(ctx context.Context, l steward.Letter) (s ending, done bool) {
	if e.Find == nil {
		s.Settlement = steward.Settlement{State: steward.Uncertain, Reason: steward.ReasonOutcomeLost, Doubt: true,
			Detail: "an earlier call may have delivered it, and there is no asking the provider"}
		return s, true
	}
	r, found, err := e.Find(ctx, l)
	switch {
	case err == nil && found:
		s.Settlement = steward.Settlement{State: steward.Sent, Reason: steward.ReasonDelivered, Ref: r.Ref, Detail: "found at the provider, after its answer had been lost"}
		s.called = true
		return s, true
	case err == nil:
		return s, false
	}
	failure := failureOf(err)
	s.Settlement = steward.Settlement{State: steward.Deferred, Reason: steward.ReasonOutcomeLost, Doubt: true, Due: e.Now().Add(backoff(l.Message.Attempts)),
		Detail: "an earlier call may have delivered it, and the provider cannot be asked: " + failure.Error()}
	never := failure.Kind == steward.Unknowable // it keeps no record that could be looked into
	if never || l.Message.Attempts >= MaxAttempts {
		s.State, s.Due = steward.Uncertain, time.Time{}
	}
	if !never {
		s.failure = failure
	}
	return s, true
}

// failureOf is a sender's error as a delivery error; one of another kind is an
// outcome that was lost. nil of nil.
func failureOf(err error) *steward.DeliveryError {
	if err == nil {
		return nil
	}
	var failure *steward.DeliveryError
	if !errors.As(err, &failure) {
		failure = &steward.DeliveryError{Kind: steward.Unknowable, Err: err}
	}
	return failure
}

// outcome reads a provider's answer.
func outcome(m steward.Message, r steward.Receipt, err error, now time.Time) steward.Settlement {
	if err == nil {
		return steward.Settlement{State: steward.Sent, Reason: steward.ReasonDelivered, Ref: r.Ref, Detail: r.Detail}
	}
	failure := failureOf(err)
	s := steward.Settlement{Detail: failure.Error()}
	switch failure.Kind {
	case steward.Refused:
		s.State, s.Reason = steward.FailedToSend, steward.ReasonRefused
	case steward.Throttled:
		s.State, s.Reason, s.Free = steward.Deferred, steward.ReasonThrottled, true
		s.Due = now.Add(max(failure.RetryAfter, time.Second))
	case steward.Unauthorised:
		s.State, s.Reason, s.Free = steward.Deferred, steward.ReasonNotConfigured, true
		s.Due = now.Add(mendWait)
	case steward.Unreachable, steward.NotNow:
		if m.Attempts >= MaxAttempts {
			s.State, s.Reason = steward.FailedToSend, steward.ReasonGaveUp
			break
		}
		s.State, s.Reason, s.Due = steward.Deferred, steward.ReasonRetry, now.Add(backoff(m.Attempts))
	default:
		s.State, s.Reason, s.Doubt = steward.Uncertain, steward.ReasonOutcomeLost, true
	}
	if s.State == steward.Deferred && m.Kind != steward.Digest && !m.Expires.IsZero() && !s.Due.Before(m.Expires) {
		s.State, s.Reason = steward.Expired, steward.ReasonExpired
	}
	return s
}

// backoff doubles from half a minute to four hours: twelve attempts last about
// a day.
func backoff(attempts int) time.Duration {
	return min(30*time.Second<<min(max(attempts-1, 0), 10), 4*time.Hour)
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

// tellOutcomeOf has everybody who would use the channel know how it stands, and
// ops of what they have to mend: a channel that takes nothing, and a recipient
// that takes nothing. Each is told once, and again only after it has passed.
func (e *Engine) tellOutcomeOf(ctx context.Context, m steward.Message, s ending) error {
	if !s.called && s.failure == nil {
		return nil
	}
	line := lineOf(m)
	c, change := e.circuits.hear(line, s.failure, e.Now())
	switch {
	case change == stopped:
		e.log().Warn("a channel waits", "channel", line, "reason", c.Why, "until", c.Until, "detail", c.Detail)
	case change == resumed:
		e.log().Info("a channel goes on", "channel", line)
	}
	channel, recipient := "channel/"+string(line), recipientKey(m)
	switch {
	case c.Why == steward.ReasonNotConfigured, c.Why == steward.ReasonChannelDown && e.Now().Sub(c.Since) >= tellDownAfter:
		return e.tell(ctx, channel, fmt.Sprintf("%s takes no messages", line), []string{c.Detail, "what is due waits, and nothing is lost"}, "Try it with: steward send-test")
	case s.State == steward.Sent:
		return e.untell(ctx, channel, recipient)
	case s.State == steward.FailedToSend && m.Kind != steward.Notice: // else the notice would be about itself
		return e.tell(ctx, recipient, fmt.Sprintf("A message to %s could not be delivered", m.To.Key), []string{s.Detail}, fmt.Sprintf("Look: steward outreach %s", m.ID))
	}
	return nil
}

// tellDownAfter is for how long a provider has to be away before ops hears:
// most of what breaks mends itself.
const tellDownAfter = 10 * time.Minute

// recipientKey is the notice that somebody cannot be reached. It names whom by
// id: what is in the notices table outlives the message.
func recipientKey(m steward.Message) string {
	who := m.To.Key
	switch {
	case m.To.Contact != "":
		who = string(m.To.Contact)
	case m.To.Owner != "":
		who = string(m.To.Owner)
	}
	return "undelivered/" + string(m.Channel) + "/" + who
}
