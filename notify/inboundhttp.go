package notify

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Where Slack calls, below the public URL.
const (
	InteractionsPath = "/slack/interactions"
	CommandsPath     = "/slack/commands"
)

const (
	// MaxCallback bounds the body of a call, in bytes.
	MaxCallback = 1 << 20
	// replayWindow is how far the time of a call may be off: who has got hold of one
	// that was signed can use it for no longer.
	replayWindow = 5 * time.Minute
)

// Handler takes what Slack brings by HTTP. It answers nobody else: a call that
// Slack did not sign with our secret, or signed more than five minutes ago, is
// told no more than that it may not. Where Slack is reached by Socket Mode it is
// nil.
func (in *Inbox) Handler() http.Handler {
	if in.Socket() {
		return nil
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+InteractionsPath, in.signed(func(form url.Values, at time.Time) (told, error) {
		return readInteraction([]byte(form.Get("payload")), at)
	}))
	mux.HandleFunc("POST "+CommandsPath, in.signed(func(form url.Values, at time.Time) (told, error) {
		return readCommand(form.Get, at)
	}))
	return mux
}

// signed answers calls that Slack signed. What a call asks for is read from its
// body alone, which is what the signature is of.
func (in *Inbox) signed(read func(url.Values, time.Time) (told, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxCallback))
		at, signed := in.verify(r.Header, body)
		if err != nil || signed != nil {
			in.count(Unsigned)
			in.complain("a call that claims to be Slack's was turned away", "error", errors.Join(err, signed))
			http.Error(w, "not allowed", http.StatusUnauthorized)
			return
		}
		leave, ok := in.enter()
		if !ok {
			http.Error(w, "not now", http.StatusServiceUnavailable)
			return
		}
		form, err := url.ParseQuery(string(body))
		var t told
		if err == nil {
			t, err = read(form, at)
		}
		if err != nil {
			defer leave()
			in.unread(err)
			return // 200: told again, it would be no clearer
		}
		// A caller that hangs up has not taken back what it told.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), deskWithin)
		ack, then, err := in.take(ctx, t)
		if err != nil {
			cancel()
			leave()
			http.Error(w, "not taken", http.StatusServiceUnavailable)
			return
		}
		in.acknowledged(w, ack)
		// The answer goes out when this returns. What is still to be said must not
		// wait for that, nor that for it.
		go func() {
			defer leave()
			defer cancel()
			then()
		}()
	}
}

func (in *Inbox) acknowledged(w http.ResponseWriter, ack any) {
	if ack == nil {
		return
	}
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(ack); err != nil {
		in.complain("Slack could not be told what came of a form", "error", redact(err.Error()))
	}
}

// verify tells when Slack made a call, or why it was not Slack's. slack-go's own
// verifier asks the machine for the time; the time that counts here is the one
// that everything else goes by.
func (in *Inbox) verify(h http.Header, body []byte) (at time.Time, err error) {
	stamp := h.Get("X-Slack-Request-Timestamp")
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil {
		return at, errors.New("it has no time; is it Slack that calls?")
	}
	mac := hmac.New(sha256.New, []byte(in.cfg.SigningSecret.Reveal()))
	fmt.Fprintf(mac, "v0:%s:", stamp)
	mac.Write(body)
	coded, ok := strings.CutPrefix(h.Get("X-Slack-Signature"), "v0=")
	given, err := hex.DecodeString(coded)
	if !ok || err != nil || !hmac.Equal(given, mac.Sum(nil)) {
		return at, errors.New("the signature is not right; is slack.signing_secret that of this app?")
	}
	now := in.cfg.Now()
	at = time.Unix(seconds, 0).UTC()
	if off := now.Sub(at).Abs(); off > replayWindow {
		return at, fmt.Errorf("it was signed %v off; is this machine's clock right?", off.Round(time.Second))
	}
	if at.After(now) {
		at = now
	}
	return at, nil
}
