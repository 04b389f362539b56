package steward

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"
	"time"
)

// A Letter is a message ready to hand to a provider.
type Letter struct {
	Message Message
	Content Content
	// Face is how things stand as it goes.
	Face Face
	// Thread is an earlier card, as its provider names it (see Receipt.Ref), that
	// this one follows up; "" where it stands by itself.
	Thread string
	// Since is when the message was first handed to its provider: what to look
	// for it from.
	Since time.Time
}

// A Receipt is a provider's acceptance.
type Receipt struct {
	// Ref is how the provider names the message: "C012/1710230000.000100" in
	// Slack, the Message-ID in mail, a file's path in preview.
	Ref string
	// Detail says in words where it went when that is not the recipient.
	Detail string
}

// A FailureKind says what a failed delivery means for the next step. Only jobs
// turns it into waits and states.
type FailureKind string

// The kinds of failure.
const (
	// Unreachable: the provider was not reached, or answered that it did not
	// take the message; it is safe to try again.
	Unreachable FailureKind = "unreachable"
	// Throttled: try again after RetryAfter; does not count as an attempt.
	Throttled FailureKind = "throttled"
	// NotNow: the provider works, and did not take this message at this moment
	// (greylisting, a full mailbox); it is safe to try again.
	NotNow FailureKind = "not_now"
	// Refused: this message will never be taken (no such channel, bad address).
	Refused FailureKind = "refused"
	// Unauthorised: no message will be taken until a person mends the
	// credentials or the configuration; the channel stops.
	Unauthorised FailureKind = "unauthorised"
	// Unknowable: the call was made and its outcome was not learnt. It may have
	// been delivered.
	Unknowable FailureKind = "unknowable"
)

// A DeliveryError is a delivery that did not come back as accepted. Err never
// holds a secret or an address; Hint says what a person can do.
type DeliveryError struct {
	Kind       FailureKind
	RetryAfter time.Duration
	Code       string // the provider's word: channel_not_found, 550 5.1.1
	Hint       string
	Err        error
}

// Error is the kind, the provider's word and the cause.
func (e *DeliveryError) Error() string {
	s := string(e.Kind)
	if e.Code != "" {
		s += " (" + e.Code + ")"
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	if e.Hint != "" {
		s += "; " + e.Hint
	}
	return s
}

// Unwrap is the cause.
func (e *DeliveryError) Unwrap() error { return e.Err }

// UnsubscribeToken signs a one-click unsubscribe link for the recipient of a
// message. It carries the message's id and no address, so that a link in a log
// names nobody, and it is good for that message's recipient only.
func UnsubscribeToken(key Secret, id MessageID) string {
	return string(id) + "." + unsubscribeMAC(key, id)
}

// ReadUnsubscribeToken tells which message a token was made for, or an error
// when it was not made with this key.
func ReadUnsubscribeToken(key Secret, token string) (MessageID, error) {
	id, mac, ok := strings.Cut(token, ".")
	if !ok || key.IsZero() || !hmac.Equal([]byte(mac), []byte(unsubscribeMAC(key, MessageID(id)))) {
		return "", fmt.Errorf("the link is not one of ours, or was cut short")
	}
	return MessageID(id), nil
}

func unsubscribeMAC(key Secret, id MessageID) string {
	m := hmac.New(sha256.New, []byte(key.Reveal()))
	m.Write([]byte("unsubscribe\x00" + string(id)))
	return base64.RawURLEncoding.EncodeToString(m.Sum(nil)[:18])
}
