package jobs

import (
	"context"
	"fmt"

	"steward"
	"steward/playbooks"
)

// Desk is what people's questions are answered from.
type Desk interface {
	// Story is what is kept about an account, of the longest lists the newest, up to
	// limit each.
	Story(ctx context.Context, account steward.AccountID, limit int) (steward.Story, error)
	// Plate is what is one person's to do; may tells that every approval is theirs to
	// give.
	Plate(ctx context.Context, owner steward.OwnerID, may bool) (steward.Plate, error)
}

// storyLimit is how much of each list is read to answer about an account.
const storyLimit = 50

// understand finds out what words mean that somebody wrote after the slash
// command; answer is not nil where that is unclear.
func (e *Engine) understand(g *ground, d *playbooks.Doing) (answer *steward.Answer, err error) {
	err = e.alone(g.base.At(e.Now(), playbooks.Memory{}), func(s *playbooks.Situation) {
		var values map[string]string
		d.Verb, d.Target, values, answer = s.Understand(d.Words)
		d.Target.Verb = d.Verb
		if len(values) > 0 {
			d.Values = values
		}
	})
	return answer, err
}

// whole tells the account of a deed that needs all that is kept about it; "" for
// any other.
func whole(d *playbooks.Doing) steward.AccountID {
	switch d.Verb {
	case steward.VerbStart, steward.VerbRole:
		return d.Target.Account
	case steward.VerbLook, steward.VerbWhy:
		if d.Target.Account == "" && d.Target.Message == "" {
			return steward.AccountID(d.Values["choice"]) // picked from a menu
		}
		return d.Target.Account
	}
	return ""
}

// aboutAccount reads all that is kept about the account of a deed.
func (e *Engine) aboutAccount(ctx context.Context, g *ground, d *playbooks.Doing, id steward.AccountID) (*playbooks.Situation, error) {
	story, err := e.Ledger.Story(ctx, id, storyLimit)
	if err != nil {
		return nil, fmt.Errorf("read what is kept about %s: %w", id, err)
	}
	d.Story = &story
	memory, err := e.remember(ctx, g.base.Book, story.Standing)
	if err != nil {
		return nil, err
	}
	recall(&memory, g.base.Book, story.Ended)
	for _, en := range memory.Open {
		d.Enrolments = append(d.Enrolments, en)
	}
	return g.base.At(e.Now(), memory), nil
}

// began keeps the texts that new enrolments run on, before the enrolments are
// written.
func (e *Engine) began(ctx context.Context, book *playbooks.Book, c steward.Change) error {
	for _, en := range c.Enrolments {
		p, ok := book.Playbook(en.Playbook)
		if en.Rev > 0 || !ok || p.Version != en.Version {
			continue
		}
		if err := e.Ledger.SavePlaybookVersion(ctx, p.Name, p.Version, p.Text, e.Now()); err != nil {
			return fmt.Errorf("store playbook %s: %w", p.Name, err)
		}
	}
	return nil
}
