package lang_test

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"steward"
	"steward/playbooks/lang"
)

func TestEvidence(t *testing.T) {
	v := acme(t).View(steward.AboutAccount)
	frozen := lang.At{Episodes: map[int]lang.Episode{0: {Frozen: map[string]steward.Value{"was(avg(logins, 14d), 14d)": steward.Num(42)}}}, Acked: map[int]bool{0: true}}
	for _, c := range []struct {
		row  int
		src  string
		want []steward.Evidence
	}{
		{0, "drop(logins, 14d) >= 50% and was(avg(logins, 14d), 14d) >= 1 or quiet_days(logins) >= 14d", []steward.Evidence{
			{Part: "drop(logins, 14d) >= 50%", Expr: "drop(logins, 14d)", Saw: steward.Num(27.0 / 42), Wanted: ">= 50%", Verdict: steward.Holds, Words: "logins fell 64% in 14 days: 42 → 15 a day"},
		}},
		// Of an and that does not hold, only what does not is told; a guard too.
		{0, "arr > 10k and (segment == 'smb' and drop(logins, 14d) >= 50%)", []steward.Evidence{
			{Part: "segment == 'smb'", Expr: "segment", Saw: steward.Str("enterprise"), Wanted: "== 'smb'", Verdict: steward.Fails, Words: "segment is 'enterprise'"},
		}},
		{0, "drop(logins, 14d) >= 50% and was(avg(logins, 14d), 14d) >= 50", []steward.Evidence{
			{Part: "was(avg(logins, 14d), 14d) >= 50", Expr: "was(avg(logins, 14d), 14d)", Saw: steward.Num(42), Wanted: ">= 50", Verdict: steward.Fails, Words: "14 days earlier logins averaged 42 a day over 14 days"},
		}},
		{0, "not (arr > 10k and segment == 'smb')", []steward.Evidence{
			{Part: "segment == 'smb'", Expr: "segment", Saw: steward.Str("enterprise"), Wanted: "== 'smb'", Verdict: steward.Fails, Words: "segment is 'enterprise'"},
		}},
		// An average of another stretch is news.
		{0, "drop(logins, 14d) >= 50% and was(avg(logins, 28d), 14d) >= 1", []steward.Evidence{
			{Part: "drop(logins, 14d) >= 50%", Expr: "drop(logins, 14d)", Saw: steward.Num(27.0 / 42), Wanted: ">= 50%", Verdict: steward.Holds, Words: "logins fell 64% in 14 days: 42 → 15 a day"},
			{Part: "was(avg(logins, 28d), 14d) >= 1", Expr: "was(avg(logins, 28d), 14d)", Saw: steward.Num(42), Wanted: ">= 1", Verdict: steward.Holds, Words: "14 days earlier logins averaged 42 a day over 28 days"},
		}},
		// While it is unknown, what is not known is told.
		{1, "id != 'x' and seats > 5", []steward.Evidence{
			{Part: "seats > 5", Expr: "seats", Saw: steward.Unknown(steward.NumberKind), Wanted: "> 5", Verdict: steward.Unclear, Words: "seats is not known"},
		}},
		// Of an or that does not hold, both sides are told.
		{0, "quiet_days(logins) >= 14d or arr < 10k", []steward.Evidence{
			{Part: "quiet_days(logins) >= 14d", Expr: "quiet_days(logins)", Saw: steward.Days(0), Wanted: ">= 14d", Verdict: steward.Fails, Words: "logins on the last complete day"},
			{Part: "arr < 10k", Expr: "arr", Saw: steward.Num(48000), Wanted: "< 10k", Verdict: steward.Fails, Words: "arr is 48,000"},
		}},
		// The measured side comes first, whichever way it was written.
		{0, "10k <=  arr", []steward.Evidence{{Part: "10000 <= arr", Expr: "arr", Saw: steward.Num(48000), Wanted: ">= 10k", Verdict: steward.Holds, Words: "arr is 48,000"}}},
		{0, "last(active_users) / seats < 25%", []steward.Evidence{{Part: "last(active_users) / seats < 25%", Expr: "last(active_users) / seats", Saw: steward.Num(0.12), Wanted: "< 25%", Verdict: steward.Holds, Words: "last(active_users) / seats is 12%"}}},
		{0, "segment not in ['smb']", []steward.Evidence{{Part: "segment not in ['smb']", Expr: "segment", Saw: steward.Str("enterprise"), Wanted: "not in ['smb']", Verdict: steward.Holds, Words: "segment is 'enterprise'"}}},
		{0, "not (arr > 50k)", []steward.Evidence{{Part: "not (arr > 50k)", Expr: "arr", Saw: steward.Num(48000), Wanted: "not > 50k", Verdict: steward.Holds, Words: "arr is 48,000"}}},
		{0, "not acked", []steward.Evidence{{Part: "not acked", Expr: "acked", Saw: steward.Bool(true), Verdict: steward.Fails, Words: "the card was taken"}}},
		{0, "days_until(renewal_date) <= 90d and not test", []steward.Evidence{
			{Part: "days_until(renewal_date) <= 90d", Expr: "days_until(renewal_date)", Saw: steward.Days(61), Wanted: "<= 90d", Verdict: steward.Holds, Words: "renewal date is in 61 days (12 May 2026)"},
			{Part: "not test", Expr: "test", Saw: steward.Bool(false), Verdict: steward.Holds, Words: "not test"},
		}},
		{0, "recovered(logins, 14d) < 80%", []steward.Evidence{{Part: "recovered(logins, 14d) < 80%", Expr: "recovered(logins, 14d)", Saw: steward.Num(15.0 / 42), Wanted: "< 80%", Verdict: steward.Holds, Words: "logins are back at 36% of what was before: 15 of 42 a day"}}},
		// Two measured sides are both told.
		{0, "avg(logins, 7d) < was(avg(logins, 7d), 28d)", []steward.Evidence{{Part: "avg(logins, 7d) < was(avg(logins, 7d), 28d)", Expr: "avg(logins, 7d)", Saw: steward.Num(15), Wanted: "< was(avg(logins, 7d), 28d)", Verdict: steward.Holds,
			Words: "logins averaged 15 a day over 7 days; 28 days earlier logins averaged 42 a day over 7 days"}}},
		// A value that rounds to the threshold is told apart from it.
		{0, "drop(logins, 14d) >= 64.3%", []steward.Evidence{{Part: "drop(logins, 14d) >= 64.3%", Expr: "drop(logins, 14d)", Saw: steward.Num(27.0 / 42), Wanted: ">= 64.3%", Verdict: steward.Fails,
			Words: "logins fell 64% in 14 days: 42 → 15 a day (64.29%, against 64%)"}}},
		{0, "test ? arr > 5 : seats > 5", []steward.Evidence{
			{Part: "test", Expr: "test", Saw: steward.Bool(false), Verdict: steward.Fails, Words: "not test"},
			{Part: "seats > 5", Expr: "seats", Saw: steward.Num(100), Wanted: "> 5", Verdict: steward.Holds, Words: "seats is 100"},
		}},
		{1, "seats > 5", []steward.Evidence{{Part: "seats > 5", Expr: "seats", Saw: steward.Unknown(steward.NumberKind), Wanted: "> 5", Verdict: steward.Unclear, Words: "seats is not known"}}},
		{1, "seats / arr > 5", []steward.Evidence{{Part: "seats / arr > 5", Expr: "seats / arr", Saw: steward.Unknown(steward.NumberKind), Wanted: "> 5", Verdict: steward.Unclear, Words: "seats / arr is not known: seats is not known; arr is not known"}}},
	} {
		e := compile(t, c.src, steward.AboutAccount)
		if diff := cmp.Diff(c.want, lang.Evidence(e.Trace(v, c.row, frozen))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.src, diff)
		}
	}
}

