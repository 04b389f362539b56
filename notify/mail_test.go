package notify

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/emersion/go-msgauth/dkim"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"steward"
)

func renderer(t testing.TB, change func(*MailConfig)) *MailSender {
	t.Helper()
	cfg := MailConfig{From: "success@example.com", PublicURL: "https://steward.example.com/", Signing: steward.NewSecret("signing-key")}
	if change != nil {
		change(&cfg)
	}
	m, err := newMailRenderer(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// readMail takes a mail apart as a reader would, with the standard library.
func readMail(t reporter, raw []byte) (header mail.Header, plain, html string) {
	t.Helper()
	if bytes.Contains(bytes.ReplaceAll(raw, []byte("\r\n"), nil), []byte("\n")) || bytes.Contains(bytes.ReplaceAll(raw, []byte("\r\n"), nil), []byte("\r")) {
		t.Fatalf("line ends other than CRLF in\n%.2000q", raw)
	}
	for _, line := range strings.Split(string(raw), "\r\n") {
		if len(line) > 998 {
			t.Errorf("a line of %d bytes", len(line))
		}
	}
	msg, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		t.Fatalf("%v in\n%.2000s", err, raw)
	}
	kind, params, err := mime.ParseMediaType(msg.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/alternative" {
		t.Fatalf("content type %q, %v", kind, err)
	}
	parts := map[string]string{}
	for r := multipart.NewReader(msg.Body, params["boundary"]); ; {
		p, err := r.NextRawPart()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatalf("%v", err)
		}
		body, err := io.ReadAll(quotedprintable.NewReader(p))
		if err != nil {
			t.Fatalf("%v", err)
		}
		partKind, partParams, err := mime.ParseMediaType(p.Header.Get("Content-Type"))
		if err != nil || !strings.EqualFold(partParams["charset"], "utf-8") {
			t.Errorf("part %q: %v", p.Header.Get("Content-Type"), err)
		}
		parts[partKind] = strings.ReplaceAll(string(body), "\r\n", "\n")
	}
	if len(parts) != 2 {
		t.Fatalf("parts %v", parts)
	}
	return msg.Header, parts["text/plain"], parts["text/html"]
}

