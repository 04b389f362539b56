package steward_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"strings"
	"testing"

	"steward"
)

var linkKey = steward.NewSecret("the key of this test")

// linkWords are the alphabet of a token's signature.
const linkWords = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

func TestUnsubscribeTokensAreOneTextEach(t *testing.T) {
	const id = steward.MessageID("m-3qiuld3lqixai2bo")
	token := steward.UnsubscribeToken(linkKey, id)
	if got, err := steward.ReadUnsubscribeToken(linkKey, token); err != nil || got != id {
		t.Fatalf("its own token %q: %q, %v", token, got, err)
	}
	_, mac, _ := strings.Cut(token, ".")
	if raw, err := base64.RawURLEncoding.DecodeString(mac); err != nil || len(raw) != 18 || len(mac) != 24 {
		t.Fatalf("the signature %q is of %d bytes, %v; 18 fill 24 letters without a bit to spare", mac, len(raw), err)
	}
	var bad []string
	for i := range token { // every change of one letter, also of the last, where base64 may ignore bits
		for _, r := range linkWords + ".=+/ \x00" {
			if changed := token[:i] + string(r) + token[i+1:]; changed != token {
				bad = append(bad, changed)
			}
		}
		bad = append(bad, token[:i], token[i+1:], token[:i]+token[i:i+1]+token[i:])
	}
	bad = append(bad, "", ".", string(id), string(id)+".", "."+mac, mac, strings.ToUpper(token), strings.ToLower(token), token+"=", token+"==", token+"\n", " "+token, token+"?x", token+"."+mac,
		string(id)+".."+mac, "\x00"+token, strings.Replace(token, "m-", "M-", 1), token+strings.Repeat("A", 1<<20), strings.Repeat("m", 1<<20)+"."+mac)
	for _, b := range bad {
		if got, err := steward.ReadUnsubscribeToken(linkKey, b); err == nil {
			t.Errorf("%.80q is taken for a link of %s", b, got)
		}
	}
}

// A signature is for one message, made with one key, and for this purpose: the
// same key's signature over the bare id, or over another purpose, is no link.
func TestUnsubscribeTokensAreScoped(t *testing.T) {
	const id = steward.MessageID("m-1")
	sign := func(text string, size int) string {
		m := hmac.New(sha256.New, []byte(linkKey.Reveal()))
		m.Write([]byte(text))
		return base64.RawURLEncoding.EncodeToString(m.Sum(nil)[:size])
	}
	// What the format is, so that links in mail that went out years ago go on
	// working; a change here breaks them.
	if want := "m-1." + sign("unsubscribe\x00m-1", 18); steward.UnsubscribeToken(linkKey, id) != want {
		t.Errorf("a token is %s, and was %s", steward.UnsubscribeToken(linkKey, id), want)
	}
	for what, token := range map[string]string{
		"another message's":    "m-1." + sign("unsubscribe\x00m-2", 18),
		"of no purpose":        "m-1." + sign("m-1", 18),
		"of another purpose":   "m-1." + sign("approve\x00m-1", 18),
		"with the purpose cut": "\x00m-1." + sign("unsubscribe\x00m-1", 18),
		"a longer signature":   "m-1." + sign("unsubscribe\x00m-1", 32),
		"a shorter one":        "m-1." + sign("unsubscribe\x00m-1", 15),
		"another key's":        steward.UnsubscribeToken(steward.NewSecret("another key"), id),
		"of no key":            steward.UnsubscribeToken(steward.Secret{}, id),
	} {
		if _, err := steward.ReadUnsubscribeToken(linkKey, token); err == nil {
			t.Errorf("a token %s is taken: %s", what, token)
		}
	}
	for _, token := range []string{steward.UnsubscribeToken(steward.Secret{}, id), steward.UnsubscribeToken(linkKey, id)} {
		if _, err := steward.ReadUnsubscribeToken(steward.Secret{}, token); err == nil {
			t.Errorf("without a key, %s is taken", token)
		}
	}
}

// A token names nobody, and no two are alike.
func TestUnsubscribeTokensTellNothing(t *testing.T) {
	var macs []string
	for _, id := range []steward.MessageID{"m-1", "m-2", "m-11", "m-"} {
		_, mac, _ := strings.Cut(steward.UnsubscribeToken(linkKey, id), ".")
		if slices.Contains(macs, mac) || strings.Trim(mac, linkWords) != "" {
			t.Errorf("the signature of %s: %s beside %v", id, mac, macs)
		}
		macs = append(macs, mac)
	}
}

func FuzzReadUnsubscribeToken(f *testing.F) {
	good := steward.UnsubscribeToken(linkKey, "m-3qiuld3lqixai2bo")
	for _, seed := range []string{good, good[:30], good + "=", "", ".", "m-1", "m-1.AAAAAAAAAAAAAAAAAAAAAAAA", "\xff.\x00"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, token string) {
		id, err := steward.ReadUnsubscribeToken(linkKey, token)
		if err == nil && steward.UnsubscribeToken(linkKey, id) != token {
			t.Fatalf("%q is taken for %q", token, id)
		}
		if err != nil && id != "" {
			t.Fatalf("%q is refused, and names %q", token, id)
		}
		if err != nil && strings.Contains(err.Error(), token) && len(token) > 20 {
			t.Fatalf("the error repeats the token: %v", err)
		}
	})
}
