package main

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"steward"
	"steward/store"
)

// Somebody who was forgotten may still press the link in an old mail, and is
// told the truth: no more mail comes. Links that name no mail to a customer
// work no more than forged ones.
func TestUnsubscribingAfterForget(t *testing.T) {
	o := newOutpost(t, "")
	config, err := os.ReadFile(filepath.Join(o.dir, "steward.yaml"))
	o.must(err)
	o.write("steward.yaml", strings.Replace(string(config), `private: "localhost:0"`, `private: ":0"`, 1))
	o.start()
	o.wait("two mails wait for approval", func() bool { return len(of(o.outreach("--state", "awaiting_approval"), steward.Mail, "acme")) == 2 })
	if !strings.Contains(o.logs.String(), "the private listener can be reached from other machines") {
		t.Error("nobody is told that figures can be read from elsewhere")
	}
	mail, card := of(o.outreach(), steward.Mail, "acme")[0], of(o.outreach(), steward.Card, "acme")[0]
	db, err := store.Open(t.Context(), filepath.Join(o.dir, "steward.db"), store.Options{ReadOnly: true})
	o.must(err)
	keys, err := db.Keys(t.Context())
	o.must(err)
	o.must(db.Close())
	press := func(id steward.MessageID) (int, string) {
		res, err := http.Post(o.public+"/u/"+steward.UnsubscribeToken(keys.Signing, id), "application/x-www-form-urlencoded", strings.NewReader("List-Unsubscribe=One-Click"))
		o.must(err)
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		o.must(err)
		return res.StatusCode, string(text)
	}
	o.command(exitFine, "forget", "ana@acme.example")
	if status, page := press(mail.ID); status != http.StatusOK || !strings.Contains(page, "You are unsubscribed") {
		t.Errorf("after being forgotten: %d\n%s", status, page)
	}
	if list, _ := o.command(exitFine, "suppress", "--json"); strings.Contains(list, "ana@") {
		t.Errorf("a forgotten address is back in the database: %s", list)
	}
	for _, id := range []steward.MessageID{card.ID, "m-none"} {
		if status, _ := press(id); status != http.StatusNotFound {
			t.Errorf("the link of %s: %d", id, status)
		}
	}
	o.stop()
	if text := o.logs.String(); strings.Contains(text, steward.UnsubscribeToken(keys.Signing, mail.ID)) || strings.Contains(text, "ana@acme.example") {
		t.Errorf("the log holds a link or an address:\n%s", text)
	}
}
