package notify

import (
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"strings"
	"testing"
	"time"

	"steward"
	"steward/notify/notifytest"
)

const (
	smtpUser     = "mailuser"
	smtpPassword = "s3cret/pass word"
)

func serveHTTP(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL + "/"
}

func mailSetup(t *testing.T, opts notifytest.SMTPOptions, query string) (*MailSender, *notifytest.SMTPServer) {
	t.Helper()
	server, err := notifytest.StartSMTP(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	m, err := NewMailSender(MailConfig{
		SMTP: steward.NewSecret(server.URL() + query), From: "Success <success@example.com>", Timeout: 5 * time.Second,
		PublicURL: "https://steward.example.com/", Signing: steward.NewSecret("signing-key"),
	})
	if err != nil {
		t.Fatal(err)
	}
	m.server.roots = server.Roots()
	return m, server
}

func TestMailIsSentOnce(t *testing.T) {
	tests := []struct {
		name, query, verified string
		opts                  notifytest.SMTPOptions
	}{
		{"in the clear on this machine", "", "without encryption", notifytest.SMTPOptions{}},
		{"with a password", "", "without encryption, password accepted", notifytest.SMTPOptions{User: smtpUser, Password: smtpPassword}},
		{"with AUTH LOGIN", "", "without encryption, password accepted", notifytest.SMTPOptions{User: smtpUser, Password: smtpPassword, LoginOnly: true}},
		{"STARTTLS", "?starttls=require", "encrypted, password accepted", notifytest.SMTPOptions{User: smtpUser, Password: smtpPassword, StartTLS: true}},
		{"STARTTLS where offered", "", "encrypted", notifytest.SMTPOptions{StartTLS: true}},
		{"smtps", "", "encrypted, password accepted", notifytest.SMTPOptions{User: smtpUser, Password: smtpPassword, ImplicitTLS: true}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m, server := mailSetup(t, tt.opts, tt.query)
			receipt, err := m.Send(t.Context(), goodMail())
			if err != nil {
				t.Fatal(err)
			}
			if receipt.Ref != "<m-abcdefgh23456723@example.com>" {
				t.Errorf("ref %q", receipt.Ref)
			}
			mails := server.Mails()
			if len(mails) != 1 || mails[0].From != "success@example.com" || mails[0].To != "ines@acme.example" {
				t.Fatalf("the server took %+v", mails)
			}
			raw, err := m.Compose(goodMail())
			if err != nil || string(raw) != string(mails[0].Raw) {
				t.Errorf("what arrived is not what was composed: %v\n%s", err, mails[0].Raw)
			}
			who, err := m.Verify(t.Context())
			if want := "mail server 127.0.0.1, " + tt.verified + ", from success@example.com"; err != nil || who != want {
				t.Errorf("Verify = %q, %v; want %q", who, err, want)
			}
		})
	}
}

func TestSMTPURL(t *testing.T) {
	good := map[string]smtpServer{
		"smtp://mail.example.com":                          {host: "mail.example.com", port: "587", starttls: "require"},
		"smtps://u:p%40ss@mail.example.com":                {host: "mail.example.com", port: "465", user: "u", password: "p@ss", implicitTLS: true, starttls: "require"},
		"smtp://mail.example.com:25?starttls=off":          {host: "mail.example.com", port: "25", starttls: "off"},
		"smtp://localhost:1025":                            {host: "localhost", port: "1025", starttls: "optional"},
		"smtp://[::1]:1025":                                {host: "::1", port: "1025", starttls: "optional"},
		"smtp://10.0.0.1:1025?starttls=optional":           {host: "10.0.0.1", port: "1025", starttls: "optional"},
		"smtp://user%40example.com:x@mail.example.com:587": {host: "mail.example.com", port: "587", user: "user@example.com", password: "x", starttls: "require"},
	}
	for in, want := range good {
		if got, err := parseSMTP(steward.NewSecret(in)); err != nil || got != want {
			t.Errorf("parseSMTP(%q) = %+v, %v; want %+v", in, got, err, want)
		}
	}
	for _, in := range []string{"", "mail.example.com:587", "http://x", "smtp://", "smtp://user:hunter2%@mail.example.com", "smtp://user:hunter2@mail.example.com:port", "smtp://u:hunter2@x?starttls=maybe"} {
		_, err := parseSMTP(steward.NewSecret(in))
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("parseSMTP(%q) = %v; want an error that quotes nothing", in, err)
		}
	}
}

func TestReplyCodes(t *testing.T) {
	for in, want := range map[string]string{"5.1.1 no": "550 5.1.1", "no such user": "550", "5.1 x": "550", "1.2.3.4 is listed": "550", "": "550"} {
		if got := replyCode(&textproto.Error{Code: 550, Msg: in}); got != want {
			t.Errorf("replyCode(550 %q) = %q, want %q", in, got, want)
		}
	}
}