func TestWords(t *testing.T) {
	v := acme(t).View(steward.AboutAccount)
	for src, want := range map[string]string{
		"sum(logins, 7d)":                    "logins came to 105 in 7 days",
		"avg(active_users, 7d)":              "active users averaged 12 over 7 days",
		"min(logins, 28d)":                   "the lowest day of logins in 28 days was 15",
		"max(logins, 28d)":                   "the highest day of logins in 28 days was 42",
		"last(active_users)":                 "active users stood at 12",
		"active_days(logins, 14d)":           "logins on 14 of 14 days",
		"change(logins, 14d)":                "logins fell 64% in 14 days: 42 → 15 a day",
		"change(logins, 1d)":                 "logins did not change in 1 day: 15 a day",
		"was(change(logins, 14d), 14d)":      "14 days earlier logins did not change in 14 days: 42 a day",
		"drop(logins, 14d, 8w)":              "logins fell 64% against the 14 days that were 8 weeks earlier: 42 → 15 a day",
		"days_since(start_date)":             "start date was 100 days ago (2 Dec 2025)",
		"days_until(2026-03-12)":             "12 Mar 2026 is today",
		"days_until(renewal_date - 1mo)":     "renewal_date - 1mo is in 31 days (12 Apr 2026)",
		"days_since(renewal_date)":           "renewal date is in 61 days (12 May 2026)",
		"legal_hold":                         "not legal hold",
		"plan":                               "plan is 'team'",
		"renewal_date":                       "renewal date is 12 May 2026",
		"arr * 2":                            "arr * 2 is 96,000",
		"at_open(avg(logins, 7d))":           "as the episode began logins averaged 15 a day over 7 days",
		"known(arr)":                         "known(arr) is yes",
		"seats ?? 5":                         "seats is 100",
		"(seats - seats) ?? 5":               "seats - seats is 0",
		"(days_since_touch() ?? 9d) > 5d":    "no touch with this account is recorded, taken as 9 days",
		"(arr / (arr - arr)) ?? 5":           "arr - arr is 0, and nothing can be divided by 0, taken as 5",
		"was(last(logins) * 2, 20d)":         "was(last(logins) * 2, 20d) is 84",
		"change(logins, 14d) / (arr - arr)":  "change(logins, 14d) / (arr - arr) is not known: arr - arr is 0, and nothing can be divided by 0",
		"quiet_days(logins) + 1d":            "quiet_days(logins) + 1d is 1 day",
		"was(quiet_days(logins), 90d) + 16d": "was(quiet_days(logins), 90d) + 16d is 16 days",
	} {
		e := compile(t, src, steward.AboutAccount)
		if got := lang.Evidence(e.Trace(v, 0, lang.At{}))[0].Words; got != want {
			t.Errorf("%s: %q, want %q", src, got, want)
		}
	}
	quiet := moved(t, 5, 0)
	if got := lang.Evidence(compile(t, "quiet_days(logins) >= 14d", steward.AboutAccount).Trace(quiet, 0, lang.At{}))[0].Words; got != "no logins for 14 days" {
		t.Errorf("got %q", got)
	}
	rise := compile(t, "change(logins, 14d) > 0%", steward.AboutAccount).Trace(moved(t, 0, 3), 0, lang.At{})
	if got := lang.Evidence(rise)[0].Words; got != "change(logins, 14d) is not known: logins went from 0 to more than 0 over 14 days, which has no percentage" {
		t.Errorf("got %q", got)
	}
	if got := lang.Evidence(compile(t, "change(logins, 14d) > 0%", steward.AboutAccount).Trace(moved(t, 0.5, 3), 0, lang.At{}))[0].Words; got != "logins rose 500% in 14 days: 0.5 → 3 a day" {
		t.Errorf("got %q", got)
	}
}