func decoded(t testing.TB, s string) string {
	t.Helper()
	out, err := new(mime.WordDecoder).DecodeHeader(s)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestCustomerMail(t *testing.T) {
	m := renderer(t, nil)
	l := goodMail()
	raw, err := m.Compose(l)
	if err != nil {
		t.Fatal(err)
	}
	header, plain, html := readMail(t, raw)
	unsubscribe := "https://steward.example.com/u/" + steward.UnsubscribeToken(steward.NewSecret("signing-key"), l.Message.ID)
	want := map[string]string{
		"From": `"Dana Reyes" <success@example.com>`, "Reply-To": `"Dana Reyes" <dana@example.com>`, "To": "Inès Ött <ines@acme.example>",
		"Subject": "Kurze Frage zu Ihrem Rollout – läuft alles?", "Date": "Thu, 12 Mar 2026 06:00:00 +0000", "Message-Id": "<m-abcdefgh23456723@example.com>",
		"List-Unsubscribe": "<" + unsubscribe + ">", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click", "Mime-Version": "1.0",
	}
	got := map[string]string{}
	for k := range header {
		if k != "Content-Type" {
			got[k] = decoded(t, header.Get(k))
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("header (-want +got):\n%s", diff)
	}
	wantPlain := "Liebe Inès,\n\nläuft der Rollout? Hier ist die Anleitung \n<https://help.example.com/start?a=1&b=2>.\n- erstens\n- zweitens\n\nViele Grüße\nDana\n\n" +
		"-- \nDana Reyes\nKundenbetreuung\n\nExample GmbH · Musterstraße 1 · Berlin\n\nAuswählen, was Sie erhalten, oder abbestellen: \n<" + unsubscribe + ">\n"
	if diff := cmp.Diff(wantPlain, plain); diff != "" {
		t.Errorf("plain part (-want +got):\n%s", diff)
	}
	for _, piece := range []string{`<html lang="de" `, "<strong>Rollout</strong>", `href="https://help.example.com/start?a=1&amp;b=2"`, `href="` + unsubscribe + `"`, "Auswählen, was Sie erhalten, oder abbestellen</a>", "<bdi>Dana Reyes</bdi><br>\n<bdi>Kundenbetreuung</bdi>"} {
		if !strings.Contains(styleAttr.ReplaceAllString(html, ""), piece) && !strings.Contains(html, piece) {
			t.Errorf("no %q in\n%s", piece, html)
		}
	}
	again, err := m.Compose(l)
	if err != nil || !bytes.Equal(raw, again) {
		t.Errorf("the same letter composed twice differs: %v", err)
	}
	token := strings.TrimPrefix(unsubscribe, "https://steward.example.com/u/")
	if id, err := steward.ReadUnsubscribeToken(steward.NewSecret("signing-key"), token); err != nil || id != l.Message.ID {
		t.Errorf("the link's token reads %q, %v", id, err)
	}
}

func TestMailHeaders(t *testing.T) {
	at := func(h int) time.Time { return time.Date(2026, 3, 12, h, 0, 0, 0, time.UTC) }
	tests := []struct {
		name   string
		change func(*steward.Letter)
		config func(*MailConfig)
		header string
		want   string
	}{
		{"no link for our own people", func(l *steward.Letter) { l.Message.To.Contact = "" }, nil, "List-Unsubscribe", ""},
		{"no link without https", nil, func(c *MailConfig) { c.PublicURL = "http://steward.example.com" }, "List-Unsubscribe", ""},
		{"no link without a key", nil, func(c *MailConfig) { c.Signing = steward.Secret{} }, "List-Unsubscribe-Post", ""},
		{"no person's mail", func(l *steward.Letter) { l.Message.ApprovedBy = "" }, nil, "Auto-Submitted", "auto-generated"},
		{"a person's mail", nil, nil, "Auto-Submitted", ""},
		{"the workspace's name where the message has none", func(l *steward.Letter) { l.Content.From = "" },
			func(c *MailConfig) { c.From = "Success Team <success@example.com>" }, "From", `"Success Team" <success@example.com>`},
		{"a delayed mail is dated when it is due", func(l *steward.Letter) { l.Message.Due = at(9) }, nil, "Date", "Thu, 12 Mar 2026 09:00:00 +0000"},
		{"an undated message", func(l *steward.Letter) { l.Message.Due, l.Message.Planned = time.Time{}, time.Time{} },
			func(c *MailConfig) { c.Now = func() time.Time { return at(15) } }, "Date", "Thu, 12 Mar 2026 15:00:00 +0000"},
		{"no subject", func(l *steward.Letter) { l.Content.Title = " \n" }, nil, "Subject", "A message from example.com"},
		{"an answer's address that is none", func(l *steward.Letter) { l.Content.ReplyTo = "dana" }, nil, "Reply-To", ""},
		{"a long subject", func(l *steward.Letter) { l.Content.Title = strings.Repeat("ä", 500) }, nil, "Subject", strings.Repeat("ä", 199) + "…"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := goodMail()
			if tt.change != nil {
				tt.change(&l)
			}
			raw, err := renderer(t, tt.config).Compose(l)
			if err != nil {
				t.Fatal(err)
			}
			header, _, _ := readMail(t, raw)
			if got := decoded(t, header.Get(tt.header)); got != tt.want {
				t.Errorf("%s: %q, want %q", tt.header, got, tt.want)
			}
		})
	}
}

func TestMailWithoutALinkToStopItIsNotSent(t *testing.T) {
	m := renderer(t, func(c *MailConfig) { c.PublicURL = "" })
	_, err := m.Send(t.Context(), goodMail())
	wantFailure(t, err, steward.Unauthorised, "no_unsubscribe")
}

func TestAddressesThatAreNone(t *testing.T) {
	m := renderer(t, nil)
	for _, address := range []string{"", "ines", "ines@", "@acme.example", "ines@acme.example, evil@evil.example", "ines@acme.example>\r\nRCPT TO:<x@evil.example",
		"a b@acme.example", "Ines <ines@acme.example>", "ines@acme.example\x00", strings.Repeat("a", 300) + "@acme.example", "ines@acme.example (x)\r\n"} {
		l := goodMail()
		l.Message.To.Email = address
		_, err := m.Compose(l)
		if err == nil {
			t.Errorf("%q passed for an address", address)
			continue
		}
		wantFailure(t, err, steward.Refused, "bad_address")
	}
}

var knownHeaders = regexp.MustCompile(`^(From|Reply-To|To|Subject|Date|Message-Id|Mime-Version|Content-Type|Auto-Submitted|List-Unsubscribe|List-Unsubscribe-Post)$`)

// checkMail composes a letter and sees that the mail, if there is one, has the
// header fields it is meant to have, once each, goes to one address, and has no
// tag in its HTML but ours. Composed or refused as an address that is none: there
// is no third.
func checkMail(t reporter, m *MailSender, l steward.Letter) {
	t.Helper()
	raw, err := m.Compose(l)
	if err != nil {
		var d *steward.DeliveryError
		if !errors.As(err, &d) || d.Code != "bad_address" {
			t.Fatalf("%v", err)
		}
		return
	}
	header, plain, html := readMail(t, raw)
	for k, v := range header {
		if !knownHeaders.MatchString(k) || len(v) != 1 {
			t.Errorf("header %s: %q", k, v)
		}
		text, err := new(mime.WordDecoder).DecodeHeader(v[0])
		if err != nil || strings.ContainsFunc(text, func(r rune) bool { return visible(r) != r && r != utf8.RuneError }) {
			t.Errorf("header %s reads %q, %v", k, text, err)
		}
	}
	to, err := mail.ParseAddress("<" + l.Message.To.Email + ">") // which may be quoted where it need not be
	if err != nil {
		t.Fatalf("%v", err)
	}
	for k, want := range map[string]string{"To": to.Address, "From": m.from.Address} {
		if got, err := header.AddressList(k); err != nil || len(got) != 1 || got[0].Address != want {
			t.Errorf("%s is %q, %v; want %q alone", k, header.Get(k), err, want)
		}
	}
	_, body, _ := strings.Cut(html, bodyOpen)
	body, ok := strings.CutSuffix(body, "</body>\n</html>\n")
	body = strings.NewReplacer(wordOpen, "", wordClose, "").Replace(body)
	if !ok {
		t.Fatalf("the page is not whole:\n%.2000s", html)
	}
	checkHTML(t, body)
	if strings.ContainsAny(plain, "\x00\x07\x1b\u202e") {
		t.Errorf("control characters in %.300q", plain)
	}
}

// Whatever a CRM or owners.yaml hold, no text of theirs ends a header field or
// becomes HTML.
func TestNoTextEndsAHeaderOrBecomesHTML(t *testing.T) {
	m := renderer(t, nil)
	for _, name := range hostileNames {
		l := letterOf(steward.Email, name)
		l.Message.To.Contact = "c-1"
		checkMail(t, m, l)
	}
	for _, address := range hostileAddresses {
		l := goodMail()
		l.Message.To.Email = address
		checkMail(t, m, l)
		l = goodMail()
		l.Content.ReplyTo = address
		checkMail(t, m, l)
	}
	text := rapid.OneOf(rapid.String(), rapid.SampledFrom(hostileNames))
	address := rapid.OneOf(rapid.SampledFrom(hostileAddresses), rapid.String(), rapid.Custom(func(t *rapid.T) string { return rapid.String().Draw(t, "local") + "@acme.example" }))
	rapid.Check(t, func(rt *rapid.T) {
		l := goodMail()
		l.Content = anyContent().Draw(rt, "content")
		l.Content.From, l.Content.ReplyTo = text.Draw(rt, "from"), address.Draw(rt, "reply")
		l.Content.Locale = text.Draw(rt, "locale")
		l.Message.To.Name = text.Draw(rt, "name")
		l.Message.To.Email = address.Draw(rt, "email")
		l.Message.ID = steward.MessageID(rapid.StringN(0, 20, -1).Draw(rt, "id")) // ids are our own, and short
		checkMail(rt, m, l)
	})
}

// What a CRM holds is shown as the characters it is, in a mail's headers too.
func TestNamesThatImitateAnEncodedWord(t *testing.T) {
	l := goodMail()
	l.Message.To.Name, l.Content.Title = "=?utf-8?q?Your_bank?=", "=?utf-8?b?WW91ciBiYW5r?="
	raw, err := renderer(t, nil).Compose(l)
	if err != nil {
		t.Fatal(err)
	}
	header, _, _ := readMail(t, raw)
	for _, k := range []string{"To", "Subject"} {
		if got := decoded(t, header.Get(k)); strings.Contains(got, "our") && !strings.Contains(got, "utf-8") {
			t.Errorf("%s reads %q", k, got)
		}
	}
}

func FuzzMailHeaders(f *testing.F) {
	m := renderer(f, nil)
	for i, name := range hostileNames {
		f.Add(name, hostileAddresses[i%len(hostileAddresses)], "Dana", "dana@example.com", "A subject")
		f.Add("Ines", "ines@acme.example", name, hostileAddresses[i%len(hostileAddresses)], name)
	}
	f.Fuzz(func(t *testing.T, name, email, from, reply, subject string) {
		l := goodMail()
		l.Message.To.Name, l.Message.To.Email = name, email
		l.Content.From, l.Content.ReplyTo, l.Content.Title = from, reply, subject
		checkMail(t, m, l)
	})
}

func pemOf(t *testing.T, key any) steward.Secret {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return steward.NewSecret(string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})))
}

