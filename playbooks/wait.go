package playbooks

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// A Wait is how long a step waits: calendar days keep the time of day across a
// daylight-saving change, business days skip Saturdays and Sundays, and a span
// of hours is just that. The zero Wait is over at once.
type Wait struct {
	Days     int
	Business bool
	Span     time.Duration
}

// IsZero tells the absent wait.
func (w Wait) IsZero() bool { return w == Wait{} }

// ParseWait reads "3d", "2w", "36h" or "2 business days".
func ParseWait(s string) (Wait, error) {
	bad := fmt.Errorf("%q is not a wait: write 3d, 2w, 36h or 2 business days", s)
	text := strings.TrimSpace(s)
	if n, ok := strings.CutSuffix(strings.TrimSuffix(text, "s"), " business day"); ok {
		days, err := strconv.Atoi(strings.TrimSpace(n))
		if err != nil || days < 1 || days > 365 {
			return Wait{}, bad
		}
		return Wait{Days: days, Business: true}, nil
	}
	if len(text) < 2 {
		return Wait{}, bad
	}
	n, err := strconv.Atoi(text[:len(text)-1])
	if err != nil || n < 1 || n > 10_000 {
		return Wait{}, bad
	}
	switch text[len(text)-1] {
	case 'd':
		return Wait{Days: n}, nil
	case 'w':
		return Wait{Days: 7 * n}, nil
	case 'h':
		return Wait{Span: time.Duration(n) * time.Hour}, nil
	}
	return Wait{}, bad
}

// After is when a wait that began at t is over.
func (w Wait) After(t time.Time, zone *time.Location) time.Time {
	t = t.In(zone)
	if !w.Business {
		return t.AddDate(0, 0, w.Days).Add(w.Span).UTC()
	}
	for left := w.Days; left > 0; {
		t = t.AddDate(0, 0, 1)
		if day := t.Weekday(); day != time.Saturday && day != time.Sunday {
			left--
		}
	}
	return t.UTC()
}

// String is the wait as ops people write it.
func (w Wait) String() string {
	switch {
	case w.Business && w.Days == 1:
		return "1 business day"
	case w.Business:
		return strconv.Itoa(w.Days) + " business days"
	case w.Days > 0:
		return strconv.Itoa(w.Days) + "d"
	default:
		return strconv.Itoa(int(w.Span/time.Hour)) + "h"
	}
}
