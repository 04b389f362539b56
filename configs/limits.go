package configs

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rickar/cal/v2"
	"github.com/rickar/cal/v2/at"
	"github.com/rickar/cal/v2/be"
	"github.com/rickar/cal/v2/br"
	"github.com/rickar/cal/v2/ca"
	"github.com/rickar/cal/v2/ch"
	"github.com/rickar/cal/v2/cz"
	"github.com/rickar/cal/v2/de"
	"github.com/rickar/cal/v2/dk"
	"github.com/rickar/cal/v2/es"
	"github.com/rickar/cal/v2/fr"
	"github.com/rickar/cal/v2/gb"
	"github.com/rickar/cal/v2/gr"
	"github.com/rickar/cal/v2/hr"
	"github.com/rickar/cal/v2/ie"
	"github.com/rickar/cal/v2/it"
	"github.com/rickar/cal/v2/jp"
	"github.com/rickar/cal/v2/nl"
	"github.com/rickar/cal/v2/no"
	"github.com/rickar/cal/v2/nz"
	"github.com/rickar/cal/v2/pl"
	"github.com/rickar/cal/v2/se"
	"github.com/rickar/cal/v2/sk"
	"github.com/rickar/cal/v2/us"

	"steward"
	"steward/configs/strictyaml"
)

// mannersKeys are how much people are sent, and when.
type mannersKeys struct {
	Limits limitsBlock `yaml:"limits" doc:"How much attention Steward may take; what does not fit waits."`
	Hours  hoursBlock  `yaml:"working_hours" doc:"When people want to hear from Steward, in their own zone; what comes at other times waits."`
}

type limitsBlock struct {
	Owner      strictyaml.Scalar    `yaml:"owner" doc:"How many cards one owner gets, such as 5 cards a day, or off; critical ones pass it, and the rest comes in a digest. Default 5 cards a day." examples:"5 cards a day;off"`
	Address    strictyaml.Scalar    `yaml:"address" doc:"How many mails one address gets, such as 1 mail in 7d."`
	Account    strictyaml.Scalar    `yaml:"account" doc:"How many mails the people of one account get together, such as 3 a week."`
	Rate       strictyaml.Scalar    `yaml:"rate" doc:"How many messages Slack, the mail server and each webhook are given at most, such as 30 a minute. Default as many as there are."`
	AfterTouch *strictyaml.Duration `yaml:"after_touch" doc:"For how long after one of us spoke with an account its people get no mail, such as 7d."`
}

type hoursBlock struct {
	Pos      strictyaml.Pos    `yaml:",pos"`
	Days     strictyaml.Scalar `yaml:"days" doc:"The working days, such as mon-fri or sun-thu; mon-fri where it is left out."`
	From     strictyaml.Scalar `yaml:"from" doc:"When a working day begins, such as \"08:30\", in quotes." pattern:"^[0-9]{1,2}:[0-9]{2}$" want:"write hours and minutes in quotes, such as \"08:30\""`
	To       strictyaml.Scalar `yaml:"to" doc:"When it ends, such as \"17:30\"; before from it is past midnight." pattern:"^[0-9]{1,2}:[0-9]{2}$" want:"write hours and minutes in quotes, such as \"17:30\""`
	Holidays strictyaml.Scalar `yaml:"holidays" doc:"The country, or state, whose public holidays are free, such as DE or DE-BY." examples:"DE;DE-BY;US"`
}

func (l *loader) manners(m mannersKeys) {
	out := &l.w.Limits
	out.Owner = l.ownerCap(m.Limits.Owner)
	out.Address = l.cap(m.Limits.Address, "address", "1 mail in 7d", "mail", "mails")
	out.Account = l.cap(m.Limits.Account, "account", "3 a week", "mail", "mails")
	if d := m.Limits.AfterTouch; d != nil {
		out.AfterTouch = d.WholeDays()
	}
	out.Rate = l.cap(m.Limits.Rate, "rate", "30 a minute", "message", "messages")
	l.baseHours = m.Hours
	l.w.Hours = hoursReader{wrong: l.wrong, missing: func(p strictyaml.Pos) {
		l.problems = append(l.problems, p.Problem(FileName, "", 1, "working_hours does not say from when to when", `add from: "08:30" and to: "17:30"`, l.src))
	}}.read(m.Hours)
}

// hoursReader reads when people work, of the workspace or of one of its owners.
type hoursReader struct {
	wrong   func(at strictyaml.Scalar, message, hint string)
	missing func(strictyaml.Pos)
}

// over is what a block says, and what another says where it says nothing.
func (b hoursBlock) over(base hoursBlock) hoursBlock {
	or := func(s, base strictyaml.Scalar) strictyaml.Scalar {
		if s.Pos.IsZero() {
			return base
		}
		return s
	}
	b.From, b.To, b.Days, b.Holidays = or(b.From, base.From), or(b.To, base.To), or(b.Days, base.Days), or(b.Holidays, base.Holidays)
	return b
}

