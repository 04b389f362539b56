package configs

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"steward"
	"steward/configs/strictyaml"
)

// attentionKeys are what one of us gets beside cards.
type attentionKeys struct {
	Digest digestBlock `yaml:"digest" doc:"When people get in one message what did not become a card."`
}

type digestBlock struct {
	At     strictyaml.Scalar `yaml:"at" doc:"When the daily digest goes on working days, in quotes, by its reader's clock. Default a quarter of an hour after working hours begin, else 08:30." pattern:"^[0-9]{1,2}:[0-9]{2}$" want:"write hours and minutes in quotes, such as \"08:45\"" examples:"08:45"`
	Weekly strictyaml.Scalar `yaml:"weekly" doc:"When managers get a digest of their people's accounts: a day of the week and a time, or off. Default monday 09:00." examples:"monday 09:00;off"`
}

// The cards that an owner gets where the file does not say, and when managers
// get their weekly digest.
const (
	defaultCards  = 5
	defaultWeekly = 9 * time.Hour
)

func (l *loader) digest(b digestBlock) {
	l.w.Digest.Weekly = &steward.WeekTime{Day: time.Monday, At: defaultWeekly}
	if at, ok := (hoursReader{wrong: l.wrong}).clockTime(b.At, "at", "08:45"); ok {
		if at == 0 {
			l.wrong(b.At, "a digest at midnight reaches nobody", `write when people begin to work, such as "08:45"`)
		}
		l.w.Digest.At = at
	}
	if b.Weekly.Pos.IsZero() {
		return
	}
	if b.Weekly.Value == "off" {
		l.w.Digest.Weekly = nil
		return
	}
	word, clock, _ := strings.Cut(strings.ToLower(strings.TrimSpace(b.Weekly.Value)), " ")
	day := -1
	if len(word) >= 3 {
		day = slices.IndexFunc(weekdays, func(short string) bool {
			return word == short || word == strings.ToLower(time.Weekday(slices.Index(weekdays, short)).String())
		})
	}
	at, err := time.Parse("15:04", strings.TrimSpace(clock))
	if day < 0 || err != nil {
		l.wrong(b.Weekly, fmt.Sprintf("weekly cannot be %q", b.Weekly.Value), "write a day and a time, such as monday 09:00, or off")
		return
	}
	l.w.Digest.Weekly = &steward.WeekTime{Day: time.Weekday(day), At: time.Duration(at.Hour())*time.Hour + time.Duration(at.Minute())*time.Minute}
}

// ownerCap reads how many cards one owner gets: five a day where the file does
// not say, as many as there are where it says off.
func (l *loader) ownerCap(s strictyaml.Scalar) steward.Cap {
	switch {
	case s.Pos.IsZero():
		return steward.Cap{Most: defaultCards, Daily: true, Words: fmt.Sprintf("%d cards a day", defaultCards)}
	case s.Value == "off":
		return steward.Cap{}
	}
	return l.cap(s, "owner", "5 cards a day", "card", "cards")
}
