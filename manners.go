package steward

import "time"

// A Cap is how much of something may be sent: Most within Window, or within a
// calendar day where Daily is set. The zero Cap is no limit.
type Cap struct {
	Most   int
	Window time.Duration
	Daily  bool
	// Words is the limit as it was written, such as "5 cards a day".
	Words string
}

// IsZero tells that nothing is limited.
func (c Cap) IsZero() bool { return c.Most == 0 }

// Limits are how much attention Steward may take. The zero Limits limit
// nothing.
type Limits struct {
	// Owner is of cards to one of us, Address of mail to one address, Account of
	// mail to the people of one account together.
	Owner, Address, Account Cap
	// Rate is of messages on one channel, whatever they are.
	Rate Cap
	// AfterTouch is for how many days after one of us spoke with an account its
	// people get no mail.
	AfterTouch int
}

// Hours are when people want to hear from Steward, in their own zone. The zero
// Hours are always.
type Hours struct {
	// Days are the days of the week on which hours begin, by time.Weekday.
	Days [7]bool
	// From and To are times of day, as time since midnight by the clock on the
	// wall. To before From is past midnight, into the next day.
	From, To time.Duration
	// Holiday tells the days that are free; nil when none are known.
	Holiday func(Day) bool `json:"-"`
	// Elsewhere is Holiday of another country, or state, by its code; it gives nil
	// for one that is not known. It may be nil.
	Elsewhere func(code string) func(Day) bool `json:"-"`
}

// IsZero tells that every hour is as good as another.
func (h Hours) IsZero() bool { return h.Days == [7]bool{} }

// Off tells a day on which no hours begin: a weekend, or a holiday. No day is
// where every hour is as good as another.
func (h Hours) Off(day Day) bool {
	return !h.IsZero() && (!h.Days[day.Weekday()] || h.Holiday != nil && h.Holiday(day))
}

// Next is the first moment, from t on, inside hours: t itself where it is.
func (h Hours) Next(t time.Time, zone *time.Location) time.Time {
	if h.IsZero() {
		return t
	}
	today := SlotAt(t).Day(zone)
	// From yesterday, whose hours may reach past midnight, to past the longest
	// holidays.
	for day := today - 1; day < today+40; day++ {
		if h.Off(day) {
			continue
		}
		from, to := day.At(h.From, zone), day.At(h.To, zone)
		if h.To <= h.From {
			to = (day + 1).At(h.To, zone)
		}
		switch {
		case !t.Before(to):
		case t.Before(from):
			return from
		default:
			return t
		}
	}
	return t // hours without any day are a mistake that check names, and no reason to be silent for ever
}
