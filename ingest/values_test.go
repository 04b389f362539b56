package ingest

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"steward"
)

func TestReadNumber(t *testing.T) {
	for _, c := range []struct {
		text string
		mark decimalMark
		want float64
	}{
		{"1234.5", markPoint, 1234.5},
		{"$1,234.50", markPoint, 1234.5},
		{"48.000,00 €", markComma, 48000},
		{"€ 48.000", markComma, 48000},
		{"48,000", markPoint, 48000},
		{"48,000", markComma, 48},
		{"1 234,5", markComma, 1234.5},
		{"1\u00a0234,5", markComma, 1234.5},
		{"1\u202f234\u202f567", markComma, 1234567},
		{"1'234.50", markPoint, 1234.5},
		{"1’234", markPoint, 1234},
		{"(1,200)", markPoint, -1200},
		{"($1,200.00)", markPoint, -1200},
		{"-5", markPoint, -5},
		{"−5", markPoint, -5},
		{"1.200-", markComma, -1200},
		{"+7", markPoint, 7},
		{"12 %", markPoint, 0.12},
		{"12,5%", markComma, 0.125},
		{"1.2E+05", markPoint, 120000},
		{"1,2E+05", markComma, 120000},
		{"12,34,567.5", markPoint, 1234567.5},
		{"CHF 1'200.–", markPoint, 1200},
		{"EUR 12", markPoint, 12},
		{"12 eur", markPoint, 12},
		{".5", markPoint, 0.5},
		{",5", markComma, 0.5},
		{"5.", markPoint, 5},
		{"-0", markPoint, 0},
		{"0.125", markPoint, 0.125},
		{"1.234.567", markMixed, 1234567},
		{"1,234.5", markMixed, 1234.5},
		{"1.234,5", markMixed, 1234.5},
		{"00123", markPoint, 123},
	} {
		got, err := readNumber(c.text, c.mark)
		if err != nil || math.Abs(got-c.want) > 1e-9*math.Abs(c.want) || math.Signbit(got) && got == 0 {
			t.Errorf("readNumber(%q, %q) = %v, %v; want %v", c.text, c.mark, got, err, c.want)
		}
	}
}

func TestReadNumberRefuses(t *testing.T) {
	for _, c := range []struct {
		text string
		mark decimalMark
	}{
		{"abc", markPoint}, {"12abc", markPoint}, {"1,23", markPoint}, {"1.23", markComma}, {"1,2,3", markPoint},
		{"1.234.56", markComma}, {"--5", markPoint}, {"-5-", markPoint}, {"1 23", markPoint}, {"1e999", markPoint},
		{"Infinity", markPoint}, {"0x10", markPoint}, {"1_000", markPoint}, {"€", markPoint}, {"%", markPoint}, {"()", markPoint},
		{"1,234", markMixed}, {"1.234", markMixed}, {"12:30", markPoint}, {"2026-03-12", markPoint}, {"1..2", markPoint}, {",", markPoint},
		{"٣", markPoint}, {strings.Repeat("9", 70), markPoint},
	} {
		if got, err := readNumber(c.text, c.mark); err == nil {
			t.Errorf("readNumber(%q, %q) = %v, want an error", c.text, c.mark, got)
		} else if !strings.ContainsAny(err.Error(), ";") {
			t.Errorf("readNumber(%q): %q does not say what to do", c.text, err)
		}
	}
}

// Any number written with any marks reads back as it was.
func TestNumbersComeBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cents := rapid.Int64Range(-1e12, 1e12).Draw(t, "cents")
		mark := rapid.SampledFrom([]decimalMark{markPoint, markComma}).Draw(t, "mark")
		group := rapid.SampledFrom([]string{"", " ", "\u00a0", "'", "other"}).Draw(t, "group")
		if group == "other" {
			group = map[decimalMark]string{markPoint: ",", markComma: "."}[mark]
		}
		text := writeNumber(float64(cents)/100, 2, mark, group)
		text = fmt.Sprintf(rapid.SampledFrom([]string{"%s", "%s €", "$%s", " %s "}).Draw(t, "dress"), text)
		got, err := readNumber(text, mark)
		if want := float64(cents) / 100; err != nil || math.Abs(got-want) > 1e-6 {
			t.Fatalf("readNumber(%q) = %v, %v; want %v", text, got, err, want)
		}
	})
}

