package notify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"steward"
	"steward/notify/notifytest"
)

// bench is one sender with real parts behind it, as the contract sees it.
type bench struct {
	sender  Sender
	channel steward.Channel
	taken   func() []string // what arrived, as text
	secrets []string
}

func benches(t *testing.T) map[string]func(t *testing.T) bench {
	t.Helper()
	return map[string]func(t *testing.T) bench{
		"slack": func(t *testing.T) bench {
			s, server, _ := slackSetup(t)
			return bench{s, steward.Slack, func() []string { return slackTaken(server) }, []string{botToken}}
		},
		"mail": func(t *testing.T) bench {
			m, server := mailSetup(t, notifytest.SMTPOptions{User: smtpUser, Password: smtpPassword}, "")
			return bench{m, steward.Email, func() []string { return mailTaken(server) }, []string{smtpPassword, "signing-key"}}
		},
		"preview of a card": func(t *testing.T) bench {
			p, dir := previewSetup(t, nil)
			return bench{p, steward.Slack, func() []string { return filesIn(t, dir, "*.slack.json") }, []string{"signing-key"}}
		},
		"preview of a mail": func(t *testing.T) bench {
			p, dir := previewSetup(t, nil)
			return bench{p, steward.Email, func() []string { return filesIn(t, dir, "*.eml") }, []string{"signing-key"}}
		},
		"redirect of mail to Slack": func(t *testing.T) bench {
			s, server, _ := slackSetup(t)
			return bench{Redirect{To: "#cs", Slack: s}, steward.Email, func() []string { return slackTaken(server) }, []string{botToken}}
		},
		"redirect of cards to mail": func(t *testing.T) bench {
			m, server := mailSetup(t, notifytest.SMTPOptions{User: smtpUser, Password: smtpPassword}, "")
			return bench{Redirect{To: "ops@example.com", Mail: m}, steward.Slack, func() []string { return mailTaken(server) }, []string{smtpPassword}}
		},
		"router": func(t *testing.T) bench {
			s, server, _ := slackSetup(t)
			return bench{Router{Slack: s}, steward.Slack, func() []string { return slackTaken(server) }, []string{botToken}}
		},
	}
}

func slackTaken(server *notifytest.SlackServer) (out []string) {
	for _, p := range server.Posts() {
		out = append(out, p.Text+string(p.Blocks))
	}
	return out
}

func mailTaken(server *notifytest.SMTPServer) (out []string) {
	for _, m := range server.Mails() {
		out = append(out, string(m.Raw))
	}
	return out
}

func filesIn(t *testing.T, dir, pattern string) (out []string) {
	paths, err := filepath.Glob(filepath.Join(dir, "*", pattern))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range paths {
		out = append(out, readFile(t, p))
	}
	return out
}

// Every sender keeps to the same list.
func TestEverySender(t *testing.T) {
	for name, make := range benches(t) {
		t.Run(name, func(t *testing.T) {
			t.Run("delivers, and says where", func(t *testing.T) {
				b := make(t)
				l := goodLetter()
				l.Message.Channel = b.channel
				receipt, err := b.sender.Send(t.Context(), l)
				if err != nil || receipt.Ref == "" || len(b.taken()) != 1 {
					t.Fatalf("%+v, %v; %d arrived", receipt, err, len(b.taken()))
				}
				for _, secret := range b.secrets {
					if strings.Contains(b.taken()[0], secret) || strings.Contains(receipt.Ref+receipt.Detail, secret) {
						t.Error("a secret was sent along")
					}
				}
			})
			t.Run("takes any text", func(t *testing.T) {
				b := make(t)
				for i, text := range append(hostileNames, "", " ", strings.Repeat("long words ", 20_000), strings.Repeat("<&>", 30_000), strings.Repeat("👩‍👩‍👧‍👦", 5_000)) {
					l := letterOf(b.channel, text)
					l.Message.ID = steward.MessageID(fmt.Sprintf("m-%d", i))
					if _, err := b.sender.Send(t.Context(), l); err != nil {
						t.Errorf("%.40q: %.400v", text, err)
					}
					if got := b.taken(); len(got) != i+1 {
						t.Fatalf("%.40q: %d arrived, want %d", text, len(got), i+1)
					}
				}
				for _, got := range b.taken() {
					if len(got) > 300_000 {
						t.Errorf("a message of %d bytes", len(got))
					}
				}
			})
			t.Run("stops when told to", func(t *testing.T) {
				b := make(t)
				ctx, cancel := context.WithCancel(t.Context())
				cancel()
				l := goodLetter()
				l.Message.Channel = b.channel
				_, err := b.sender.Send(ctx, l)
				wantFailure(t, err, steward.Unreachable, "")
				if !errors.Is(err, context.Canceled) {
					t.Errorf("%v does not say that it was cancelled", err)
				}
				if n := len(b.taken()); n != 0 {
					t.Errorf("%d arrived", n)
				}
			})
			t.Run("shows no secret of its own", func(t *testing.T) {
				b := make(t)
				var log bytes.Buffer
				slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "sender", b.sender)
				for _, secret := range b.secrets {
					if strings.Contains(fmt.Sprintf("%v %+v %#v", b.sender, b.sender, b.sender), secret) || strings.Contains(log.String(), secret) {
						t.Errorf("formatting %T shows a secret", b.sender)
					}
				}
			})
		})
	}
}

