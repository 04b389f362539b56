package configs

import (
	"slices"
	"strings"
	"testing"
	"time"

	"steward"
)

func TestDigestTimes(t *testing.T) {
	for text, want := range map[string]struct {
		at     time.Duration
		weekly *steward.WeekTime
	}{
		"zone: UTC":                               {0, &steward.WeekTime{Day: time.Monday, At: 9 * time.Hour}},
		`digest: {at: "08:45"}`:                   {8*time.Hour + 45*time.Minute, &steward.WeekTime{Day: time.Monday, At: 9 * time.Hour}},
		`digest: {weekly: friday 15:30}`:          {0, &steward.WeekTime{Day: time.Friday, At: 15*time.Hour + 30*time.Minute}},
		`digest: {at: "9:00", weekly: sun 08:00}`: {9 * time.Hour, &steward.WeekTime{Day: time.Sunday, At: 8 * time.Hour}},
		`digest: {weekly: off}`:                   {0, nil},
	} {
		w, ps := load(t, text+"\n", somebody, nil)
		if errs := ps.Errors(); len(errs) > 0 {
			t.Errorf("%s: %v", text, told(errs))
		}
		got := w.Digest
		if got.At != want.at || (got.Weekly == nil) != (want.weekly == nil) || want.weekly != nil && *got.Weekly != *want.weekly {
			t.Errorf("%s: %+v", text, got)
		}
	}
	for text, want := range map[string]string{
		`digest: {at: "8h"}`:                "at cannot be",
		`digest: {at: "00:00"}`:             "midnight",
		`digest: {weekly: moonday 09:00}`:   "weekly cannot be",
		`digest: {weekly: monday}`:          "weekly cannot be",
		`digest: {daily: "08:00"}`:          "daily",
		`limits: {rate: 30 a day}`:          "rate cannot be",
		`limits: {rate: many}`:              "rate cannot be",
		`limits: {owner: none}`:             "owner cannot be",
		`limits: {address: off}`:            "address cannot be",
		`limits: {account: 30 a minute}`:    "account cannot be",
		`limits: {owner: 3 cards a decade}`: "owner cannot be",
	} {
		_, ps := load(t, text+"\n", somebody, nil)
		if !slices.ContainsFunc(ps.Errors(), func(p steward.Problem) bool { return strings.Contains(p.Message, want) && p.Line == 1 }) {
			t.Errorf("%s: %v, want %q", text, told(ps), want)
		}
	}
}

// Five cards a day are the limit unless the file lifts it.
func TestCardsAreLimitedUnlessTheFileSaysOtherwise(t *testing.T) {
	for text, most := range map[string]int{"zone: UTC": 5, "limits: {rate: 30 a minute}": 5, "limits: {owner: 8 cards a day}": 8, "limits: {owner: off}": 0} {
		w, ps := load(t, text+"\n", somebody, nil)
		if errs := ps.Errors(); len(errs) > 0 {
			t.Fatal(told(errs))
		}
		if w.Limits.Owner.Most != most || most > 0 && !w.Limits.Owner.Daily {
			t.Errorf("%q: %+v", text, w.Limits.Owner)
		}
		if rate := strings.Contains(text, "rate"); rate != (w.Limits.Rate == steward.Cap{Most: 30, Window: time.Minute, Words: "30 a minute"}) {
			t.Errorf("%q: %+v", text, w.Limits.Rate)
		}
	}
}

// An owner's hours are the workspace's but for what is said of them, and states
// have holidays of their own.
func TestHoursOfAnOwner(t *testing.T) {
	const owners = `
- {id: dana, name: Dana Reyes, email: dana@example.com}
- {id: far, name: Far Away, email: far@example.com, working_hours: {holidays: DE-BY}}
- {id: night, name: Nia Night, email: nia@example.com, working_hours: {days: sun-thu, from: "22:00", to: "06:00"}}
`
	w, ps := load(t, "working_hours: {from: \"08:30\", to: \"17:30\", holidays: DE}\n", owners, nil)
	if errs := ps.Errors(); len(errs) > 0 {
		t.Fatal(told(errs))
	}
	epiphany, unity := steward.Date(2026, 1, 6), steward.Date(2028, 10, 3) // a Tuesday each; the first is free in Bavaria
	far, _ := w.Owner("far")
	if o, _ := w.Owner("dana"); o.Hours != nil || w.Hours.Off(epiphany) || !w.Hours.Off(unity) {
		t.Errorf("the workspace's: %+v", o.Hours)
	}
	if far.Hours == nil || !far.Hours.Off(epiphany) || !far.Hours.Off(unity) || far.Hours.From != w.Hours.From {
		t.Errorf("in Bavaria: %+v", far.Hours)
	}
	night, _ := w.Owner("night")
	zone := w.Zone
	for at, want := range map[string]string{
		"2026-06-01 23:00": "2026-06-01 23:00", // Monday night
		"2026-06-02 05:59": "2026-06-02 05:59", // still Monday's
		"2026-06-02 06:00": "2026-06-02 22:00",
		"2026-06-05 05:00": "2026-06-05 05:00", // Thursday's
		"2026-06-05 23:00": "2026-06-07 22:00", // no Friday night
	} {
		from, _ := time.ParseInLocation("2006-01-02 15:04", at, zone)
		if got := night.Hours.Next(from, zone).In(zone).Format("2006-01-02 15:04"); got != want {
			t.Errorf("at night, from %s: %s, want %s", at, got, want)
		}
	}
	_, ps = load(t, "zone: UTC\n", "- {id: x, name: X, email: x@example.com, working_hours: {holidays: Mars, from: \"08:00\", to: \"16:00\"}}\n- {id: y, name: Y, email: y@example.com, working_hours: {holidays: DE}}\n", nil)
	for i, want := range []string{"holidays of", "from when to when"} {
		if !slices.ContainsFunc(ps.Errors(), func(p steward.Problem) bool {
			return p.File == "owners.yaml" && p.Line == i+1 && strings.Contains(p.Message, want)
		}) {
			t.Errorf("%v, want %q", told(ps), want)
		}
	}
	if free := holidaysOf("at-9"); free == nil || !free(steward.Date(2026, 10, 26)) || holidaysOf("mars") != nil {
		t.Error("a part of a country that is not known has the country's holidays")
	}
}
