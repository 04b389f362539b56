package store

import (
	"context"
	"errors"
	"sync"
)

// A gathering makes one transaction of calls that come at the same time. The
// first caller writes for itself; those that arrive while it does wait, and the
// first of them then writes for all of them. So a lone caller loses nothing,
// and many pay for one commit, and with it for one wait for the disk, together.
// A transaction for each would have every caller wait for every other's.
//
// What is gathered must not depend on being alone in its transaction: a failed
// commit fails every call in it.
type gathering[Q, A any] struct {
	// write does the requests in one transaction. It answers each in its place,
	// or fails for all.
	write func(context.Context, []Q) ([]A, error)
	// most bounds one transaction, so that other writers get their turn.
	most int

	mu      sync.Mutex
	waiting []*request[Q, A]
	busy    bool
}

type request[Q, A any] struct {
	ask  Q
	turn chan turn[A]
}

// A turn is what a waiting caller wakes up to: an answer, or the duty to write
// for all who wait.
type turn[A any] struct {
	lead   bool
	answer A
	err    error
}

// do has q written, alone or together with others', and returns when that is
// on the disk. It does not end early with ctx: the transaction is others', too,
// and takes moments.
func (g *gathering[Q, A]) do(ctx context.Context, q Q) (A, error) {
	if err := ctx.Err(); err != nil {
		var none A
		return none, err
	}
	mine := &request[Q, A]{ask: q, turn: make(chan turn[A], 1)}
	g.mu.Lock()
	g.waiting = append(g.waiting, mine)
	lead := !g.busy
	g.busy = true
	g.mu.Unlock()
	if !lead {
		t := <-mine.turn
		if !t.lead {
			return t.answer, t.err
		}
	}
	return g.lead(context.WithoutCancel(ctx))
}

// lead writes for those who wait, of whom the caller is the first, and hands
// the lead to the next in line.
func (g *gathering[Q, A]) lead(ctx context.Context) (A, error) {
	g.mu.Lock()
	n := min(len(g.waiting), g.most)
	all := g.waiting[:n:n]
	g.waiting = g.waiting[n:]
	g.mu.Unlock()

	asks := make([]Q, n)
	for i, r := range all {
		asks[i] = r.ask
	}
	var answers []A
	err := errInterrupted // what the others hear should write not return
	defer func() {
		for i, r := range all[1:] { // the leader is the first in line
			t := turn[A]{err: err}
			if err == nil {
				t.answer = answers[i+1]
			}
			r.turn <- t
		}
		g.mu.Lock()
		defer g.mu.Unlock()
		if g.busy = len(g.waiting) > 0; g.busy {
			g.waiting[0].turn <- turn[A]{lead: true}
		}
	}()
	answers, err = g.write(ctx, asks)
	if err != nil {
		var none A
		return none, err
	}
	return answers[0], nil
}

// errInterrupted is what those hear whose transaction a panic ended.
var errInterrupted = errors.New("the transaction was interrupted")