// What is asked of people, tickets and the like, as a card tells it.
func TestWordsOfQuestions(t *testing.T) {
	frame := met(t)
	for _, c := range []struct{ src, want string }{
		{"tickets('open') > 0", "2 tickets are open"},
		{"tickets('urgent') > 0", "2 urgent tickets are open"},
		{"tickets('p1') > 0", "1 p1 ticket is open"},
		{"tickets('low') > 0", "no low ticket is open"},
		{"was(tickets('urgent'), 20d) > 0", "20 days earlier no urgent ticket is open"},
		{"oldest_ticket() > 10d", "the oldest open ticket has been open for 12 days"},
		{"people('economic_buyer') == 0", "1 person is economic buyer"},
		{"people('admin') == 0", "2 people are admin"},
		{"people('legal') == 0", "nobody is legal"},
		{"engaged('champion', 28d) == 0", "nobody who is champion was active for 28 days"},
		{"engaged('economic_buyer', 28d) == 0", "1 person who is economic buyer was active in 28 days"},
		{"engaged('admin', 60d) == 0", "2 people who are admin were active in 60 days"},
		{"touches('champion', 28d) == 0", "no touch with anybody who is champion for 28 days"},
		{"touches('economic_buyer', 28d) == 0", "1 touch with somebody who is economic buyer in 28 days"},
		{"touches('economic_buyer', 90d) == 0", "2 touches with somebody who is economic buyer in 90 days"},
		{"days_since_touch('economic_buyer') > 30d", "the last touch with somebody who is economic buyer was yesterday"},
		{"days_since_touch() > 30d", "the last touch was yesterday"},
		{"days_since_touch('champion') > 30d", "days_since_touch('champion') is not known: no touch with somebody who is champion is recorded"},
		{"nps() < 0", "NPS is -100"},
		{"nps('economic_buyer') < 0", "NPS of those who are economic buyer is -100"},
		{"csat(30d) < 60%", "100% of the answers in 30 days were satisfied"},
		{"adopted('reporting', 7d)", "adopted('reporting', 7d) is not known: no metric says that it is use of reporting"},
		{"utilization(7d) < 50%", "active users averaged 12% of the seats over 7 days"},
		{"changed(segment, 30d)", "segment changed within 30 days"},
		{"changed(segment, 10d)", "segment did not change for 10 days"},
		{"days_since_change(segment) < 30d", "segment changed 20 days ago"},
		{"objective('use') < 50%", "the objective 'use' is at 10%"},
		{"days_until(objective_due('use')) < 30d", "the due date of 'use' is in 9 days (21 Mar 2026)"},
		{"objective_due('use') < 2026-01-01", "the objective 'use' is due on 21 Mar 2026"},
		{"fired('login-drop', 30d)", "login-drop opened within 30 days"},
		{"not fired('login-drop', 5d)", "login-drop did not open for 5 days"},
		{"mailed(14d)", "mailed within 14 days"},
		{"mailed(5d)", "not mailed for 5 days"},
		{"family(arr ?? 1, 'sum') > 0", "arr ?? 1 of the family comes to 48,001"},
		{"family(arr, 'sum') > 0", "family(arr, 'sum') is not known: arr is not known of every account of the family"},
		{"family(arr ?? 1, 'min') > 0", "the lowest arr ?? 1 of the family is 1"},
		{"family(test, 'any')", "test: nobody in the family"},
		{"family(not test, 'all')", "not test: everybody in the family"},
		{"trend(logins, 28d) < 0%", "logins are falling: by 107% of their mean over 28 days"},
		{"trend(active_users, 28d) < 0%", "active users are level over 28 days"},
		{"unusual(logins, 14d) < 0", "unusual(logins, 14d) is not known: logins was the same in all windows of 14 days before this one, so nothing tells how far off this one is"},
		{"unusual(logins, 7d) < 0", "logins over 7 days are 6.4 deviations below what is usual for the account"},
		{"vs_peers(logins, 7d) < 0%", "vs_peers(logins, 7d) is not known: the change of logins over 7 days is known of 1 account in segment 'enterprise', and it takes 5"},
		{"vs_peers(logins, 7d, 14d) < 0%", "vs_peers(logins, 7d, 14d) is not known: the change of logins over 7 days is known of 1 account in segment 'enterprise', and it takes 5"},
		{"scale(arr, 0, 100k) < 50", "scale(arr, 0, 100k) is 48"},
	} {
		e := compile(t, c.src, steward.AboutAccount)
		if got := lang.Evidence(e.Trace(frame.View(steward.AboutAccount), 0, lang.At{}))[0].Words; got != c.want {
			t.Errorf("%s:\ngot  %s\nwant %s", c.src, got, c.want)
		}
	}
}

