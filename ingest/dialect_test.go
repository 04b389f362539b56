package ingest

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/encoding/charmap"
	"pgregory.net/rapid"

	"steward"
)

// A dialect is one way in which some program writes a table.
type dialect struct {
	delimiter string
	mark      decimalMark
	group     string
	date      string // a layout of time.Format
	order     string // date_order, where the layout needs it
	charset   string
	quoteAll  bool
	lineEnd   string
	absent    string
}

func drawDialect(t *rapid.T) dialect {
	d := dialect{
		delimiter: rapid.SampledFrom([]string{",", ";", "\t", "|"}).Draw(t, "delimiter"),
		mark:      rapid.SampledFrom([]decimalMark{markPoint, markComma}).Draw(t, "mark"),
		charset:   rapid.SampledFrom([]string{"utf-8", "bom", "windows-1252", "utf-16"}).Draw(t, "charset"),
		quoteAll:  rapid.Bool().Draw(t, "quoteAll"),
		lineEnd:   rapid.SampledFrom([]string{"\n", "\r\n"}).Draw(t, "lineEnd"),
		absent:    rapid.SampledFrom([]string{"", "N/A", "-", "NULL"}).Draw(t, "absent"),
		group:     rapid.SampledFrom([]string{"", " ", "'", "mark"}).Draw(t, "group"),
	}
	if d.group == "mark" {
		d.group = map[decimalMark]string{markPoint: ",", markComma: "."}[d.mark]
	}
	layouts := [][2]string{{"2006-01-02", ""}, {"02/01/2006", "dmy"}, {"1/2/2006", "mdy"}, {"02.01.2006", ""}, {"2 Jan 2006", ""}, {"2006-01-02T15:04:05Z", ""}, {"06-1-2", "ymd"}}
	l := rapid.SampledFrom(layouts).Draw(t, "layout")
	d.date, d.order = l[0], l[1]
	return d
}

// cell quotes where the dialect or the text asks for it.
func (d dialect) cell(s string) string {
	if d.quoteAll || strings.ContainsAny(s, "\"\r\n"+d.delimiter) {
		return `"` + strings.ReplaceAll(s, `"`, `""`) + `"`
	}
	return s
}

func (d dialect) day(x steward.Day) string {
	if x == steward.NoDay {
		return d.absent
	}
	return x.Start(time.UTC).Format(d.date)
}

func (d dialect) number(v steward.Value) string {
	if !v.Known {
		return d.absent
	}
	return writeNumber(v.Num, 2, d.mark, d.group)
}

func (d dialect) text(s string) string {
	if s == "" {
		return d.absent
	}
	return s
}

func (d dialect) encode(t *rapid.T, s string) string {
	switch d.charset {
	case "bom":
		return "\ufeff" + s
	case "windows-1252":
		out, err := charmap.Windows1252.NewEncoder().String(s)
		if err != nil {
			t.Fatal(err)
		}
		return out
	case "utf-16":
		var b strings.Builder
		for _, u := range utf16.Encode([]rune("\ufeff" + s)) {
			b.WriteByte(byte(u >> 8))
			b.WriteByte(byte(u))
		}
		return b.String()
	}
	return s
}

// Words with everything that has to survive quoting and charsets; none is a
// spelling of "absent", and none has spaces at its ends.
var wordGen = rapid.StringMatching(`[A-Za-zäöüßéñ€][A-Za-z0-9äöüßéñ€ ,;|"'./\n-]{0,12}[A-Za-zäöüß]`)

func drawAccount(t *rapid.T, n int) steward.Account {
	optional := func(name string) steward.Day {
		if rapid.Bool().Draw(t, name+" known") {
			return steward.Date(2000, 1, 1) + steward.Day(rapid.IntRange(0, 12000).Draw(t, name))
		}
		return steward.NoDay
	}
	a := steward.Account{
		ID: steward.AccountID(fmt.Sprintf("A-%03d", n)), Name: wordGen.Draw(t, "name"), Segment: rapid.SampledFrom([]string{"", "smb", "Mid-Market"}).Draw(t, "segment"),
		ARR: steward.Unknown(steward.NumberKind), EscalationLevel: steward.Unknown(steward.NumberKind),
		StartDate: optional("start"), RenewalDate: optional("renewal"), Test: rapid.Bool().Draw(t, "test"),
	}
	if rapid.Bool().Draw(t, "arr known") {
		a.ARR = steward.Num(float64(rapid.Int64Range(-1e9, 1e9).Draw(t, "cents")) / 100)
	}
	if rapid.Bool().Draw(t, "plan known") {
		a.More = map[string]steward.Value{"plan": steward.Str(wordGen.Draw(t, "plan"))}
	}
	return a
}

