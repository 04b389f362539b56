package steward

import (
	"encoding/json"
	"log/slog"
)

// A Secret is a token, password or key. It does not print: every way of
// formatting, marshalling or logging it gives a placeholder, and only Reveal
// gives the text, so that a search for Reveal finds every use.
type Secret struct{ text string }

// NewSecret wraps a secret's text.
func NewSecret(text string) Secret { return Secret{text} }

// Reveal is the text itself, for the one place that sends it.
func (s Secret) Reveal() string { return s.text }

// IsZero tells an absent secret.
func (s Secret) IsZero() bool { return s.text == "" }

// String is a placeholder.
func (s Secret) String() string {
	if s.text == "" {
		return "(not set)"
	}
	return "(secret)"
}

// GoString is the placeholder too, for %#v.
func (s Secret) GoString() string { return s.String() }

// MarshalJSON writes the placeholder.
func (s Secret) MarshalJSON() ([]byte, error) { return json.Marshal(s.String()) }

// MarshalText writes the placeholder.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// LogValue logs the placeholder.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }
