package ingest

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"steward"
)

// readText reads one file as a source.
func readText(f File, text string, schema Schema) (Batch, error) {
	open := func(string) (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }
	return Read(context.Background(), Source{Name: "s", Files: []File{f}}, schema, open, 20_700, nil)
}

// An export that was cut is read up to the cut, and said to be torn wherever
// that can be seen: nothing is made up, and no name comes out garbled.
func TestAFileThatWasCut(t *testing.T) {
	var csv, jsonl strings.Builder
	csv.WriteString("id,arr,owner,name\n")
	for i := range 12 {
		fmt.Fprintf(&csv, "a-%02d,%d,dana,\"Müller, Söhne\n& Co %02d\"\n", i, 1000+i, i)
		fmt.Fprintf(&jsonl, `{"id":"a-%02d","arr":%d,"owner":"dana","name":"Müller & Söhne %02d"}`+"\n", i, 1000+i, i)
	}
	for path, whole := range map[string]string{"a.csv": csv.String(), "a.jsonl": jsonl.String()} {
		want, err := readText(File{Kind: Accounts, Path: path}, whole, Schema{})
		if err != nil || len(want.Accounts) != 12 || len(want.Torn) > 0 {
			t.Fatalf("%s: %d accounts, torn %v, %v", path, len(want.Accounts), want.Torn, err)
		}
		for cut := strings.Index(whole, "\n") + 1 + len(whole)/4; cut < len(whole); cut++ {
			got, err := readText(File{Kind: Accounts, Path: path}, whole[:cut], Schema{})
			if err != nil {
				t.Fatalf("%s cut at %d: %v", path, cut, err)
			}
			// Right behind a row, and behind the delimiter of an empty last cell, the
			// file itself does not show that more was to come.
			done := whole[:cut]
			ended, complete := strings.HasSuffix(done, "\n"), rowEnd[path].MatchString(done)
			if (len(got.Torn) > 0) != (!complete && !ended) || (len(got.Unended) > 0) != !ended {
				t.Errorf("%s cut behind %q: torn %v, unended %v", path, done[max(0, cut-20):], got.Torn, got.Unended)
			}
			for i, a := range got.Accounts {
				if last := i == len(got.Accounts)-1; a.Name != want.Accounts[i].Name && !(last && a.Name == "" && !ended) || a.Owner != "dana" || a.ARR != want.Accounts[i].ARR {
					t.Fatalf("%s cut at %d: account %d is %+v", path, cut, i, a)
				}
			}
		}
	}
}

// rowEnd is what a whole row ends with.
var rowEnd = map[string]*regexp.Regexp{"a.csv": regexp.MustCompile(`(\d"|,dana,)$`), "a.jsonl": regexp.MustCompile(`}$`)}

// A cut in the middle of a character leaves the charset what it was.
func TestACutCharacterDoesNotChangeTheCharset(t *testing.T) {
	text := "id,name\na,Müller\nb,Söhne\nc,Grüß"
	got, err := readText(File{Kind: Accounts, Path: "a.csv"}, text[:len(text)-1], Schema{})
	if err != nil || len(got.Accounts) != 2 || got.Accounts[0].Name != "Müller" || len(got.Torn) != 1 || got.Torn[0] != "a.csv:4" {
		t.Errorf("cut: %+v, torn %v, %v", got.Accounts, got.Torn, err)
	}
	// Without a whole character of several bytes anywhere it may as well be Windows-1252.
	got, err = readText(File{Kind: Accounts, Path: "a.csv"}, "id,name\na,Miller\nb,Andr\xe9", Schema{})
	if err != nil || len(got.Accounts) != 2 || got.Accounts[1].Name != "André" || len(got.Torn) != 0 {
		t.Errorf("windows-1252: %+v, torn %v, %v", got.Accounts, got.Torn, err)
	}
}

func TestAnArchiveThatWasCutIsRefused(t *testing.T) {
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	for i := range 5000 {
		fmt.Fprintf(z, "a-%d,%d\n", i, i*7919)
	}
	z.Close()
	_, err := readText(File{Kind: Accounts, Path: "a.csv.gz"}, packed.String()[:packed.Len()/2], Schema{})
	if err == nil || !strings.Contains(err.Error(), "cannot be read to its end") || !strings.Contains(err.Error(), "export or copy it again") {
		t.Errorf("half an archive: %v", err)
	}
}

