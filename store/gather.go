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
	// or fails for all. It may call next to let those who wait begin before it is
	// done.
	write func(ctx context.Context, asks []Q, next func()) ([]A, error)
	// most is about how many requests are written at once, so that other writers
	// get their turn.
	most int

	mu      sync.Mutex
	waiting []*caller[Q, A]
	busy    bool
}

type caller[Q, A any] struct {
	asks  []Q
	begun func()
	turn  chan turn[A]
}

// A turn is what a waiting caller wakes up to: answers, or the duty to write
// for all who wait.
type turn[A any] struct {
	lead    bool
	answers []A
	err     error
}

// do has requests written, alone or together with others', and returns when
// they are on the disk. It does not end early with ctx: the transaction is
// others', too, and takes moments.
func (g *gathering[Q, A]) do(ctx context.Context, asks ...Q) ([]A, error) {
	return g.join(ctx, asks, func() {})
}

// join is do for a caller who wants to know when its requests have begun to be
// written.
func (g *gathering[Q, A]) join(ctx context.Context, asks []Q, begun func()) ([]A, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	mine := &caller[Q, A]{asks: asks, begun: begun, turn: make(chan turn[A], 1)}
	g.mu.Lock()
	g.waiting = append(g.waiting, mine)
	lead := !g.busy
	g.busy = true
	g.mu.Unlock()
	if !lead {
		t := <-mine.turn
		if !t.lead {
			return t.answers, t.err
		}
	}
	return g.lead(context.WithoutCancel(ctx))
}

// lead writes for those who wait, of whom the caller is the first, and hands
// the lead to the next in line.
func (g *gathering[Q, A]) lead(ctx context.Context) ([]A, error) {
	all, asks := g.take()
	for _, c := range all {
		c.begun()
	}
	next := sync.OnceFunc(g.next)
	var answers []A
	err := errInterrupted // what the others hear should write not return
	defer func() {
		rest := answers
		for i, c := range all {
			t := turn[A]{err: err}
			if err == nil {
				t.answers, rest = rest[:len(c.asks)], rest[len(c.asks):]
			}
			if i > 0 { // the leader is the first in line
				c.turn <- t
			}
		}
		next()
	}()
	answers, err = g.write(ctx, asks, next)
	if err != nil {
		return nil, err
	}
	return answers[:len(all[0].asks)], nil
}

// next hands the lead to the first of those who wait.
func (g *gathering[Q, A]) next() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.busy = len(g.waiting) > 0; g.busy {
		g.waiting[0].turn <- turn[A]{lead: true}
	}
}

// take is the callers whose turn it is, and what they ask.
func (g *gathering[Q, A]) take() (all []*caller[Q, A], asks []Q) {
	g.mu.Lock()
	defer g.mu.Unlock()
	n := 0
	for n < len(g.waiting) && len(asks) < g.most {
		asks = append(asks, g.waiting[n].asks...)
		n++
	}
	all, g.waiting = g.waiting[:n:n], g.waiting[n:]
	return all, asks
}

// errInterrupted is what those hear whose transaction a panic ended.
var errInterrupted = errors.New("the transaction was interrupted")
