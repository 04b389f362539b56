package notify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
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
	trip    func() // has the provider refuse the next, in words that quote what they should not
	once    bool   // what is sent again replaces what was
	// fails has the next Send meet each kind of failure that the provider knows.
	fails map[steward.FailureKind]func()
	// changes tells that what was sent can be changed.
	changes bool
}

// letter is a letter as the bench's channel has it.
func (b bench) letter(l steward.Letter) steward.Letter {
	l.Message.Channel = b.channel
	if b.channel == steward.Webhook {
		call := goodCall()
		l.Message.Kind, l.Message.To.Key, l.Message.To.Webhook, l.Content.Call = call.Message.Kind, call.Message.To.Key, call.Message.To.Webhook, call.Content.Call
	}
	return l
}

const quoting = " for dana@example.com, Ines <ines@acme.example>, "

func slackBench(server *notifytest.SlackServer, s Sender, channel steward.Channel) bench {
	return bench{sender: s, channel: channel, secrets: []string{botToken},
		taken: func() []string { return slackTaken(server) },
		trip: func() {
			server.Fail("chat.postMessage", notifytest.SlackFailure{Error: "no\r\n" + botToken + quoting + botToken})
		},
		changes: true,
		fails: slackFails(server, map[steward.FailureKind]notifytest.SlackFailure{
			steward.Throttled: {Status: 429, RetryAfter: "3"}, steward.Refused: {Error: "is_archived"}, steward.Unauthorised: {Error: "invalid_auth"},
			steward.Unknowable: {Accept: true, Drop: true}, steward.Unreachable: {Error: "service_unavailable"}, steward.NotNow: {Error: "messages_tab_disabled"},
		})}
}

func slackFails(server *notifytest.SlackServer, by map[steward.FailureKind]notifytest.SlackFailure) map[steward.FailureKind]func() {
	out := map[steward.FailureKind]func(){}
	for kind, f := range by {
		out[kind] = func() { server.Fail("chat.postMessage", f) }
	}
	return out
}

func webhookBench(server *notifytest.WebhookServer, s Sender) bench {
	fail := func(f notifytest.WebhookFailure) func() { return func() { server.Fail(f) } }
	return bench{sender: s, channel: steward.Webhook, secrets: []string{whsec, strings.TrimPrefix(whsec, "whsec_")}, once: true,
		taken: func() (out []string) {
			for _, c := range server.Taken() {
				out = append(out, string(c.Body))
			}
			return out
		},
		trip: fail(notifytest.WebhookFailure{Status: 400}),
		fails: map[steward.FailureKind]func(){
			steward.Throttled: fail(notifytest.WebhookFailure{Status: 429, RetryAfter: "3"}), steward.Refused: fail(notifytest.WebhookFailure{Status: 422}),
			steward.Unauthorised: fail(notifytest.WebhookFailure{Status: 401}),
		}}
}

func mailBench(server *notifytest.SMTPServer, s Sender, channel steward.Channel) bench {
	return bench{sender: s, channel: channel, secrets: []string{smtpPassword, "signing-key"},
		taken: func() []string { return mailTaken(server) },
		trip: func() {
			server.Fail(notifytest.Rcpt, notifytest.SMTPFailure{Reply: "550-no\r\n550 5.1.1 " + smtpPassword + quoting + smtpUser})
		},
		fails: map[steward.FailureKind]func(){
			steward.Refused: func() {
				server.Fail(notifytest.Rcpt, notifytest.SMTPFailure{Reply: "550 5.1.1 nobody"})
			},
			steward.NotNow: func() {
				server.Fail(notifytest.Rcpt, notifytest.SMTPFailure{Reply: "450 4.2.0 later"})
			},
		}}
}

func previewBench(t *testing.T, channel steward.Channel, pattern string) bench {
	p, dir := previewSetup(t, nil)
	return bench{sender: p, channel: channel, secrets: []string{"signing-key"}, once: true, changes: channel == steward.Slack,
		taken: func() []string { return filesIn(t, dir, pattern) },
		trip: func() {
			if err := errors.Join(os.RemoveAll(dir), os.WriteFile(dir, nil, 0o600)); err != nil {
				t.Fatal(err)
			}
		}}
}