func TestDescribe(t *testing.T) {
	for _, c := range []struct {
		v       steward.Value
		percent bool
		want    string
	}{
		{steward.Num(0.64), true, "64%"}, {steward.Num(0.642857), true, "64%"}, {steward.Num(0.0642), true, "6.4%"}, {steward.Num(0), true, "0%"},
		{steward.Num(-0.5), true, "-50%"}, {steward.Num(12.5), true, "1,250%"}, {steward.Num(0.0999), true, "10%"}, {steward.Num(math.Copysign(0, -1)), true, "0%"},
		{steward.Num(-0.0001), true, "0%"},
		{steward.Num(1234.5), false, "1,234.5"}, {steward.Num(48000), false, "48,000"}, {steward.Num(-1234567), false, "-1,234,567"}, {steward.Num(9.876), false, "9.88"},
		{steward.Num(0.001), false, "0.001"}, {steward.Num(1e20), false, "1e+20"}, {steward.Num(999.96), false, "1,000"}, {steward.Num(0), false, "0"},
		{steward.OnDay(steward.Date(2026, 3, 12)), false, "12 Mar 2026"}, {steward.Days(14), false, "14 days"}, {steward.Days(1), false, "1 day"}, {steward.Days(-1), false, "-1 day"},
		{steward.Days(1.5), false, "1.5 days"}, {steward.Bool(true), false, "yes"}, {steward.Bool(false), false, "no"}, {steward.Str("a <b>"), false, "a <b>"},
		{steward.Unknown(steward.NumberKind), true, "not known"},
	} {
		if got := lang.Describe(c.v, c.percent); got != c.want {
			t.Errorf("%v (%v) is described as %q, want %q", c.v, c.percent, got, c.want)
		}
	}
}