// writeNumber writes a number with a decimal mark and grouped thousands.
func writeNumber(v float64, decimals int, mark decimalMark, group string) string {
	s := fmt.Sprintf("%.*f", decimals, math.Abs(v))
	whole, fraction, _ := strings.Cut(s, ".")
	var b strings.Builder
	for i, r := range whole {
		if i > 0 && (len(whole)-i)%3 == 0 {
			b.WriteString(group)
		}
		b.WriteRune(r)
	}
	s = b.String()
	if fraction != "" {
		s += string(rune(mark)) + fraction
	}
	if v < 0 {
		s = "-" + s
	}
	return s
}

func TestReadDate(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		text  string
		order dateOrder
		zone  *time.Location
		want  string
	}{
		{"2026-03-12", orderUnsure, nil, "2026-03-12"},
		{"2026/3/2", orderUnsure, nil, "2026-03-02"},
		{"2026.03.12", orderUnsure, nil, "2026-03-12"},
		{"20260312", orderUnsure, nil, "2026-03-12"},
		{"12.03.2026", orderUnsure, nil, "2026-03-12"},
		{"12. 3. 2026", orderUnsure, nil, "2026-03-12"},
		{"12.03.26", orderUnsure, nil, "2026-03-12"},
		{"12/03/2026", orderDMY, nil, "2026-03-12"},
		{"12/03/2026", orderMDY, nil, "2026-12-03"},
		{"3/4/26", orderMDY, nil, "2026-03-04"},
		{"3-4-1999", orderDMY, nil, "1999-04-03"},
		{"26-03-12", orderYMD, nil, "2026-03-12"},
		{"3/4/75", orderMDY, nil, "1975-03-04"},
		{"25/12/2026", orderMixed, nil, "2026-12-25"},
		{"12/25/2026", orderMixed, nil, "2026-12-25"},
		{"7/7/2026", orderMixed, nil, "2026-07-07"},
		{"12 Mar 2026", orderUnsure, nil, "2026-03-12"},
		{"12-Mar-26", orderUnsure, nil, "2026-03-12"},
		{"Mar 12, 2026", orderUnsure, nil, "2026-03-12"},
		{"12. März 2026", orderUnsure, nil, "2026-03-12"},
		{"1 Dezember 2026", orderUnsure, nil, "2026-12-01"},
		{"Thu, 12 Mar 2026", orderUnsure, nil, "2026-03-12"},
		{"2026-Mar-12", orderUnsure, nil, "2026-03-12"},
		{"45366", orderUnsure, nil, "2024-03-15"},
		{"45366.75", orderUnsure, nil, "2024-03-15"},
		{"45366,75", orderUnsure, nil, "2024-03-15"},
		{"25569", orderUnsure, nil, "1970-01-01"},
		{"2026-03-12T10:00:00Z", orderUnsure, nil, "2026-03-12"},
		{"2026-03-12T23:30:00Z", orderUnsure, berlin, "2026-03-13"},
		{"2026-03-12T00:30:00+02:00", orderUnsure, berlin, "2026-03-11"},
		{"2026-03-12 23:30", orderUnsure, berlin, "2026-03-12"},
		{"2026-03-12 23:30:00.123456+0000", orderUnsure, berlin, "2026-03-13"},
		{"2026-03-12 23:30:00 UTC", orderUnsure, berlin, "2026-03-13"},
		{"12/03/2026 2:30 PM", orderDMY, nil, "2026-03-12"},
		{"12.03.2026, 14:30", orderUnsure, nil, "2026-03-12"},
		{"1710230000", orderUnsure, time.UTC, "2024-03-12"},
		{"1710230000000", orderUnsure, time.UTC, "2024-03-12"},
		{"9999-12-31", orderUnsure, nil, "none"},
		{"0000-00-00", orderUnsure, nil, "none"},
		{"0", orderUnsure, nil, "none"},
		{"29/02/2024", orderDMY, nil, "2024-02-29"},
	} {
		got, err := readDate(c.text, c.order, c.zone)
		if err != nil || got.String() != c.want {
			t.Errorf("readDate(%q, %s) = %s, %v; want %s", c.text, c.order, got, err, c.want)
		}
	}
}

