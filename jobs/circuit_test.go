package jobs

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"steward"
)

// A call is one step of a circuit's life: at a time, what a provider answered.
// "" is that it accepted.
type call struct {
	at    time.Duration
	kind  steward.FailureKind
	after time.Duration // Retry-After
}

func TestCircuit(t *testing.T) {
	const down, unauthorised, throttled = steward.ReasonChannelDown, steward.ReasonNotConfigured, steward.ReasonThrottled
	start := time.Date(2026, 3, 12, 6, 0, 0, 0, time.UTC)
	fails := func(n int, kind steward.FailureKind) []call {
		var out []call
		for i := range n {
			out = append(out, call{at: time.Duration(i) * time.Second, kind: kind})
		}
		return out
	}
	for _, c := range []struct {
		name  string
		calls []call
		why   steward.Reason
		until time.Duration
	}{
		{"nothing happened", nil, "", 0},
		{"four in a row are a hiccup", fails(4, steward.Unreachable), "", 0},
		{"five in a row stop the channel", fails(5, steward.Unreachable), down, 4*time.Second + firstWait},
		{"answers that were lost count", fails(5, steward.Unknowable), down, 4*time.Second + firstWait},
		{"an answer in between is a sign of life", append(fails(4, steward.Unreachable), call{at: time.Minute}, call{at: time.Minute, kind: steward.Unreachable}), "", 0},
		{"so is a refusal", append(fails(4, steward.Unreachable), call{kind: steward.Refused}, call{kind: steward.Unreachable}), "", 0},
		{"and greylisting", append(fails(4, steward.Unreachable), call{kind: steward.NotNow}, call{kind: steward.Unreachable}), "", 0},
		{"greylisting stops nothing", fails(50, steward.NotNow), "", 0},
		{"refusals stop nothing", fails(50, steward.Refused), "", 0},
		{"calls that were under way when it stopped do not make it longer", fails(12, steward.Unreachable), down, 4*time.Second + firstWait},
		{"a probe that fails doubles the wait", append(fails(5, steward.Unreachable), call{at: time.Minute, kind: steward.Unreachable}), down, time.Minute + 2*firstWait},
		{"a probe that succeeds ends it", append(fails(5, steward.Unreachable), call{at: time.Minute}), "", 0},
		{"after that it takes five again", append(append(fails(5, steward.Unreachable), call{at: time.Minute}), fails(4, steward.Unreachable)...), "", 0},
		{"bad credentials stop it at once", []call{{kind: steward.Unauthorised}}, unauthorised, mendWait},
		{"throttled: as long as it asks for", []call{{kind: steward.Throttled, after: 90 * time.Second}}, throttled, 90 * time.Second},
		{"throttled without a time", []call{{kind: steward.Throttled}}, throttled, time.Second},
		{"throttled twice: the longer", []call{{kind: steward.Throttled, after: time.Minute}, {kind: steward.Throttled, after: time.Second}}, throttled, time.Minute},
	} {
		t.Run(c.name, func(t *testing.T) {
			circuit := Circuit{Channel: steward.Slack}
			for _, call := range c.calls {
				circuit.hear(answer(call), start.Add(call.at))
			}
			if circuit.Why != c.why {
				t.Fatalf("it waits for %q, want %q", circuit.Why, c.why)
			}
			if c.why != "" && !circuit.Until.Equal(start.Add(c.until)) {
				t.Errorf("it waits %s, want %s", circuit.Until.Sub(start), c.until)
			}
		})
	}
}

func answer(c call) *steward.DeliveryError {
	if c.kind == "" {
		return nil
	}
	return &steward.DeliveryError{Kind: c.kind, RetryAfter: c.after, Err: errors.New("cause")}
}

// A provider that is away for long is asked a few times an hour, one message at
// a time.
func TestCircuitProbesOneAtATime(t *testing.T) {
	now := time.Date(2026, 3, 12, 6, 0, 0, 0, time.UTC)
	failure := &steward.DeliveryError{Kind: steward.Unreachable, Err: errors.New("away")}
	c := Circuit{Channel: steward.Email}
	for range failuresToStop {
		if !c.admit(now).Passes() {
			t.Fatal("it was stopped too soon")
		}
		c.hear(failure, now)
	}
	probes := 0
	for end := now.Add(24 * time.Hour); now.Before(end); now = now.Add(5 * time.Second) {
		first := c.admit(now)
		if !first.Passes() {
			if first.Reason != steward.ReasonChannelDown || !first.Until.After(now) {
				t.Fatalf("it is put off with %+v", first)
			}
			continue
		}
		probes++
		if second := c.admit(now); second.Passes() {
			t.Fatal("a second probe went beside the first")
		}
		c.hear(failure, now)
	}
	if probes < 24 || probes > 120 {
		t.Errorf("%d probes in a day", probes)
	}
	// A probe whose sender died gives its place up.
	now = c.Until
	if !c.admit(now).Passes() || c.admit(now.Add(sendLease-time.Second)).Passes() || !c.admit(now.Add(sendLease)).Passes() {
		t.Error("a lost probe holds its place for less or more than a lease")
	}
	// And one that is answered opens the way for all.
	if s := c.hear(nil, now); s != resumed {
		t.Errorf("the shift is %d", s)
	}
	for range 3 {
		if !c.admit(now).Passes() {
			t.Error("it still waits")
		}
	}
	if fmt.Sprint(c) != fmt.Sprint(Circuit{Channel: steward.Email}) {
		t.Errorf("something of the outage is left: %+v", c)
	}
}
