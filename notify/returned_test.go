package notify

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"steward"
)

var (
	mailbox = MailReader{Address: "success@example.com", Zone: time.UTC}
	arrived = time.Date(2026, 3, 12, 12, 0, 0, 0, time.UTC)
)

// What came back, by file; "" is a mail that is none of it.
var returned = map[string]string{
	"postfix-unknown-user":      "hard_bounce m-abcdefgh2345nopq ada.park@customer.example 5.1.1",
	"postfix-delayed":           "soft_bounce m-abcdefgh2345nopq ada.park@customer.example 4.4.1",
	"postfix-success":           "",
	"exim-status-of-the-words":  "hard_bounce m-abcdefgh2345nopq ada.park@customer.example 5.1.1",
	"exim-no-code":              "soft_bounce m-abcdefgh2345nopq ada.park@customer.example ",
	"exchange-ndr":              "hard_bounce m-abcdefgh2345nopq ada.park@customer.example 5.1.10",
	"exchange-policy":           "soft_bounce m-abcdefgh2345nopq ada.park@customer.example 5.7.1",
	"gmail-no-such-user":        "hard_bounce m-abcdefgh2345nopq ada.park@customer.example 5.1.1",
	"gmail-over-quota":          "soft_bounce m-abcdefgh2345nopq ada.park@customer.example 5.2.2",
	"qmail":                     "hard_bounce m-abcdefgh2345nopq ada.park@customer.example 5.1.1",
	"cut-off":                   "hard_bounce m-abcdefgh2345nopq ada.park@customer.example 5.1.1",
	"complaint":                 "complaint m-abcdefgh2345nopq ada.park@customer.example ",
	"not-spam":                  "",
	"reply-gmail":               "reply m-abcdefgh2345nopq ada.park@customer.example ",
	"reply-outlook-latin1":      "reply  j.mueller@customer.example ",
	"reply-of-a-colleague":      "",
	"ours":                      "",
	"away-exchange":             "auto_reply m-abcdefgh2345nopq ada.park@customer.example  back 2026-03-23",
	"away-german":               "auto_reply m-abcdefgh2345nopq j.mueller@customer.example  back 2026-03-28",
	"away-french-no-rfc":        "auto_reply m-abcdefgh2345nopq zoe@customer.example  back 2026-04-02",
	"away-no-date":              "auto_reply m-abcdefgh2345nopq ada.park@customer.example ",
	"subject-alone-is-a-person": "reply m-abcdefgh2345nopq ada.park@customer.example ",
	"newsletter":                "",
	"question":                  "",
	"forged-id":                 "reply  mallory@elsewhere.example ",
}

func line(in steward.Returned, ok bool) string {
	if !ok {
		return ""
	}
	s := fmt.Sprintf("%s %s %s %s", in.Kind, in.Message, in.Address, in.Status)
	if in.Back != steward.NoDay {
		s += " back " + in.Back.String()
	}
	return s
}

func corpus(t testing.TB) map[string][]byte {
	t.Helper()
	files, err := filepath.Glob("testdata/returned/*.eml")
	if err != nil || len(files) == 0 {
		t.Fatal("the mails are missing", err)
	}
	out := map[string][]byte{}
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		out[strings.TrimSuffix(filepath.Base(f), ".eml")] = raw
	}
	return out
}