// A portfolio written in any dialect reads back as it was: with the settings
// that the file cannot prove given, and everything else inferred.
func TestPortfolioComesBackFromAnyDialect(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := drawDialect(t)
		var want []steward.Account
		var b strings.Builder
		line := func(cells ...string) {
			for i, c := range cells {
				if i > 0 {
					b.WriteString(d.delimiter)
				}
				b.WriteString(d.cell(c))
			}
			b.WriteString(d.lineEnd)
		}
		line("Id", "NAME", "Segment", "ARR", "start-date", "Renewal Date", "test", "plan", "Notizen")
		for n := range rapid.IntRange(1, 20).Draw(t, "accounts") {
			a := drawAccount(t, n)
			want = append(want, a)
			line(string(a.ID), a.Name, d.text(a.Segment), d.number(a.ARR), d.day(a.StartDate), d.day(a.RenewalDate), fmt.Sprint(a.Test), d.text(a.More["plan"].Text), wordGen.Draw(t, "note"))
		}
		if strings.ContainsAny(d.group, d.delimiter) && d.group != "" { // grouped numbers are quoted then; nothing to add
			d.quoteAll = true
		}
		src := Source{Name: "crm", DateOrder: d.order, Decimal: string(rune(d.mark)), Files: []File{{Kind: Accounts, Path: "a.csv"}}}
		if d.charset == "windows-1252" { // the words may by chance be valid UTF-8 too
			src.Charset = "windows-1252"
		}
		got, err := Read(context.Background(), src, plainSchema, files(map[string]string{"a.csv": d.encode(t, b.String())}), today, nil)
		if err != nil {
			t.Fatalf("%+v: %v\n%s", d, err, b.String())
		}
		if len(got.Rejects) > 0 {
			t.Fatalf("%+v: %v\n%s", d, got.Rejects, b.String())
		}
		if diff := cmp.Diff(want, got.Accounts); diff != "" {
			t.Fatalf("%+v:\n%s\n%s", d, diff, b.String())
		}
	})
}

// What is inferred is never wrong: without the settings a file reads as it
// does with them, or it is refused, or rows are rejected; it never reads
// differently.
func TestInferenceNeverGuessesWrong(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		order := rapid.SampledFrom([]string{"dmy", "mdy"}).Draw(t, "order")
		mark := rapid.SampledFrom([]decimalMark{markPoint, markComma}).Draw(t, "mark")
		layout := map[string]string{"dmy": "2/1/2006", "mdy": "1/2/2006"}[order]
		group := rapid.SampledFrom([]string{"", map[decimalMark]string{markPoint: ",", markComma: "."}[mark]}).Draw(t, "group")
		decimals := rapid.IntRange(0, 4).Draw(t, "decimals")
		var b strings.Builder
		b.WriteString("id\tarr\tstart_date\n")
		for n := range rapid.IntRange(1, 30).Draw(t, "rows") {
			day := steward.Date(2020, 1, 1) + steward.Day(rapid.IntRange(0, 2000).Draw(t, "day"))
			fmt.Fprintf(&b, "%d\t%s\t%s\n", n, writeNumber(rapid.Float64Range(0, 1e6).Draw(t, "arr"), decimals, mark, group), day.Start(time.UTC).Format(layout))
		}
		told, err := readOne(Accounts, "a.tsv", b.String(), func(s *Source) { s.DateOrder, s.Decimal = order, string(rune(mark)) })
		if err != nil {
			t.Fatal(err)
		}
		inferred, err := readOne(Accounts, "a.tsv", b.String())
		if err != nil {
			return
		}
		if diff := cmp.Diff(told.Accounts, inferred.Accounts); diff != "" {
			t.Fatalf("%s\n%s", b.String(), diff)
		}
	})
}
