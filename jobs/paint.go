package jobs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"steward"
	"steward/playbooks"
)

// Edits is the cards that show something else than how things stand.
type Edits interface {
	// DueEdits is those that are due, up to limit; Painted and EditFailed say what
	// became of drawing one.
	DueEdits(ctx context.Context, now time.Time, limit int) ([]steward.Edit, error)
	Painted(ctx context.Context, e steward.Edit, detail string) error
	EditFailed(ctx context.Context, e steward.Edit, until time.Time, detail string) error
}

// Paint draws up to limit cards anew that show something else than how things
// stand, and tells how many. What a provider says is no error: what was not taken
// is tried again later, and a card that is gone is left alone.
//
// The database remembers first and the card is changed after, so a card may be
// behind for a while, and is never ahead. Drawing one twice does no harm.
func (e *Engine) Paint(ctx context.Context, limit int) (drawn int, err error) {
	if e.Update == nil {
		return 0, nil
	}
	due, err := e.Ledger.DueEdits(ctx, e.Now(), limit)
	if err != nil {
		return 0, fmt.Errorf("read which cards are to be drawn anew: %w", err)
	}
	for _, edit := range due {
		if !e.circuits.admit(steward.Slack, e.Now()).Passes() {
			return drawn, nil // they stay due
		}
		failure, err := e.paint(ctx, edit)
		if err != nil {
			return drawn, fmt.Errorf("draw card %s anew: %w", edit.Message, err)
		}
		if failure == nil {
			drawn++
		} else if failure.Kind == steward.Throttled {
			return drawn, nil
		}
	}
	return drawn, nil
}

// paint draws one card, and says why the provider did not take it.
func (e *Engine) paint(ctx context.Context, edit steward.Edit) (failure *steward.DeliveryError, err error) {
	d, err := e.Ledger.Dossier(ctx, edit.Message)
	if errors.Is(err, ErrMoved) {
		return nil, e.Ledger.Painted(ctx, edit, "the message is not kept any more")
	}
	if err != nil {
		return nil, err
	}
	content, face, err := e.redrawn(ctx, d)
	if err != nil {
		return nil, err
	}
	d.Message.Content = &content
	l := letterOf(d, e.Now())
	l.Face = face
	failure = failureOf(e.Update(ctx, l, d.Message.Ref))
	// From here on the outcome must be written even while the process is told to
	// stop.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	return failure, e.painted(ctx, edit, d.Message, failure)
}

// painted writes down what came of drawing a card.
func (e *Engine) painted(ctx context.Context, edit steward.Edit, m steward.Message, failure *steward.DeliveryError) error {
	now := e.Now()
	// Patience that is asked for says nothing of the channel: cards are changed under
	// a limit of their own.
	if failure == nil || failure.Kind != steward.Throttled {
		end := ending{failure: failure, called: true}
		if failure == nil {
			end.State = steward.Sent
		}
		if err := e.tellOutcomeOf(ctx, m, end); err != nil {
			return err
		}
	}
	if failure == nil {
		return e.Ledger.Painted(ctx, edit, "")
	}
	until := now.Add(backoff(edit.Attempts + 1))
	switch {
	case failure.Kind == steward.Refused, edit.Attempts+1 >= MaxAttempts:
		e.log().Warn("a card cannot be drawn anew, and stays as it is", "message", edit.Message, "detail", failure.Error())
		return e.Ledger.Painted(ctx, edit, failure.Error())
	case failure.Kind == steward.Throttled:
		until = now.Add(max(failure.RetryAfter, time.Second))
		edit.Attempts-- // that is no try of it
	case failure.Kind == steward.Unauthorised:
		until = now.Add(mendWait)
		edit.Attempts--
	}
	return e.Ledger.EditFailed(ctx, edit, until, failure.Error())
}

// redrawn is what a card says and shows now.
func (e *Engine) redrawn(ctx context.Context, d steward.Dossier) (content steward.Content, face steward.Face, err error) {
	g, err := e.footing(ctx)
	if err != nil {
		return content, face, err
	}
	versions, err := e.versions(ctx, g.base.Book, d.Concerned())
	if err != nil {
		return content, face, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	s := g.base.At(e.Now(), playbooks.Memory{Versions: versions})
	content = s.Redrawn(d)
	return content, s.Face(d, content), nil
}