// A trace of what is short for something longer has what it is short for.
func TestTraceOpensShorthands(t *testing.T) {
	v := acme(t).View(steward.AboutAccount)
	at := lang.At{Episodes: map[int]lang.Episode{0: {Frozen: map[string]steward.Value{"was(avg(logins, 14d), 14d)": steward.Num(40)}}}}
	lines := func(src string) []string {
		var out []string
		var walk func(x *lang.Trace, indent string)
		walk = func(x *lang.Trace, indent string) {
			out = append(out, indent+x.Text+" = "+lang.Describe(x.Value, x.Percent))
			for _, c := range x.Children {
				walk(c, indent+"  ")
			}
		}
		walk(compile(t, src, steward.AboutAccount).Trace(v, 0, at), "")
		return out
	}
	for src, want := range map[string][]string{
		"drop(logins,14d) >= 50% and recovered(logins, 14d) < 80%": {
			"drop(logins,14d) >= 50% and recovered(logins, 14d) < 80% = yes",
			"  drop(logins,14d) >= 50% = yes",
			"    drop(logins,14d) = 64%",
			"      avg(logins, 14d) = 15",
			"      was(avg(logins, 14d), 14d) = 42",
			"        avg(logins, 14d) = 42",
			"  recovered(logins, 14d) < 80% = yes",
			"    recovered(logins, 14d) = 38%",
			"      avg(logins, 14d) = 15",
			"      at_open(was(avg(logins, 14d), 14d)) = 40",
		},
		"days_until(renewal_date) <= (test ? 30d : 90d)": {
			"days_until(renewal_date) <= (test ? 30d : 90d) = yes",
			"  days_until(renewal_date) = 61 days",
			"    renewal_date = 12 May 2026",
			"  test ? 30d : 90d = 90 days",
			"    test = no",
		},
	} {
		if diff := cmp.Diff(want, lines(src)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", src, diff)
		}
	}
}