func TestWhatComesBackIsUnderstood(t *testing.T) {
	got := map[string]string{}
	for name, raw := range corpus(t) {
		in, ok := mailbox.Read(raw, arrived)
		got[name] = line(in, ok)
		if again, _ := mailbox.Read(raw, arrived.Add(time.Hour)); ok && (in.Key == "" || again.Key != in.Key) {
			t.Errorf("%s: its key is %q at first and %q later", name, in.Key, again.Key)
		}
		if strings.ContainsAny(in.Detail, "@") || strings.Contains(strings.ToLower(in.Detail), "ada") {
			t.Errorf("%s: what is kept of it names somebody: %s", name, in.Detail)
		}
	}
	if diff := cmp.Diff(returned, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestServersWordsAreKeptWithoutNames(t *testing.T) {
	in, ok := mailbox.Read(corpus(t)["exim-status-of-the-words"], arrived)
	if want := "550 5.1.1 Unknown user: (address)"; !ok || in.Detail != want {
		t.Errorf("%q, want %q", in.Detail, want)
	}
}

// Line ends, a letter's case in field names and an odd charset change nothing.
func TestMailIsReadHoweverItIsWritten(t *testing.T) {
	for name, raw := range corpus(t) {
		for how, changed := range map[string][]byte{
			"bare line ends":     bytes.ReplaceAll(raw, []byte("\r\n"), []byte("\n")),
			"upper case":         bytes.Replace(bytes.Replace(raw, []byte("In-Reply-To:"), []byte("IN-REPLY-TO:"), 1), []byte("Content-Type:"), []byte("content-type:"), -1),
			"an unknown charset": bytes.ReplaceAll(raw, []byte("charset=us-ascii"), []byte("charset=x-klingon")),
		} {
			if got := line(mailbox.Read(changed, arrived)); got != returned[name] {
				t.Errorf("%s with %s: %q, want %q", name, how, got, returned[name])
			}
		}
	}
}

// Colleagues are known by the domain, also where mail is sent from a part of it.
func TestColleaguesAreNoCustomers(t *testing.T) {
	for from, ours := range map[string]bool{"dana@example.com": true, "dana@eu.example.com": true, "dana@mail.example.com": true, "dana@notexample.com": false, "dana@customer.example": false, "dana": true} {
		for _, address := range []string{"success@example.com", "success@Mail.example.com"} {
			want := ours && (from != "dana@eu.example.com" || address == "success@example.com")
			if got := (MailReader{Address: address}).ours(from); got != want {
				t.Errorf("%s to %s: ours is %v", from, address, got)
			}
		}
	}
}

func TestSubjectsAreComparedWithoutPrefixes(t *testing.T) {
	for in, want := range map[string]string{
		"Re: Can we help?": "Can we help?", "AW: Re: WG: Können wir?": "Können wir?", "RE[2]: a": "a", "Re : x": "x", "Regarding x": "Regarding x", "Re:": "", "": "",
	} {
		if got := BareSubject(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestDaysOnWhichPeopleAreBack(t *testing.T) {
	today := steward.DayOf(arrived, time.UTC) // Thursday, 12 March 2026
	for text, want := range map[string]string{
		"I will be back on 16 March.":                              "2026-03-16",
		"I'll be back in the office on Mon, March 16th":            "2026-03-16",
		"returning on March 16, 2026":                              "2026-03-16",
		"back 2026-03-16":                                          "2026-03-16",
		"out until 20/03/2026":                                     "2026-03-21",
		"out until 03/20/2026":                                     "2026-03-21",
		"out until 03/04/2026":                                     "none", // two days
		"until further notice":                                     "none",
		"Ich bin ab dem 16.3. wieder da":                           "2026-03-16",
		"wieder erreichbar ab Montag, den 16. März 2026":           "2026-03-16",
		"bis 20.03. nicht da":                                      "2026-03-21",
		"je serai de retour le lundi 16 mars":                      "2026-03-16",
		"jusqu'au 20 mars":                                         "2026-03-21",
		"I was away until 3 March.":                                "none", // over, and next year is too far
		"back on 5 January":                                        "none",
		"back on 31 February 2026":                                 "none",
		"back on 30 June 2027":                                     "none",
		"Ich bin vom 9.3. bis 20.3. weg, ab 23.3. zurück":          "2026-03-21",
		"out of office until Friday":                               "none",
		"call me back: 030 123456":                                 "none",
		"I am away from 10 March until 20 March, back on 23 March": "2026-03-23",
	} {
		if got := backOn(text, today); got.String() != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}

func FuzzReturnedMail(f *testing.F) {
	for _, raw := range corpus(f) {
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		in, ok := mailbox.Read(raw, arrived)
		if !ok {
			return
		}
		today := steward.DayOf(arrived, time.UTC)
		switch {
		case in.Key == "" || len(in.Key) > 300:
			t.Errorf("its key is %q", in.Key)
		case strings.Contains(in.Detail, "@") || len([]rune(in.Detail)) > 400 || in.Detail != oneLine(in.Detail):
			t.Errorf("what is kept of it: %q", in.Detail)
		case in.Back != steward.NoDay && (in.Back <= today || in.Back > today+awayMost+1):
			t.Errorf("back on %s", in.Back)
		case in.Kind == steward.Reply && strings.HasSuffix(in.Address, "@example.com"):
			t.Errorf("a reply of ours: %s", in.Address)
		case in.Message != "" && !bytes.Contains(bytes.ToLower(raw), []byte(in.Message)) && !bytes.Contains(raw, []byte("base64")) && !bytes.Contains(bytes.ToLower(raw), []byte("quoted")):
			t.Errorf("it names %s, which is not in it", in.Message)
		}
	})
}