func TestAHeaderInTheMiddleIsNoRow(t *testing.T) {
	text := "id,name\na,Acme\nb,Bright\n"
	got, err := readText(File{Kind: Accounts, Path: "a.csv"}, text+text, Schema{})
	if err != nil || len(got.Accounts) != 2 || got.Rejected != 1 || !strings.Contains(got.Rejects[0].Reason, "the header once more") || len(got.Torn) > 0 {
		t.Errorf("joined files: %+v, %v, %v", got.Accounts, got.Rejects, err)
	}
}

func TestDaysThatCannotBe(t *testing.T) {
	logins := Schema{Metrics: []steward.MetricSpec{{Name: "logins", Kind: steward.Count}}}
	for day, want := range map[string]string{"1970-01-01": "too long ago", "2062-01-01": "lies after today"} {
		var b strings.Builder
		b.WriteString("account,day,logins\n")
		for i := range 20 {
			fmt.Fprintf(&b, "a-%d,%s,4\n", i, day)
		}
		_, err := readText(File{Kind: Metrics, Path: "u.csv"}, b.String(), logins)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "nothing was taken from it") {
			t.Errorf("every day is %s: %v", day, err)
		}
	}
}

// What a column said is counted by cells, not by values: a default that stands
// in for a column that is gone must not hide that it is gone.
func TestFilled(t *testing.T) {
	schema := Schema{Fields: []steward.FieldSpec{{Name: "seats", Kind: steward.NumberKind}}}
	f := File{Kind: Accounts, Path: "a.csv", Defaults: map[string]string{"status": "customer"}, Columns: map[string]string{"currency": ""}}
	read := func(text string) Batch {
		t.Helper()
		b, err := readText(f, text, schema)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	before := read("id,status,owner,seats,currency\na,lost,dana,,\nb,,dana,4,\n\nc,n/a,,,\n")
	after := read("id,state,owner\na,lost,dana\n")
	for name, want := range map[string]Fill{"accounts.status": {3, 1, nil}, "accounts.owner": {3, 2, nil}, "accounts.seats": {3, 1, nil}, "accounts.id": {3, 3, nil}} {
		if got := before.Filled[name]; got.Rows != want.Rows || got.Filled != want.Filled {
			t.Errorf("%s: %+v, want %+v", name, got, want)
		}
	}
	got, known := after.Filled["accounts.status"]
	if !known || got.Filled != 0 || strings.Join(got.Unread, " ") != "state" {
		t.Errorf("after it was renamed: %+v, %v", got, known)
	}
	if _, known := before.Filled["accounts.currency"]; known {
		t.Error("a column that the workspace does not want is counted")
	}
	only, err := readText(File{Kind: Accounts, Path: "a.csv"}, "id\na\n", Schema{})
	if err != nil || only.AccountFields == nil {
		t.Errorf("a file with nothing but ids says that it sets every field; %v", err)
	}

	metrics := Schema{Metrics: []steward.MetricSpec{{Name: "logins"}, {Name: "exports"}}}
	long, err := readText(File{Kind: Metrics, Path: "u.csv"}, "account,day,metric,value\na,2026-03-01,logins,4\na,2026-03-02,logins,5\na,2026-03-02,exports,1\n", metrics)
	if got := long.Filled["metrics.logins"]; err != nil || got.Filled != 2 || got.Rows != 3 || long.Filled["metrics.exports"].Filled != 1 {
		t.Errorf("a long file: %+v, %v", long.Filled, err)
	}
}

// halved knows the beginnings of characters from everything else.
func TestHalved(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		whole := rapid.StringMatching(`[a-zäß€😀]{1,6}`).Draw(t, "text")
		for i := range len(whole) {
			want := strings.ToValidUTF8(whole[:i], "") != whole[:i]
			if got := halved([]byte(whole[:i])); got != want {
				t.Fatalf("halved(%q) = %v", whole[:i], got)
			}
		}
		if halved([]byte(whole)) {
			t.Fatalf("halved(%q)", whole)
		}
	})
}