func TestSignatureVerifies(t *testing.T) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	edPublic, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rsaPublic, err := x509.MarshalPKIXPublicKey(&rsaKey.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	pkcs1 := steward.NewSecret(string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(rsaKey)})))
	rsaRecord := "v=DKIM1; k=rsa; p=" + base64.StdEncoding.EncodeToString(rsaPublic)
	tests := []struct {
		name, record string
		key          steward.Secret
	}{
		{"RSA", rsaRecord, pemOf(t, rsaKey)},
		{"RSA, PKCS 1", rsaRecord, pkcs1},
		{"Ed25519", "v=DKIM1; k=ed25519; p=" + base64.StdEncoding.EncodeToString(edPublic), pemOf(t, edKey)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := renderer(t, func(c *MailConfig) {
				c.DKIM = DKIM{Domain: "example.com", Selector: "steward", KeyPEM: tt.key}
			})
			look := &dkim.VerifyOptions{LookupTXT: func(name string) ([]string, error) {
				if name != "steward._domainkey.example.com" {
					t.Errorf("looked up %q", name)
				}
				return []string{tt.record}, nil
			}}
			verify := func(raw []byte) error {
				t.Helper()
				v, err := dkim.VerifyWithOptions(bytes.NewReader(raw), look)
				if err != nil || len(v) != 1 {
					t.Fatalf("%d signatures, %v", len(v), err)
				}
				signed := " " + strings.ToLower(strings.Join(v[0].HeaderKeys, " ")) + " "
				for _, k := range []string{"from", "list-unsubscribe", "list-unsubscribe-post", "subject", "message-id"} {
					if !strings.Contains(signed, " "+k+" ") {
						t.Errorf("%s is not signed", k)
					}
				}
				return v[0].Err
			}
			raw, err := m.Compose(goodMail())
			if err != nil {
				t.Fatal(err)
			}
			if err := verify(raw); err != nil {
				t.Errorf("%v\n%s", err, raw)
			}
			if err := verify(bytes.Replace(raw, []byte("https://steward.example.com/u/"), []byte("https://evil.example.com/u/"), 1)); err == nil {
				t.Error("a changed link still verifies")
			}
			for _, name := range hostileNames { // long and folded fields too
				l := letterOf(steward.Email, name)
				if raw, err = m.Compose(l); err != nil {
					t.Fatal(err)
				}
				if err := verify(raw); err != nil {
					t.Errorf("%.30q: %v", name, err)
				}
			}
		})
	}
}

