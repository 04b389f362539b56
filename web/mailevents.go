package web

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"steward"
)

// MailEvents takes what a mail service tells of bounces and complaints.
type MailEvents struct {
	// Secret signs the events; without one nothing is taken.
	Secret steward.Secret
	// Take keeps one. It is told again after an error.
	Take func(context.Context, steward.Returned) error
	// Now is the clock that signatures are held against; time.Now when nil.
	Now func() time.Time
}

// signatureHeader holds when events were signed, and the signature.
const signatureHeader = "Steward-Signature"

// eventsWindow is how far a signature's time may be off: what was recorded on its
// way cannot be told again for long, and then its id is known.
const eventsWindow = 5 * time.Minute

// mostEvents is how many may come at once; more would not fit a body.
const mostEvents = 100

// mailEvent is one event as it is told.
type mailEvent struct {
	ID        string    `json:"id"`
	Kind      string    `json:"kind"`
	MessageID string    `json:"message_id"`
	Address   string    `json:"address"`
	Status    string    `json:"status"`
	Permanent *bool     `json:"permanent"`
	At        time.Time `json:"at"`
}

// events answers POST /mail/events.
func (m MailEvents) events(log *slog.Logger) http.HandlerFunc {
	now := m.Now
	if now == nil {
		now = time.Now
	}
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		var large *http.MaxBytesError
		switch {
		case errors.As(err, &large):
			http.Error(w, "Too much at once: send up to 8 KB.", http.StatusRequestEntityTooLarge)
			return
		case err != nil:
			http.Error(w, "The events did not arrive whole.", http.StatusBadRequest)
			return
		case !signedBy(m.Secret, r.Header.Get(signatureHeader), body, now()):
			http.Error(w, "The signature is not right, or more than five minutes off.", http.StatusUnauthorized)
			return
		}
		events, why := readMailEvents(body)
		if why != "" {
			http.Error(w, why, http.StatusBadRequest)
			return
		}
		for _, e := range events {
			in, ok := e.returned(now())
			if !ok {
				continue
			}
			if err := m.Take(r.Context(), in); err != nil {
				log.Error("a mail event could not be kept; the service is asked to tell it again", "error", err)
				http.Error(w, "Not kept; please tell it again.", http.StatusServiceUnavailable)
				return
			}
		}
		plain(w)
		_, _ = io.WriteString(w, "ok\n")
	}
}

// signedBy checks t=UNIXTIME,v1=HEX, where v1 may stand several times while a
// secret is exchanged.
func signedBy(key steward.Secret, header string, body []byte, now time.Time) bool {
	if key.IsZero() {
		return false
	}
	var at string
	var given [][]byte
	for _, field := range strings.Split(header, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(field), "=")
		switch name {
		case "t":
			at = value
		case "v1":
			if mac, err := hex.DecodeString(value); err == nil {
				given = append(given, mac)
			}
		}
	}
	sec, err := strconv.ParseInt(at, 10, 64)
	if off := now.Sub(time.Unix(sec, 0)); err != nil || off > eventsWindow || off < -eventsWindow {
		return false
	}
	h := hmac.New(sha256.New, []byte(key.Reveal()))
	h.Write([]byte(at + "."))
	h.Write(body)
	want, ok := h.Sum(nil), false
	for _, mac := range given {
		ok = hmac.Equal(mac, want) || ok
	}
	return ok
}

// readMailEvents reads a list of events, or one; why says what is wrong with it.
func readMailEvents(body []byte) (events []mailEvent, why string) {
	var err error
	if trimmed := strings.TrimSpace(string(body)); strings.HasPrefix(trimmed, "{") {
		var one mailEvent
		err = json.Unmarshal(body, &one)
		events = []mailEvent{one}
	} else {
		err = json.Unmarshal(body, &events)
	}
	switch {
	case err != nil:
		return nil, "This is not a list of events: [{\"id\": …, \"kind\": \"bounce\", …}]"
	case len(events) > mostEvents:
		return nil, "Too many events at once: send up to 100."
	}
	for _, e := range events {
		if e.ID == "" || len(e.ID) > 200 || e.Kind == "" || e.MessageID == "" && e.Address == "" {
			return nil, "Each event has an id of up to 200 characters, a kind, and a message_id or an address."
		}
	}
	return events, ""
}

// returned is the event in our words; ok is false for a kind that means nothing
// here.
func (e mailEvent) returned(now time.Time) (steward.Returned, bool) {
	sum := sha256.Sum256([]byte(e.ID))
	in := steward.Incoming{Key: "event:" + hex.EncodeToString(sum[:]), Address: strings.ToLower(strings.TrimSpace(e.Address)), At: e.At.UTC().Truncate(time.Second), Back: steward.NoDay}
	if e.At.IsZero() || in.At.After(now) {
		in.At = now.UTC().Truncate(time.Second)
	}
	if id, _, ok := strings.Cut(strings.Trim(strings.TrimSpace(e.MessageID), "<>"), "@"); ok && len(id) <= 64 {
		in.Message = steward.MessageID(strings.ToLower(id))
	}
	switch e.Kind {
	case "complaint":
		in.Kind = steward.Complaint
	case "bounce":
		if len(e.Status) <= 11 && strings.Trim(e.Status, "0123456789.") == "" {
			in.Status = e.Status
		}
		in.Kind = steward.BounceKind(in.Status)
		if in.Status == "" && e.Permanent != nil && *e.Permanent {
			in.Kind = steward.HardBounce
		}
	default:
		return steward.Returned{}, false
	}
	return steward.Returned{Incoming: in}, true
}
