package notifytest

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"time"
)

// Trouble has a server misbehave by chance, as providers do: it asks for
// patience, fails before and after it has done what it was asked, loses
// connections, is slow. Whether a call meets trouble, and which, hangs on the
// seed, on what is asked and on how often that was asked before; not on the
// order in which different calls arrive. So a message meets the same trouble
// in every run with the same seed, however many senders there are.
type Trouble struct {
	Seed uint64
	// Share is the part of all calls that meet trouble, from 0 to 1.
	Share float64
	// Slow is for how long a slow answer is withheld; 300 milliseconds if zero.
	Slow time.Duration
}

// luck draws what calls meet. It is guarded by the lock of its server.
type luck struct {
	trouble Trouble
	asked   map[string]int
}

// draw tells which of n kinds of trouble a call meets, or that it meets none.
func (l *luck) draw(what string, n int) (int, bool) {
	if l.trouble.Share <= 0 || n == 0 {
		return 0, false
	}
	if l.asked == nil {
		l.asked = map[string]int{}
	}
	l.asked[what]++
	h := fnv.New64a()
	fmt.Fprintf(h, "%s\x00%d", what, l.asked[what])
	r := rand.New(rand.NewPCG(l.trouble.Seed, h.Sum64()))
	if r.Float64() >= l.trouble.Share {
		return 0, false
	}
	return r.IntN(n), true
}

func (l *luck) slow() time.Duration {
	if l.trouble.Slow <= 0 {
		return 300 * time.Millisecond
	}
	return l.trouble.Slow
}
