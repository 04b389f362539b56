package steward_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"steward"
)

// holder is how packages keep secrets: in fields of their own that fmt reaches
// without asking anybody.
type holder struct {
	Name   string
	key    steward.Secret
	nested struct{ keys []steward.Secret }
	byName map[string]steward.Secret
	behind *steward.Secret
}

const hush = "hush-0815"

func TestSecretsDoNotPrint(t *testing.T) {
	s := steward.NewSecret(hush)
	h := holder{Name: "smtp", key: s, byName: map[string]steward.Secret{"k": s}, behind: &s}
	h.nested.keys = []steward.Secret{s}
	spellings := []string{hush, hex.EncodeToString([]byte(hush)), strings.ToUpper(hex.EncodeToString([]byte(hush))),
		base64.StdEncoding.EncodeToString([]byte(hush)), base64.RawStdEncoding.EncodeToString([]byte(hush)), url.QueryEscape(hush), fmt.Sprint([]byte(hush))}
	looked := 0
	quiet := func(how, text string) {
		looked++
		for _, bad := range spellings {
			if strings.Contains(text, bad) {
				t.Errorf("%s gives %q", how, text)
			}
		}
	}
	values := map[string]any{"Secret": s, "*Secret": &s, "[]Secret": []steward.Secret{s}, "map": map[string]steward.Secret{"k": s}, "map key": map[steward.Secret]int{s: 1},
		"holder": h, "*holder": &h, "any": []any{s}, "error": errors.Join(fmt.Errorf("dial %v: %w", s, errors.New("refused")))}
	for what, v := range values {
		for _, verb := range "vsqxXdbocOUeEfFgGtTpw" {
			for _, flags := range []string{"", "+", "#", "-20", " ", "0"} {
				format := "%" + flags + string(verb)
				quiet(format+" of "+what, fmt.Sprintf(format, v))
			}
		}
		quiet("Sprint of "+what, fmt.Sprint(v))
		text, _ := json.Marshal(v) // a map with such keys, and a holder, may not marshal: what comes is what counts
		quiet("JSON of "+what, string(text))
		if what != "map key" {
			text, _ = yaml.Marshal(v)
			quiet("YAML of "+what, string(text))
		}
		var log bytes.Buffer
		slog.New(slog.NewTextHandler(&log, nil)).Info("x", "v", v, slog.Group("g", slog.Any("v", v)))
		slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "v", v, slog.Group("g", slog.Any("v", v)))
		quiet("slog of "+what, log.String())
	}
	if looked < 1000 {
		t.Fatalf("only %d ways were tried", looked)
	}
	if s.Reveal() != hush || s != steward.NewSecret(hush) || s == steward.NewSecret(hush+"x") || s.IsZero() {
		t.Error("a secret is not its text any more")
	}
	if zero := steward.NewSecret(""); !zero.IsZero() || zero != (steward.Secret{}) || zero.Reveal() != "" || fmt.Sprint(zero) != "(not set)" {
		t.Error("no text is not the zero secret")
	}
}
