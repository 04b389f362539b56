package steward

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"unique"
)

// A Secret is a token, password or key. It does not print: every way of
// formatting, marshalling or logging it gives a placeholder, and only Reveal
// gives the text, so that a search for Reveal finds every use. Two of the same
// text are equal.
//
// The text is behind a handle because fmt walks through the unexported fields
// of other types without asking their methods: a Secret in one of those would
// print, were its text a field. What is seen there now is an address.
type Secret struct{ text unique.Handle[string] }

// NewSecret wraps a secret's text; of "" it makes the zero Secret.
func NewSecret(text string) Secret {
	if text == "" {
		return Secret{}
	}
	return Secret{unique.Make(text)}
}

// Reveal is the text itself, for the one place that sends it.
func (s Secret) Reveal() string {
	if s.IsZero() {
		return ""
	}
	return s.text.Value()
}

// IsZero tells an absent secret.
func (s Secret) IsZero() bool { return s == Secret{} }

// String is a placeholder.
func (s Secret) String() string {
	if s.IsZero() {
		return "(not set)"
	}
	return "(secret)"
}

// Format writes the placeholder for every verb: those that suit no text, such
// as %d, would otherwise print the fields.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// GoString is the placeholder too.
func (s Secret) GoString() string { return s.String() }

// MarshalJSON writes the placeholder.
func (s Secret) MarshalJSON() ([]byte, error) { return json.Marshal(s.String()) }

// MarshalText writes the placeholder.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// LogValue logs the placeholder.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }
