package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"steward"
)

// perform does what somebody asked for with a command, as a click would: it is
// kept, and shown on the cards that it is about. What came to nothing is an error
// that says why. Whoever can open the database is trusted as ops, and believed who
// they say they are.
func (h *house) perform(ctx context.Context, by string, g steward.Gesture) (steward.Answer, error) {
	g.Key, g.At, g.Via, g.Trusted = "command/"+rand.Text(), h.now(), steward.ViaCommand, true
	g.Owner, g.UserName, g.Sent = steward.OwnerID(by), by, true
	g.Target.Verb = g.Verb
	answer, err := h.engine(nil, discardLog()).Handle(ctx, g)
	switch {
	case err != nil:
	case answer.Refused:
		err = errors.New(answer.Text)
	case len(answer.Wrong) > 0:
		err = errors.New(strings.Join(slices.Sorted(maps.Values(answer.Wrong)), " "))
	case answer.Form != nil:
		err = fmt.Errorf("%s: something is missing that cannot be asked for here; see: steward --help", answer.Form.Title)
	}
	return answer, err
}
