package jobs

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"steward"
)

// A Circuit is what is known of one provider, for everybody in the process who
// would call it: of a channel's, or of one webhook, as each of those is a provider
// of its own. While the provider does not answer, refuses the
// credentials, or has asked for patience, the whole channel waits: messages are
// put off without a call and without an attempt. When the wait is over one of
// them goes ahead as a probe, and the others follow once it was answered.
//
// It is kept in memory only. A process that starts anew finds out with its
// first few calls.
type Circuit struct {
	// Channel is the channel's name, or webhook:crm of one webhook.
	Channel steward.Channel
	// Why is what holds the channel up; "" while it is open to all.
	Why steward.Reason
	// Detail is what the provider last said to that.
	Detail string
	// Since is when the trouble began, Until when the next call may be made.
	Since, Until time.Time

	failures int       // in a row, of calls that got no answer
	waits    int       // in a row, without an answer in between
	probing  time.Time // until when a probe is given its time; zero without one
}

const (
	// failuresToStop is how many calls in a row have to fail before the channel
	// waits: one or two are a hiccup.
	failuresToStop = 5
	// firstWait doubles with each probe that fails, up to longestWait: long enough
	// not to hammer a provider that is down, short enough that people hear the
	// same morning.
	firstWait   = 30 * time.Second
	longestWait = 15 * time.Minute
	// mendWait is how often credentials are tried that were refused: a person has
	// to mend them.
	mendWait = 15 * time.Minute
	// probeLook is how soon a message is looked at again that met a channel while
	// its probe was under way.
	probeLook = 15 * time.Second
)

// ready tells whether a message may be tried now: any, or one as a probe.
func (c *Circuit) ready(now time.Time) (any, probe bool) {
	if c.Why == "" {
		return true, false
	}
	return false, !now.Before(c.Until) && !now.Before(c.probing)
}

// Waits tells whether the channel is held up at a moment.
func (c *Circuit) Waits(now time.Time) bool {
	any, _ := c.ready(now)
	return !any
}

// admit decides whether one message may go to the provider now, and takes the
// place of the probe for it where that is what is wanted.
func (c *Circuit) admit(now time.Time) steward.Decision {
	any, probe := c.ready(now)
	switch {
	case any:
		return steward.Decision{Effect: steward.Pass}
	case probe:
		c.probing = now.Add(sendLease)
		return steward.Decision{Effect: steward.Pass}
	}
	until := c.Until
	if !until.After(now) {
		until = now.Add(probeLook)
	}
	return steward.Decision{Effect: steward.Defer, Reason: c.Why, Detail: c.words(), Until: until}
}

func (c *Circuit) words() string {
	if c.Why == steward.ReasonThrottled {
		return fmt.Sprintf("%s asks to wait", c.Channel)
	}
	return fmt.Sprintf("%s takes no messages: %s", c.Channel, c.Detail)
}

// A shift is how what was heard of a call changed a circuit.
type shift int

const (
	steady shift = iota
	stopped
	resumed
)

// hear takes in what came of a call; nil is that the message was accepted.
func (c *Circuit) hear(failure *steward.DeliveryError, now time.Time) shift {
	c.probing = time.Time{}
	kind := steward.FailureKind("")
	if failure != nil {
		kind = failure.Kind
	}
	switch kind {
	case steward.Unreachable, steward.Unknowable:
		c.failures++
		down := c.Why == steward.ReasonChannelDown
		if !down && c.failures < failuresToStop || down && now.Before(c.Until) {
			return steady // a hiccup; or a call from before the channel was stopped
		}
		wait := min(firstWait<<min(c.waits, 10), longestWait)
		c.waits++
		return c.wait(steward.ReasonChannelDown, failure.Error(), now.Add(wait), now)
	case steward.Unauthorised:
		return c.wait(steward.ReasonNotConfigured, failure.Error(), now.Add(mendWait), now)
	case steward.Throttled:
		until := now.Add(max(failure.RetryAfter, time.Second))
		if c.Why == steward.ReasonThrottled && until.Before(c.Until) {
			until = c.Until // a call that was made before the last one's answer
		}
		return c.wait(steward.ReasonThrottled, failure.Error(), until, now)
	}
	// It answered: that it does not want this message says nothing of the next.
	was := c.Why
	*c = Circuit{Channel: c.Channel}
	if was == "" {
		return steady
	}
	return resumed
}

func (c *Circuit) wait(why steward.Reason, detail string, until, now time.Time) shift {
	was := c.Why
	if was == "" {
		c.Since = now
	}
	c.Why, c.Detail, c.Until = why, detail, until
	if was == why {
		return steady
	}
	return stopped
}

// lineOf is the circuit that a message goes through: its channel's, or its
// webhook's own, so that one that is down holds up no other.
func lineOf(m steward.Message) steward.Channel {
	if m.To.Webhook != "" {
		return m.Channel + steward.Channel(":"+m.To.Webhook)
	}
	return m.Channel
}

// circuits is one for each channel and each webhook that was called.
type circuits struct {
	mu   sync.Mutex
	each map[steward.Channel]*Circuit
}

// of is the circuit of a channel. The lock is held.
func (cs *circuits) of(ch steward.Channel) *Circuit {
	if cs.each == nil {
		cs.each = map[steward.Channel]*Circuit{}
	}
	c := cs.each[ch]
	if c == nil {
		c = &Circuit{Channel: ch}
		cs.each[ch] = c
	}
	return c
}

func (cs *circuits) admit(ch steward.Channel, now time.Time) steward.Decision {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	return cs.of(ch).admit(now)
}

func (cs *circuits) hear(ch steward.Channel, failure *steward.DeliveryError, now time.Time) (Circuit, shift) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	c := cs.of(ch)
	s := c.hear(failure, now)
	return *c, s
}

// ready sorts the channels into those that anything may be sent on and those
// that want one probe. That of webhooks is always open: each of them is asked
// for when a message of its is claimed.
func (cs *circuits) ready(now time.Time) (open, probed []steward.Channel) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	for _, ch := range steward.Channels() {
		switch any, probe := cs.of(ch).ready(now); {
		case any:
			open = append(open, ch)
		case probe:
			probed = append(probed, ch)
		}
	}
	return open, probed
}

// Circuits is how each channel stands, and each webhook that was called.
func (e *Engine) Circuits() []Circuit {
	e.circuits.mu.Lock()
	defer e.circuits.mu.Unlock()
	var out []Circuit
	for _, ch := range steward.Channels() {
		out = append(out, *e.circuits.of(ch))
	}
	for _, line := range slices.Sorted(maps.Keys(e.circuits.each)) {
		if !slices.Contains(steward.Channels(), line) {
			out = append(out, *e.circuits.each[line])
		}
	}
	return out
}
