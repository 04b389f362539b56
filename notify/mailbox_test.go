package notify

import (
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"steward"
	"steward/notify/notifytest"
)

func startMailbox(t *testing.T, folders ...string) *notifytest.MailboxServer {
	t.Helper()
	s, err := notifytest.StartMailbox("success@example.com", "open sesame/@7", folders...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func openMailbox(t *testing.T, cfg MailboxConfig) *Mailbox {
	t.Helper()
	cfg.Reader, cfg.Now = mailbox, func() time.Time { return arrived.Add(time.Hour) }
	m, err := NewMailbox(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// readAll reads on until there is no more, as the worker does.
func readAll(t *testing.T, m *Mailbox, at steward.MailCursor, first bool) (kinds []string, next steward.MailCursor) {
	t.Helper()
	for range 100 {
		found, to, more, err := m.Read(t.Context(), at, first)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range found {
			kinds = append(kinds, string(r.Kind))
		}
		if err := m.Settle(t.Context()); err != nil {
			t.Fatal(err)
		}
		at, first = to, false
		if !more {
			return kinds, at
		}
	}
	t.Fatal("it never ends")
	return nil, at
}

func TestAMailboxIsReadOnce(t *testing.T) {
	s, mails := startMailbox(t), corpus(t)
	put := func(name string, at time.Time) {
		t.Helper()
		if err := s.Put(mails[name], at); err != nil {
			t.Fatal(err)
		}
	}
	m := openMailbox(t, MailboxConfig{IMAP: steward.NewSecret(s.URL("INBOX"))})
	kinds, at := readAll(t, m, steward.MailCursor{}, true) // empty
	if len(kinds) != 0 {
		t.Fatalf("an empty mailbox holds %v", kinds)
	}
	put("reply-gmail", arrived)
	put("question", arrived)
	put("postfix-unknown-user", arrived)
	kinds, at = readAll(t, m, at, false)
	if diff := cmp.Diff([]string{"reply", "hard_bounce"}, kinds); diff != "" {
		t.Error(diff)
	}
	if kinds, _ = readAll(t, m, at, false); len(kinds) != 0 {
		t.Errorf("read again: %v", kinds)
	}
	put("away-exchange", arrived)
	kinds, at = readAll(t, m, at, false)
	if diff := cmp.Diff([]string{"auto_reply"}, kinds); diff != "" {
		t.Error(diff)
	}
	// Nothing was marked.
	got, err := s.Subjects("INBOX")
	if err != nil || strings.Contains(strings.Join(got, "\n"), "(seen)") || len(got) != 4 {
		t.Errorf("%q %v", got, err)
	}
	// New numbers: the mail of the last week is read again, and keys see to the rest.
	if err := s.Renumber(); err != nil {
		t.Fatal(err)
	}
	put("complaint", arrived)
	kinds, after := readAll(t, m, at, false)
	if diff := cmp.Diff([]string{"complaint"}, kinds); diff != "" || after.Validity == at.Validity {
		t.Errorf("%s %+v %+v", diff, at, after)
	}
}

func TestAFullMailboxIsReadInParts(t *testing.T) {
	s, mails := startMailbox(t), corpus(t)
	if err := s.Put(mails["postfix-unknown-user"], arrived.AddDate(0, -2, 0)); err != nil { // of old
		t.Fatal(err)
	}
	for i := range mailboxBatch*2 + 3 {
		raw := strings.Replace(string(mails["reply-gmail"]), "CAF1@", fmt.Sprintf("CAF%d@", i+10), 1)
		if err := s.Put([]byte(raw), arrived); err != nil {
			t.Fatal(err)
		}
	}
	big := append([]byte("X-Long: yes\r\n"), mails["complaint"]...)
	big = append(big, []byte(strings.Repeat("x", mailboxMail))...)
	if err := s.Put(big, arrived); err != nil {
		t.Fatal(err)
	}
	kinds, _ := readAll(t, openMailbox(t, MailboxConfig{IMAP: steward.NewSecret(s.URL(""))}), steward.MailCursor{}, true)
	if len(kinds) != mailboxBatch*2+4 || kinds[len(kinds)-1] != "complaint" {
		t.Errorf("%d mails, the last %v", len(kinds), kinds[len(kinds)-1:])
	}
}

func TestUnderstoodMailIsPutAway(t *testing.T) {
	mails := corpus(t)
	for name, c := range map[string]struct {
		cfg         MailboxConfig
		inbox, away []string
	}{
		"seen": {MailboxConfig{Seen: true}, []string{"Re: Northwind: can we help?", "Undelivered Mail Returned to Sender (seen)", "Spring offers"}, nil},
		"move": {MailboxConfig{MoveTo: "Steward"}, []string{"Re: Northwind: can we help?", "Spring offers"}, []string{"Undelivered Mail Returned to Sender"}},
	} {
		s := startMailbox(t, "Steward")
		for _, m := range []string{"reply-gmail", "postfix-unknown-user", "newsletter"} {
			if err := s.Put(mails[m], arrived); err != nil {
				t.Fatal(err)
			}
		}
		c.cfg.IMAP = steward.NewSecret(s.URL("INBOX"))
		readAll(t, openMailbox(t, c.cfg), steward.MailCursor{}, true)
		for folder, want := range map[string][]string{"INBOX": c.inbox, "Steward": c.away} {
			got, err := s.Subjects(folder)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s, %s (-want +got):\n%s", name, folder, diff)
			}
		}
	}
}

func TestMailboxesThatCannotBeRead(t *testing.T) {
	s := startMailbox(t)
	nobody, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gone := nobody.Addr().String()
	nobody.Close()
	for name, c := range map[string]struct{ url, want string }{
		"wrong password": {strings.Replace(s.URL("INBOX"), "%407@", "%408@", 1), "check the user and password"},
		"no such folder": {s.URL("Nowhere"), "check the folder's name"},
		"nobody there":   {"imaps://u:hush-hush@" + gone + "/INBOX", "can be reached"},
		"no TLS there":   {strings.Replace(strings.Replace(s.URL("INBOX"), "imap:", "imaps:", 1), "?starttls=off", "", 1), "imaps:// is for port 993"},
		"no STARTTLS":    {strings.Replace(s.URL("INBOX"), "?starttls=off", "", 1), "STARTTLS"},
	} {
		m := openMailbox(t, MailboxConfig{IMAP: steward.NewSecret(c.url)})
		_, _, _, err := m.Read(t.Context(), steward.MailCursor{}, true)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if text := err.Error(); strings.Contains(text, "sesame") || strings.Contains(text, "hush") || strings.Contains(text, "success@") {
			t.Errorf("%s gives a secret away: %s", name, text)
		}
	}
	for url, want := range map[string]string{
		"imaps://mail.example.com/INBOX":                     "no user and password",
		"https://u:p@mail.example.com":                       "cannot be read",
		"imap://u:p@mail.example.com/INBOX?starttls=off":     "read encrypted",
		"imaps://u:p@mail.example.com/INBOX?starttls=whynot": "read encrypted",
		"": "cannot be read",
	} {
		if _, err := NewMailbox(MailboxConfig{IMAP: steward.NewSecret(url)}); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "u:p@") {
			t.Errorf("%q: %v, want %q", url, err, want)
		}
	}
	m := openMailbox(t, MailboxConfig{IMAP: steward.NewSecret(s.URL("INBOX"))})
	if words, err := m.Verify(t.Context()); err != nil || !strings.Contains(words, "INBOX on 127.0.0.1, 0 mails") {
		t.Errorf("%q %v", words, err)
	}
	if text := fmt.Sprintf("%v %+v %#v %s", m, m, m, m.Name()); strings.Contains(text, "sesame") || strings.Contains(text, "success") {
		t.Errorf("it gives a secret away: %s", text)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, _, err := m.Read(ended, steward.MailCursor{}, true); err == nil {
		t.Error("it was read although nobody waits for it")
	}
}