func TestRedirect(t *testing.T) {
	t.Run("a customer's mail to our own address", func(t *testing.T) {
		m, server := mailSetup(t, notifytest.SMTPOptions{}, "")
		receipt, err := Redirect{To: "ops@example.com", Mail: m}.Send(t.Context(), goodMail())
		if err != nil {
			t.Fatal(err)
		}
		got := server.Mails()[0]
		header, plain, _ := readMail(t, got.Raw)
		if got.To != "ops@example.com" || strings.Contains(string(got.Raw), "ines@acme.example") {
			t.Errorf("it went to %s", got.To)
		}
		if subject := decoded(t, header.Get("Subject")); subject != "[for Inès Ött] Kurze Frage zu Ihrem Rollout – läuft alles?" {
			t.Errorf("subject %q", subject)
		}
		if header.Get("List-Unsubscribe") != "" || header.Get("Reply-To") != "" {
			t.Errorf("a rehearsal with links into real life: %v", header)
		}
		if !strings.HasPrefix(plain, "Meant for: Inès Ött, by e-mail\n") {
			t.Errorf("body begins %.60q", plain)
		}
		if want := "redirected to ops@example.com; meant for Inès Ött"; receipt.Detail != want {
			t.Errorf("detail %q, want %q", receipt.Detail, want)
		}
	})
	t.Run("the letter given is left as it was", func(t *testing.T) {
		s, _, _ := slackSetup(t)
		l, before := goodLetter(), goodLetter()
		if _, err := (Redirect{To: "#cs", Slack: s}).Send(t.Context(), l); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(before, l); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("without the sender it needs", func(t *testing.T) {
		_, err := Redirect{To: "ops@example.com"}.Send(t.Context(), goodLetter())
		wantFailure(t, err, steward.Unauthorised, "not_configured")
	})
}

func TestRouter(t *testing.T) {
	s, slackServer, _ := slackSetup(t)
	m, mailServer := mailSetup(t, notifytest.SMTPOptions{}, "")
	r := Router{Slack: s, Mail: m}
	for _, l := range []steward.Letter{goodLetter(), goodMail()} {
		if _, err := r.Send(t.Context(), l); err != nil {
			t.Fatal(err)
		}
	}
	if len(slackServer.Posts()) != 1 || len(mailServer.Mails()) != 1 {
		t.Errorf("%d posts, %d mails; want one each", len(slackServer.Posts()), len(mailServer.Mails()))
	}
	for _, c := range []steward.Channel{steward.Slack, steward.Email, "pigeon"} {
		l := goodLetter()
		l.Message.Channel = c
		_, err := Router{}.Send(t.Context(), l)
		d := wantFailure(t, err, steward.Unauthorised, "not_configured")
		if c == steward.Email && !strings.Contains(d.Hint, "email.smtp_env") {
			t.Errorf("hint %q", d.Hint)
		}
	}
}

func TestErrorsLoseAddressesAndSecrets(t *testing.T) {
	err := withhold("send", errors.New("550 <ines@acme.example>: user \"ines@acme.example\" and inès.ött@müller.de; token=xoxb-1 refused\r\nX"), "xoxb-1")
	if want := `send: 550 <(address)>: user "(address)" and (address); token=(secret) refused X`; err.Error() != want {
		t.Errorf("got  %s\nwant %s", err, want)
	}
}
