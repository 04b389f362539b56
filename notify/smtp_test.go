package notify

import (
	"context"
	"crypto/x509"
	"errors"
	"net"
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

// What a failure means depends on how far the conversation had come. taken is
// what the server has afterwards: where the class says "safe to try again" it
// must be nothing.
func TestMailFailures(t *testing.T) {
	type failure = notifytest.SMTPFailure
	password := notifytest.SMTPOptions{User: smtpUser, Password: smtpPassword}
	tests := []struct {
		name  string
		opts  notifytest.SMTPOptions
		step  string
		f     failure
		kind  steward.FailureKind // "" is sent
		code  string
		taken int
	}{
		{"greeting 554", notifytest.SMTPOptions{}, notifytest.Connect, failure{Reply: "554 5.7.1 no service for you"}, steward.Unreachable, "554 5.7.1", 0},
		{"greeting 421", notifytest.SMTPOptions{}, notifytest.Connect, failure{Reply: "421 too busy"}, steward.Unreachable, "421", 0},
		{"lost before the greeting", notifytest.SMTPOptions{}, notifytest.Connect, failure{Drop: true}, steward.Unreachable, "network", 0},
		{"not a mail server", notifytest.SMTPOptions{}, notifytest.Connect, failure{Reply: "HTTP/1.1 400 Bad Request"}, steward.Unreachable, "", 0},
		{"lost at EHLO", notifytest.SMTPOptions{}, notifytest.Hello, failure{Drop: true}, steward.Unreachable, "network", 0},
		{"wrong password", password, notifytest.Auth, failure{Reply: "535 5.7.8 bad credentials for " + smtpUser + " dana@example.com"}, steward.Unauthorised, "535 5.7.8", 0},
		{"login is down", password, notifytest.Auth, failure{Reply: "454 4.7.0 temporary"}, steward.Unreachable, "454 4.7.0", 0},
		{"lost at AUTH", password, notifytest.Auth, failure{Drop: true}, steward.Unreachable, "network", 0},
		{"must log in", notifytest.SMTPOptions{}, notifytest.From, failure{Reply: "530 5.7.0 authenticate first"}, steward.Unauthorised, "530 5.7.0", 0},
		{"sender refused", notifytest.SMTPOptions{}, notifytest.From, failure{Reply: "553 5.7.1 sender <success@example.com> not owned"}, steward.Unauthorised, "553 5.7.1", 0},
		{"too big at MAIL", notifytest.SMTPOptions{}, notifytest.From, failure{Reply: "552 5.3.4 too big"}, steward.Refused, "552 5.3.4", 0},
		{"451 at MAIL", notifytest.SMTPOptions{}, notifytest.From, failure{Reply: "451 4.3.0 later"}, steward.Unreachable, "451 4.3.0", 0},
		{"550 at RCPT", notifytest.SMTPOptions{}, notifytest.Rcpt, failure{Reply: "550 5.1.1 <ines@acme.example>: no such user"}, steward.Refused, "550 5.1.1", 0},
		{"550 without an enhanced code", notifytest.SMTPOptions{}, notifytest.Rcpt, failure{Reply: "550 no such user ines@acme.example"}, steward.Refused, "550", 0},
		{"greylisted", notifytest.SMTPOptions{}, notifytest.Rcpt, failure{Reply: "450 4.2.0 greylisted"}, steward.Unreachable, "450 4.2.0", 0},
		{"lost at RCPT", notifytest.SMTPOptions{}, notifytest.Rcpt, failure{Drop: true}, steward.Unreachable, "network", 0},
		{"554 at DATA", notifytest.SMTPOptions{}, notifytest.Data, failure{Reply: "554 5.5.1 no valid recipients"}, steward.Refused, "554 5.5.1", 0},
		{"lost at DATA", notifytest.SMTPOptions{}, notifytest.Data, failure{Drop: true}, steward.Unreachable, "network", 0},
		{"552 after the dot", notifytest.SMTPOptions{}, notifytest.Dot, failure{Reply: "552 5.7.0 spam"}, steward.Refused, "552 5.7.0", 0},
		{"451 after the dot", notifytest.SMTPOptions{}, notifytest.Dot, failure{Reply: "451 4.7.1 later"}, steward.Unreachable, "451 4.7.1", 0},
		{"421 after the dot", notifytest.SMTPOptions{}, notifytest.Dot, failure{Reply: "421 4.3.2 shutting down"}, steward.Unreachable, "421 4.3.2", 0},
		{"lost after the dot", notifytest.SMTPOptions{}, notifytest.Dot, failure{Drop: true}, steward.Unknowable, "connection_lost", 1},
		{"nonsense after the dot", notifytest.SMTPOptions{}, notifytest.Dot, failure{Reply: "what?"}, steward.Unknowable, "connection_lost", 0},
		{"an odd number after the dot", notifytest.SMTPOptions{}, notifytest.Dot, failure{Reply: "354 go on"}, steward.Unknowable, "354", 0},
		{"421 at QUIT", notifytest.SMTPOptions{}, notifytest.Quit, failure{Reply: "421 bye"}, "", "", 1},
		{"lost at QUIT", notifytest.SMTPOptions{}, notifytest.Quit, failure{Drop: true}, "", "", 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m, server := mailSetup(t, tt.opts, "")
			server.Fail(tt.step, tt.f)
			_, err := m.Send(t.Context(), goodMail())
			if tt.kind == "" {
				if err != nil {
					t.Errorf("%v; it was accepted", err)
				}
			} else {
				wantFailure(t, err, tt.kind, tt.code)
			}
			if n := len(server.Mails()); n != tt.taken {
				t.Errorf("the server took %d mails, want %d", n, tt.taken)
			}
			if n := server.Connections(); n != 1 {
				t.Errorf("%d connections; an attempt is one", n)
			}
		})
	}
}