func TestMailConfigIsChecked(t *testing.T) {
	key := func(s string) steward.Secret { return steward.NewSecret(s) }
	tests := map[string]MailConfig{
		"email.from is not an address":      {From: "success", SMTP: key("smtp://x")},
		"no mail server":                    {From: "a@example.com"},
		"hello name":                        {From: "a@example.com", SMTP: key("smtp://x"), HelloName: "x\r\ny"},
		"domain, selector and key together": {From: "a@example.com", SMTP: key("smtp://x"), DKIM: DKIM{Domain: "example.com"}},
		"not PEM":                           {From: "a@example.com", SMTP: key("smtp://x"), DKIM: DKIM{Domain: "d", Selector: "s", KeyPEM: key("hunter2")}},
		"cannot be read":                    {From: "a@example.com", SMTP: key("smtp://x"), DKIM: DKIM{Domain: "d", Selector: "s", KeyPEM: key("-----BEGIN X-----\naHVudGVyMg==\n-----END X-----")}},
	}
	for want, cfg := range tests {
		_, err := NewMailSender(cfg)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%v; want one that says %q", err, want)
		}
	}
}

func BenchmarkCompose(b *testing.B) {
	m := renderer(b, nil)
	l := goodMail()
	for b.Loop() {
		if _, err := m.Compose(l); err != nil {
			b.Fatal(err)
		}
	}
}