func TestReadDateRefuses(t *testing.T) {
	for _, c := range []struct {
		text  string
		order dateOrder
	}{
		{"soon", orderUnsure}, {"2026", orderUnsure}, {"2026-13-01", orderUnsure}, {"2026-02-30", orderUnsure}, {"30/02/2026", orderDMY},
		{"25/12/2026", orderMDY}, {"12/25/2026", orderDMY}, {"3/4/2026", orderMixed}, {"12 Foo 2026", orderUnsure}, {"1/2", orderDMY},
		{"1.2-26", orderDMY}, {"12345678", orderUnsure}, {"123456", orderUnsure}, {"2026-03-12T25:00", orderUnsure}, {"2026-03-12 tomorrow", orderUnsure},
		{"12/03/0202", orderDMY}, {"12 March 12 2026", orderUnsure}, {"2026-03-12 10:00 CET", orderUnsure}, {"99/99/9999", orderDMY},
		{"2026-03-12T10:00:00+99:00", orderUnsure}, {"1/1/123", orderDMY}, {strings.Repeat("1/", 60), orderDMY},
	} {
		if got, err := readDate(c.text, c.order, nil); err == nil && got != steward.NoDay {
			t.Errorf("readDate(%q, %s) = %s, want an error", c.text, c.order, got)
		} else if err != nil && !strings.Contains(err.Error(), ";") {
			t.Errorf("readDate(%q): %q does not say what to do", c.text, err)
		}
	}
}

// Every day in every spelling that time.Format can write reads back.
func TestDatesComeBack(t *testing.T) {
	layouts := map[string]dateOrder{
		"2006-01-02": orderUnsure, "02/01/2006": orderDMY, "1/2/2006": orderMDY, "02.01.2006": orderUnsure, "2 January 2006": orderUnsure, "Jan 2, 2006": orderUnsure,
		"02-Jan-06": orderUnsure, "20060102": orderUnsure, time.RFC3339: orderUnsure, time.RFC1123Z: orderUnsure, "2006-01-02 15:04:05": orderUnsure, "1/2/06 3:04 PM": orderMDY,
	}
	var names []string
	for l := range layouts {
		names = append(names, l)
	}
	rapid.Check(t, func(t *rapid.T) {
		at := time.Unix(rapid.Int64Range(0, 3_000_000_000).Draw(t, "at"), 0).UTC()
		layout := rapid.SampledFrom(names).Draw(t, "layout")
		got, err := readDate(at.Format(layout), layouts[layout], time.UTC)
		if err != nil || got != steward.DayOf(at, time.UTC) {
			t.Fatalf("readDate(%q) = %s, %v; want %s", at.Format(layout), got, err, steward.DayOf(at, time.UTC))
		}
	})
}

func FuzzNumber(f *testing.F) {
	for _, s := range []string{"48.000,00 €", "$1,234.50", "(1,200)", "12 %", "1.2E+05", "1'234", "-", "1e+", "((1))"} {
		f.Add(s, byte('.'))
		f.Add(s, byte(','))
		f.Add(s, byte('x'))
	}
	f.Fuzz(func(t *testing.T, s string, mark byte) {
		v, err := readNumber(s, decimalMark(mark))
		if err == nil && (math.IsNaN(v) || math.IsInf(v, 0) || v == 0 && math.Signbit(v)) {
			t.Errorf("readNumber(%q) = %v", s, v)
		}
		var c tally
		c.countMark(1, s)
	})
}

func FuzzDate(f *testing.F) {
	for _, s := range []string{"2026-03-12T10:00:00Z", "12.03.2026", "Thu, 12 März 2026 10:00 +01:00", "45366,5", "1/2/3", "99999999999999999999", "12 Mar 26 3:04 PM"} {
		f.Add(s, byte(0))
		f.Add(s, byte(2))
	}
	zone := time.FixedZone("far", -12*3600)
	f.Fuzz(func(t *testing.T, s string, order byte) {
		d, err := readDate(s, dateOrder(order%5), zone)
		if err == nil && d != steward.NoDay && (d < steward.Date(1899, 12, 30) || d > steward.Date(2287, 1, 1)) {
			t.Errorf("readDate(%q) = %s", s, d)
		}
		var c tally
		c.countOrder(1, s)
	})
}