func benches(t *testing.T) map[string]func(t *testing.T) bench {
	t.Helper()
	return map[string]func(t *testing.T) bench{
		"slack": func(t *testing.T) bench {
			s, server, _ := slackSetup(t)
			return slackBench(server, s, steward.Slack)
		},
		"mail": func(t *testing.T) bench {
			m, server := mailSetup(t, notifytest.SMTPOptions{User: smtpUser, Password: smtpPassword}, "")
			return mailBench(server, m, steward.Email)
		},
		"preview of a card": func(t *testing.T) bench { return previewBench(t, steward.Slack, "*.slack.json") },
		"preview of a mail": func(t *testing.T) bench { return previewBench(t, steward.Email, "*.eml") },
		"webhook": func(t *testing.T) bench {
			s, server := webhookSetup(t)
			return webhookBench(server, s)
		},
		"preview of a webhook": func(t *testing.T) bench { return previewBench(t, steward.Webhook, "*.webhook.json") },
		"redirect of webhooks, which are kept": func(t *testing.T) bench {
			b := previewBench(t, steward.Webhook, "*.webhook.json")
			b.sender = Redirect{To: "#cs", Kept: b.sender}
			return b
		},
		"router to a webhook": func(t *testing.T) bench {
			s, server := webhookSetup(t)
			return webhookBench(server, Router{Webhook: s})
		},
		"redirect of mail to Slack": func(t *testing.T) bench {
			s, server, _ := slackSetup(t)
			return slackBench(server, Redirect{To: "#cs", Slack: s}, steward.Email)
		},
		"redirect of cards to mail": func(t *testing.T) bench {
			m, server := mailSetup(t, notifytest.SMTPOptions{User: smtpUser, Password: smtpPassword}, "")
			return mailBench(server, Redirect{To: "ops@example.com", Mail: m}, steward.Slack)
		},
		"router to Slack": func(t *testing.T) bench {
			s, server, _ := slackSetup(t)
			return slackBench(server, Router{Slack: s}, steward.Slack)
		},
		"router to mail": func(t *testing.T) bench {
			m, server := mailSetup(t, notifytest.SMTPOptions{User: smtpUser, Password: smtpPassword}, "")
			return mailBench(server, Router{Mail: m}, steward.Email)
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
				l := b.letter(goodLetter())
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
					l := b.letter(letterOf(b.channel, text))
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
				l := b.letter(goodLetter())
				_, err := b.sender.Send(ctx, l)
				wantFailure(t, err, steward.Unreachable, "")
				if !errors.Is(err, context.Canceled) {
					t.Errorf("%v does not say that it was cancelled", err)
				}
				if n := len(b.taken()); n != 0 {
					t.Errorf("%d arrived", n)
				}
			})
			t.Run("fails in words that name nobody", func(t *testing.T) {
				b := make(t)
				b.trip()
				l := b.letter(goodLetter())
				receipt, err := b.sender.Send(t.Context(), l)
				d := wantFailure(t, err, "", "")
				if receipt != (steward.Receipt{}) {
					t.Errorf("a receipt for what failed: %+v", receipt)
				}
				for _, secret := range b.secrets {
					if strings.Contains(fmt.Sprintf("%+v %#v", d, d.Err), secret) {
						t.Errorf("%q in %v", secret, err)
					}
				}
				if strings.ContainsAny(err.Error(), "\r\n") {
					t.Errorf("more than one line in %q", err)
				}
				if !b.once && len(b.taken()) != 0 {
					t.Error("it was taken all the same")
				}
			})
			t.Run("serves many at once", func(t *testing.T) {
				b := make(t)
				const messages, senders = 6, 2
				var wg sync.WaitGroup
				for n := range messages * senders {
					wg.Go(func() {
						l := b.letter(goodLetter())
						l.Message.ID = steward.MessageID(fmt.Sprintf("m-%d", n%messages))
						if receipt, err := b.sender.Send(t.Context(), l); err != nil || receipt.Ref == "" {
							t.Errorf("%+v, %v", receipt, err)
						}
					})
				}
				wg.Wait()
				want := messages * senders
				if b.once {
					want = messages
				}
				if got := len(b.taken()); got != want {
					t.Errorf("%d arrived, want %d", got, want)
				}
			})
			t.Run("names the same letter alike", func(t *testing.T) {
				b := make(t)
				l := b.letter(goodLetter())
				first, err := b.sender.Send(t.Context(), l)
				if err != nil {
					t.Fatal(err)
				}
				second, err := b.sender.Send(t.Context(), l)
				if err != nil || second.Ref == "" {
					t.Fatalf("the second time: %+v, %v", second, err)
				}
				// Slack has no way to tell that it has a message; it is asked by Find.
				if asked, ok := b.sender.(Finder); b.once && second.Ref != first.Ref || !ok && !b.once && second.Ref != first.Ref {
					t.Errorf("named %s, then %s (%T)", first.Ref, second.Ref, asked)
				}
			})
			t.Run("sorts its failures", func(t *testing.T) {
				for kind, fail := range make(t).fails {
					_ = fail // of another bench: each failure gets its own
					b := make(t)
					b.fails[kind]()
					receipt, err := b.sender.Send(t.Context(), b.letter(goodLetter()))
					d := wantFailure(t, err, kind, "")
					if receipt != (steward.Receipt{}) || kind == steward.Throttled && d.RetryAfter < 3e9 {
						t.Errorf("%s: %+v, to be tried again after %s", kind, receipt, d.RetryAfter)
					}
				}
			})
			t.Run("changes what can be changed", func(t *testing.T) {
				b := make(t)
				l := b.letter(goodLetter())
				receipt, err := b.sender.Send(t.Context(), l)
				if err != nil {
					t.Fatal(err)
				}
				l.Face.Over = "It is over now"
				if !b.changes {
					wantFailure(t, repaint(t.Context(), b.sender, l, receipt.Ref), steward.Refused, "cannot_be_changed")
					return
				}
				for range 2 { // twice does no harm
					if err := repaint(t.Context(), b.sender, l, receipt.Ref); err != nil {
						t.Fatal(err)
					}
				}
				if got := b.taken(); len(got) != 1 || !strings.Contains(got[0], "It is over now") {
					t.Errorf("%d are there, and the first is %.300s", len(got), got)
				}
				ctx, cancel := context.WithCancel(t.Context())
				cancel()
				wantFailure(t, repaint(ctx, b.sender, l, receipt.Ref), steward.Unreachable, "")
				never := b.letter(goodLetter())
				never.Message.ID = "m-never"
				wantFailure(t, repaint(t.Context(), b.sender, never, strings.Replace(receipt.Ref, ".", ".9", 1)), steward.Refused, "")
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
	t.Run("what went astray is looked for where it went", func(t *testing.T) {
		s, server, _ := slackSetup(t)
		server.Fail("chat.postMessage", notifytest.SlackFailure{Accept: true, Drop: true})
		r := Redirect{To: "#cs", Slack: s}
		l := goodMail()
		_, err := r.Send(t.Context(), l)
		wantFailure(t, err, steward.Unknowable, "network")
		receipt, found, err := r.Find(t.Context(), l)
		if err != nil || !found || receipt.Ref != "C0CS/"+server.Posts()[0].TS {
			t.Errorf("Find = %+v, %v, %v; want the card", receipt, found, err)
		}
		l.Message.ID = "m-other"
		if _, found, err := r.Find(t.Context(), l); found || err != nil {
			t.Errorf("Find of what was never sent = %v, %v", found, err)
		}
		m, _ := mailSetup(t, notifytest.SMTPOptions{}, "")
		_, _, err = Redirect{To: "ops@example.com", Slack: s, Mail: m}.Find(t.Context(), goodLetter())
		wantFailure(t, err, steward.Unknowable, "cannot_be_asked")
		_, _, err = Redirect{To: "ops@example.com", Slack: s}.Find(t.Context(), goodLetter())
		wantFailure(t, err, steward.Unauthorised, "not_configured")
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
	if _, found, err := r.Find(t.Context(), goodLetter()); !found || err != nil {
		t.Errorf("Find of the card = %v, %v", found, err)
	}
	_, _, err := r.Find(t.Context(), goodMail())
	wantFailure(t, err, steward.Unknowable, "cannot_be_asked")
	for _, c := range []steward.Channel{steward.Slack, steward.Email, "pigeon"} {
		unset := goodLetter()
		unset.Message.Channel = c
		_, _, err = Router{}.Find(t.Context(), unset)
		wantFailure(t, err, steward.Unauthorised, "not_configured")
		l := goodLetter()
		l.Message.Channel = c
		_, err = Router{}.Send(t.Context(), l)
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