// cap reads "5 cards a day", "1 mail in 7d", "3 a week".
func (l *loader) cap(s strictyaml.Scalar, key, example string, nouns ...string) steward.Cap {
	if s.Pos.IsZero() {
		return steward.Cap{}
	}
	words := strings.Fields(s.Value)
	c := steward.Cap{Words: strings.Join(words, " ")}
	if len(words) > 0 {
		c.Most, _ = strconv.Atoi(words[0])
		words = words[1:]
	}
	if len(words) > 0 && slices.Contains(nouns, words[0]) {
		words = words[1:]
	}
	good := c.Most > 0 && c.Most < 1000 && len(words) == 2
	switch {
	case !good:
	case key == "rate":
		c.Window = time.Minute
		good = words[0] == "a" && words[1] == "minute"
	case words[0] == "a" && words[1] == "day":
		c.Daily = true
	case words[0] == "a" && words[1] == "week":
		c.Window = 7 * 24 * time.Hour
	case words[0] == "in":
		d, err := strictyaml.ParseDuration(words[1])
		c.Window = d.Std()
		good = err == nil && c.Window >= time.Hour && c.Window <= leastRetention
	default:
		good = false
	}
	if !good && key == "rate" {
		l.wrong(s, fmt.Sprintf("%s cannot be %q", key, s.Value), "write it such as "+example)
		return steward.Cap{}
	}
	if !good {
		l.wrong(s, fmt.Sprintf("%s cannot be %q", key, s.Value), "write it such as "+example+", a day or a week, or in up to 90d")
		return steward.Cap{}
	}
	return c
}

var weekdays = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

func (r hoursReader) read(b hoursBlock) steward.Hours {
	if b.Pos.IsZero() {
		return steward.Hours{}
	}
	from, ok1 := r.clockTime(b.From, "from", "08:30")
	to, ok2 := r.clockTime(b.To, "to", "17:30")
	days, ok3 := r.days(b.Days)
	switch {
	case b.From.Pos.IsZero() || b.To.Pos.IsZero():
		r.missing(b.Pos)
	case !ok1 || !ok2 || !ok3:
	case from == to:
		r.wrong(b.To, "the working day ends when it begins", `write from: "08:30" and to: "17:30"`)
	default:
		return steward.Hours{Days: days, From: from, To: to, Holiday: r.holidays(b.Holidays), Elsewhere: holidaysOf}
	}
	return steward.Hours{}
}

func (r hoursReader) clockTime(s strictyaml.Scalar, key, example string) (time.Duration, bool) {
	if s.Pos.IsZero() {
		return 0, false
	}
	t, err := time.Parse("15:04", s.Value)
	if err != nil {
		r.wrong(s, fmt.Sprintf("%s cannot be %q", key, s.Value), fmt.Sprintf("write a time of day in quotes, such as %q", example))
		return 0, false
	}
	return time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute, true
}

// days reads mon-fri, sun-thu, mon-sat, or one day.
func (r hoursReader) days(s strictyaml.Scalar) (out [7]bool, ok bool) {
	value := s.Value
	if s.Pos.IsZero() {
		value = "mon-fri"
	}
	first, last, isRange := strings.Cut(strings.ToLower(value), "-")
	if !isRange {
		last = first
	}
	from, to := slices.Index(weekdays, first), slices.Index(weekdays, last)
	if from < 0 || to < 0 {
		r.wrong(s, fmt.Sprintf("days cannot be %q", s.Value), "write mon-fri or sun-thu")
		return out, false
	}
	for d := from; ; d = (d + 1) % 7 {
		if out[d] = true; d == to {
			return out, true
		}
	}
}

// calendars are the public holidays of countries.
var calendars = map[string][]*cal.Holiday{
	"AT": at.Holidays, "BE": be.Holidays, "BR": br.Holidays, "CA": ca.Holidays, "CH": ch.Holidays, "CZ": cz.Holidays, "DE": de.Holidays,
	"DK": dk.Holidays, "ES": es.Holidays, "FR": fr.Holidays, "GB": gb.Holidays, "GR": gr.Holidays, "HR": hr.Holidays, "IE": ie.Holidays, "IT": it.Holidays,
	"JP": jp.Holidays, "NL": nl.Holidays, "NO": no.Holidays, "NZ": nz.Holidays, "PL": pl.Holidays, "SE": se.Holidays, "SK": sk.Holidays, "US": us.Holidays,
}

func (r hoursReader) holidays(s strictyaml.Scalar) func(steward.Day) bool {
	if s.Pos.IsZero() {
		return nil
	}
	free := holidaysOf(s.Value)
	if free == nil {
		r.wrong(s, fmt.Sprintf("the holidays of %q are not known", s.Value), "write one of "+strings.Join(countries(), ", ")+", a state of DE or CH such as DE-BY or CH-ZH, or leave holidays out")
	}
	return free
}