// A text that the connection could not take whole has not been ended by a dot,
// and no server may deliver it. (A short one is in the socket, dot and all,
// before the loss is seen, and is rightly unknowable.)
func TestMailLostBeforeTheDot(t *testing.T) {
	m, server := mailSetup(t, notifytest.SMTPOptions{}, "")
	server.Fail(notifytest.Text, notifytest.SMTPFailure{Drop: true})
	long := []byte("Subject: x\r\n\r\n" + strings.Repeat(strings.Repeat("x", 70)+"\r\n", 1<<18)) // over any socket's buffer
	err := m.deliver(t.Context(), "ines@acme.example", long)
	wantFailure(t, err, steward.Unreachable, "network")
	if n := len(server.Mails()); n != 0 {
		t.Errorf("the server took %d mails", n)
	}
}

// A silent server: time runs out with the same meaning as a lost connection,
// by the sender's own limit and by the caller's.
func TestMailThatHangs(t *testing.T) {
	tests := []struct {
		step  string
		kind  steward.FailureKind
		taken int
	}{
		{notifytest.Connect, steward.Unreachable, 0},
		{notifytest.Rcpt, steward.Unreachable, 0},
		{notifytest.Data, steward.Unreachable, 0},
		{notifytest.Dot, steward.Unknowable, 1},
	}
	for _, tt := range tests {
		t.Run(tt.step, func(t *testing.T) {
			m, server := mailSetup(t, notifytest.SMTPOptions{}, "")
			m.cfg.Timeout = 20 * time.Millisecond
			if tt.step != notifytest.Dot {
				server.Fail(tt.step, notifytest.SMTPFailure{Hang: true})
				_, err := m.Send(t.Context(), goodMail())
				wantFailure(t, err, tt.kind, "network")
			}
			m.cfg.Timeout = 5 * time.Second
			server.Fail(tt.step, notifytest.SMTPFailure{Hang: true})
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			defer cancel()
			_, err := m.Send(ctx, goodMail())
			wantFailure(t, err, tt.kind, "")
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%v does not say that time ran out", err)
			}
			if n := len(server.Mails()); n != tt.taken {
				t.Errorf("the server took %d mails, want %d", n, tt.taken)
			}
		})
	}
	t.Run("own limit after the dot", func(t *testing.T) {
		m, server := mailSetup(t, notifytest.SMTPOptions{}, "")
		m.cfg.Timeout = 100 * time.Millisecond
		server.Fail(notifytest.Dot, notifytest.SMTPFailure{Hang: true})
		_, err := m.Send(t.Context(), goodMail())
		wantFailure(t, err, steward.Unknowable, "connection_lost")
	})
}

func TestMailNeedsWhatWasAskedFor(t *testing.T) {
	t.Run("encryption that is not offered", func(t *testing.T) {
		m, server := mailSetup(t, notifytest.SMTPOptions{}, "?starttls=require")
		_, err := m.Send(t.Context(), goodMail())
		wantFailure(t, err, steward.Unauthorised, "no_starttls")
		if len(server.Mails()) != 0 {
			t.Error("it went on in the clear")
		}
	})
	t.Run("a certificate of nobody known", func(t *testing.T) {
		m, server := mailSetup(t, notifytest.SMTPOptions{StartTLS: true}, "")
		m.server.roots = x509.NewCertPool()
		_, err := m.Send(t.Context(), goodMail())
		wantFailure(t, err, steward.Unreachable, "certificate")
		if len(server.Mails()) != 0 {
			t.Error("it went on")
		}
	})
	t.Run("a password where none is asked", func(t *testing.T) {
		m, _ := mailSetup(t, notifytest.SMTPOptions{}, "")
		m.server.user, m.server.password = smtpUser, smtpPassword
		_, err := m.Send(t.Context(), goodMail())
		wantFailure(t, err, steward.Unauthorised, "no_auth")
	})
	t.Run("the wrong password", func(t *testing.T) {
		m, _ := mailSetup(t, notifytest.SMTPOptions{User: smtpUser, Password: smtpPassword}, "")
		m.server.password = "other"
		_, err := m.Send(t.Context(), goodMail())
		wantFailure(t, err, steward.Unauthorised, "535 5.7.8")
	})
	t.Run("an address beyond ASCII", func(t *testing.T) {
		m, _ := mailSetup(t, notifytest.SMTPOptions{}, "")
		l := goodMail()
		l.Message.To.Email = "inès@acme.example"
		_, err := m.Send(t.Context(), l)
		wantFailure(t, err, steward.Refused, "553 5.6.7")
		m, server := mailSetup(t, notifytest.SMTPOptions{UTF8: true}, "")
		if _, err := m.Send(t.Context(), l); err != nil || server.Mails()[0].To != "inès@acme.example" {
			t.Errorf("to a server that can: %v", err)
		}
	})
	t.Run("nobody there", func(t *testing.T) {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		ln.Close()
		m, err := NewMailSender(MailConfig{SMTP: steward.NewSecret("smtp://" + ln.Addr().String()), From: "a@example.com"})
		if err != nil {
			t.Fatal(err)
		}
		_, err = m.Verify(t.Context())
		wantFailure(t, err, steward.Unreachable, "network")
	})
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
