package web

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"steward"
)

const eventsKey = "a-secret-of-some-length-1"

var eventsAt = time.Date(2026, 3, 12, 9, 0, 0, 0, time.UTC)

func signEvents(key, body string, at time.Time) string {
	h := hmac.New(sha256.New, []byte(key))
	fmt.Fprintf(h, "%d.%s", at.Unix(), body)
	return fmt.Sprintf("t=%d,v1=%s", at.Unix(), hex.EncodeToString(h.Sum(nil)))
}

// tellEvents posts a body to a public side that keeps what it takes.
func tellEvents(body, signature string, fail error) (status int, taken []steward.Returned) {
	h := Public(PublicOptions{Events: MailEvents{Secret: steward.NewSecret(eventsKey), Now: func() time.Time { return eventsAt }, Take: func(_ context.Context, r steward.Returned) error {
		taken = append(taken, r)
		return fail
	}}})
	req := httptest.NewRequest(http.MethodPost, "/mail/events", strings.NewReader(body))
	req.Header.Set("Steward-Signature", signature)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, req)
	return w.Code, taken
}

func TestMailEventsAreTaken(t *testing.T) {
	body := `[
		{"id": "1", "kind": "bounce", "message_id": "<M-abcdefgh2345nopq@example.com>", "address": " Ada.Park@Customer.example", "status": "5.1.1", "at": "2026-03-12T08:59:00.5Z"},
		{"id": "2", "kind": "bounce", "address": "bo@customer.example", "permanent": true},
		{"id": "3", "kind": "bounce", "address": "bo@customer.example", "permanent": true, "status": "5.7.1", "at": "2027-01-01T00:00:00Z"},
		{"id": "4", "kind": "bounce", "address": "bo@customer.example", "status": "<script>"},
		{"id": "5", "kind": "complaint", "message_id": "m-abcdefgh2345nopq@example.com"},
		{"id": "6", "kind": "delivered", "address": "bo@customer.example"}]`
	status, got := tellEvents(body, signEvents(eventsKey, body, eventsAt.Add(-4*time.Minute)), nil)
	if status != http.StatusOK {
		t.Fatal(status)
	}
	var lines []string
	keys := map[string]bool{}
	for _, r := range got {
		lines = append(lines, fmt.Sprintf("%s %s %s %s %s", r.Kind, r.Message, r.Address, r.Status, r.At.Format(time.TimeOnly)))
		keys[r.Key] = strings.HasPrefix(r.Key, "event:") && r.Back == steward.NoDay
	}
	want := []string{
		"hard_bounce m-abcdefgh2345nopq ada.park@customer.example 5.1.1 08:59:00",
		"hard_bounce  bo@customer.example  09:00:00",
		"soft_bounce  bo@customer.example 5.7.1 09:00:00",
		"soft_bounce  bo@customer.example  09:00:00",
		"complaint m-abcdefgh2345nopq   09:00:00",
	}
	if diff := cmp.Diff(want, lines); diff != "" || len(keys) != 5 {
		t.Errorf("%v (-want +got):\n%s", keys, diff)
	}
	one := `{"id": "7", "kind": "complaint", "address": "bo@customer.example"}`
	if status, got := tellEvents(one, signEvents("another", one, eventsAt)+","+strings.SplitN(signEvents(eventsKey, one, eventsAt), ",", 2)[1], nil); status != http.StatusOK || len(got) != 1 {
		t.Errorf("one alone, with two signatures: %d, %v", status, got)
	}
}

func TestMailEventsAreRefused(t *testing.T) {
	good := `[{"id": "1", "kind": "bounce", "address": "bo@customer.example", "status": "5.1.1"}]`
	big := `[{"id": "1", "kind": "bounce", "address": "bo@customer.example", "x": "` + strings.Repeat("x", maxBody) + `"}]`
	many := "[" + strings.Repeat(`{"id":"1","kind":"bounce","address":"b@c.d"},`, 120) + `{"id":"1","kind":"bounce","address":"b@c.d"}]`
	for name, c := range map[string]struct {
		body, signature string
		want            int
	}{
		"no signature":        {good, "", http.StatusUnauthorized},
		"another's signature": {good, signEvents("another-secret-of-length", good, eventsAt), http.StatusUnauthorized},
		"of another body":     {good, signEvents(eventsKey, good+" ", eventsAt), http.StatusUnauthorized},
		"recorded":            {good, signEvents(eventsKey, good, eventsAt.Add(-6*time.Minute)), http.StatusUnauthorized},
		"of a time to come":   {good, signEvents(eventsKey, good, eventsAt.Add(6*time.Minute)), http.StatusUnauthorized},
		"another time":        {good, strings.Replace(signEvents(eventsKey, good, eventsAt), "t=1", "t=9", 1), http.StatusUnauthorized},
		"no time":             {good, "v1=" + strings.SplitN(signEvents(eventsKey, good, eventsAt), "v1=", 2)[1], http.StatusUnauthorized},
		"not hexadecimal":     {good, fmt.Sprintf("t=%d,v1=zz", eventsAt.Unix()), http.StatusUnauthorized},
		"not JSON":            {"bounce", signEvents(eventsKey, "bounce", eventsAt), http.StatusBadRequest},
		"no id":               {`[{"kind":"bounce","address":"b@c.d"}]`, signEvents(eventsKey, `[{"kind":"bounce","address":"b@c.d"}]`, eventsAt), http.StatusBadRequest},
		"about nothing":       {`[{"id":"1","kind":"bounce"}]`, signEvents(eventsKey, `[{"id":"1","kind":"bounce"}]`, eventsAt), http.StatusBadRequest},
		"too much":            {big, signEvents(eventsKey, big, eventsAt), http.StatusRequestEntityTooLarge},
		"too many":            {many, signEvents(eventsKey, many, eventsAt), http.StatusBadRequest},
	} {
		if status, got := tellEvents(c.body, c.signature, nil); status != c.want || len(got) != 0 {
			t.Errorf("%s: %d, want %d; taken %v", name, status, c.want, got)
		}
	}
	if status, _ := tellEvents(good, signEvents(eventsKey, good, eventsAt), errors.New("the disk is full")); status != http.StatusServiceUnavailable {
		t.Errorf("what could not be kept was answered with %d", status)
	}
	w := httptest.NewRecorder()
	Public(PublicOptions{}).ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/mail/events", strings.NewReader(good)))
	if w.Code != http.StatusNotFound && w.Code != http.StatusMethodNotAllowed {
		t.Errorf("without a secret there is such a place: %d", w.Code)
	}
}

func FuzzMailEvents(f *testing.F) {
	f.Add(`[{"id": "1", "kind": "bounce", "message_id": "<m-abcdefgh2345nopq@example.com>", "status": "5.1.1", "at": "2026-03-12T09:00:02Z"}]`)
	f.Add(`{"id": "2", "kind": "complaint", "address": "Ada <a@b.c>", "permanent": false}`)
	f.Fuzz(func(t *testing.T, body string) {
		events, why := readMailEvents([]byte(body))
		if why != "" && len(events) > 0 {
			t.Fatal("events and a complaint about them")
		}
		for _, e := range events {
			in, ok := e.returned(eventsAt)
			if !ok {
				continue
			}
			if in.Key == "" || in.At.After(eventsAt) || len(in.Status) > 11 || len(in.Message) > 64 || in.Kind == steward.Reply {
				t.Errorf("%+v", in)
			}
		}
	})
}
