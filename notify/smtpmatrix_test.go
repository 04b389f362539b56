package notify

import (
	"context"
	"crypto/x509"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"steward"
	"steward/notify/notifytest"
)

// The rows of "When a provider misbehaves: mail" in docs/delivery.md. A case
// names the row that tells users of it.
const (
	mailAway      = "cannot be reached; or silent, gone, dripping, babbling or talking nonsense before the mail's final dot"
	mailClosing   = "4xx before the recipient is named, 421 at any time"
	mailNotNow    = "another 4xx to the recipient or the text: greylisting, a full mailbox"
	mailNoEntry   = "5xx before the recipient is named; 530, 534, 535 or 538 at any time"
	mailNoTLS     = "no STARTTLS, no common TLS, a certificate that is not valid, no place to log in"
	mailAboutUs   = "5xx later on that speaks of the sender or of this machine: relaying denied, sender rejected, quota"
	mailRecipient = "another 5xx to the recipient"
	mailText      = "another 5xx to the text"
	mailLost      = "silent, gone, dripping, babbling or talking nonsense after the final dot"
	mailQuit      = "anything at all at QUIT"
)

// smtpSteps is every step of a conversation, and what the mail comes to when
// the server fails there. Lost stands for silence, a closed connection, bytes
// that drip, answers without an end, and nonsense: only how far the conversation
// had come tells what they mean.
var smtpSteps = []struct {
	step                         string
	transient, permanent, closes steward.FailureKind // 4xx, 5xx, 421; "" is sent
	lost                         steward.FailureKind
	transientRow, permanentRow   string
	lostRow                      string
	taken                        int // after a loss
}{
	{notifytest.Connect, steward.Unreachable, steward.Unauthorised, steward.Unreachable, steward.Unreachable, mailClosing, mailNoEntry, mailAway, 0},
	{notifytest.Hello, steward.Unreachable, steward.Unauthorised, steward.Unreachable, steward.Unreachable, mailClosing, mailNoEntry, mailAway, 0},
	{notifytest.TLS, steward.Unreachable, steward.Unauthorised, steward.Unreachable, steward.Unreachable, mailClosing, mailNoEntry, mailAway, 0},
	{notifytest.Auth, steward.Unreachable, steward.Unauthorised, steward.Unreachable, steward.Unreachable, mailClosing, mailNoEntry, mailAway, 0},
	{notifytest.From, steward.Unreachable, steward.Unauthorised, steward.Unreachable, steward.Unreachable, mailClosing, mailNoEntry, mailAway, 0},
	{notifytest.Rcpt, steward.NotNow, steward.Refused, steward.Unreachable, steward.Unreachable, mailNotNow, mailRecipient, mailAway, 0},
	{notifytest.Data, steward.NotNow, steward.Refused, steward.Unreachable, steward.Unreachable, mailNotNow, mailText, mailAway, 0},
	{notifytest.Dot, steward.NotNow, steward.Refused, steward.Unreachable, steward.Unknowable, mailNotNow, mailText, mailLost, 1},
	{notifytest.Quit, "", "", "", "", mailQuit, mailQuit, mailQuit, 1},
}

type smtpCase struct {
	row, name string
	opts      notifytest.SMTPOptions
	query     string
	step      string
	f         notifytest.SMTPFailure
	change    func(*MailSender)
	brief     bool                // the sender's limits are short
	kind      steward.FailureKind // "" is sent
	code      string              // "" is any
	hint      string              // words of it
	taken     int                 // by the server, of an unknowable one
}

// optionsFor have the conversation come by a step.
func optionsFor(step string) notifytest.SMTPOptions {
	switch step {
	case notifytest.Auth:
		return notifytest.SMTPOptions{User: smtpUser, Password: smtpPassword}
	case notifytest.TLS:
		return notifytest.SMTPOptions{StartTLS: true}
	}
	return notifytest.SMTPOptions{}
}

func smtpCases() (cases []smtpCase) {
	type failure = notifytest.SMTPFailure
	for _, s := range smtpSteps {
		add := func(row, what string, f failure, kind steward.FailureKind, code string, taken int) {
			cases = append(cases, smtpCase{row: row, name: what + " at " + s.step, opts: optionsFor(s.step), step: s.step, f: f, brief: f.Hang || f.Drip > 0, kind: kind, code: code, taken: taken})
		}
		closing := mailClosing
		if s.step == notifytest.Quit {
			closing = mailQuit
		}
		add(s.transientRow, "451", failure{Reply: "451 4.3.0 try later"}, s.transient, "451 4.3.0", 0)
		add(s.permanentRow, "554", failure{Reply: "554 5.3.0 no"}, s.permanent, "554 5.3.0", 0)
		add(closing, "421", failure{Reply: "421 4.3.2 shutting down"}, s.closes, "421 4.3.2", 0)
		add(s.lostRow, "gone", failure{Drop: true}, s.lost, "network", s.taken)
		add(s.lostRow, "silent", failure{Hang: true}, s.lost, "timeout", s.taken)
		add(s.lostRow, "dripping", failure{Reply: "250-go on", Drip: time.Millisecond}, s.lost, "", s.taken) // what has dripped by then may read as nonsense
		add(s.lostRow, "nonsense", failure{Reply: "what do you want?"}, s.lost, "bad_answer", 0)
		add(s.lostRow, "lines without end", failure{Reply: "250-and another thing", Endless: true}, s.lost, "bad_answer", s.taken)
		add(s.lostRow, "a line without end", failure{Endless: true}, s.lost, "bad_answer", s.taken)
	}
	password := optionsFor(notifytest.Auth)
	rcpt := func(row, name, reply string, kind steward.FailureKind, code, hint string) smtpCase {
		return smtpCase{row: row, name: name, step: notifytest.Rcpt, f: failure{Reply: reply}, kind: kind, code: code, hint: hint}
	}
	return append(cases, []smtpCase{
		{row: mailAway, name: "a web server", step: notifytest.Connect, f: failure{Reply: "HTTP/1.1 400 Bad Request"}, kind: steward.Unreachable, code: "bad_answer", hint: "the port is a mail server's"},
		{row: mailAway, name: "an odd number", step: notifytest.From, f: failure{Reply: "354 go on"}, kind: steward.Unreachable, code: "354"},
		{row: mailLost, name: "gone before it took the mail", step: notifytest.Dot, f: failure{Drop: true, Untaken: true}, kind: steward.Unknowable, code: "network", hint: "the server's log"},
		{row: mailLost, name: "silent before it took the mail", step: notifytest.Dot, f: failure{Hang: true, Untaken: true}, brief: true, kind: steward.Unknowable, code: "timeout"},
		{row: mailLost, name: "an odd number after the dot", step: notifytest.Dot, f: failure{Reply: "354 go on"}, kind: steward.Unknowable, code: "354", hint: "the server's log"},

		rcpt(mailNotNow, "greylisted", "450 4.2.0 greylisted, come back in 300 seconds", steward.NotNow, "450 4.2.0", "Steward does"),
		rcpt(mailNotNow, "a full mailbox", "452 4.2.2 mailbox full", steward.NotNow, "452 4.2.2", ""),

		{row: mailNoEntry, name: "the wrong password", opts: password, change: func(m *MailSender) { m.server.password = "other" }, kind: steward.Unauthorised, code: "535 5.7.8", hint: "user and password"},
		{row: mailNoEntry, name: "words that quote user and address", opts: password, step: notifytest.Auth, f: failure{Reply: "535 5.7.8 bad credentials for " + smtpUser + " dana@example.com"}, kind: steward.Unauthorised, code: "535 5.7.8"},
		{row: mailNoEntry, name: "530 at MAIL", step: notifytest.From, f: failure{Reply: "530 5.7.0 authenticate first"}, kind: steward.Unauthorised, code: "530 5.7.0", hint: "user and password"},
		rcpt(mailNoEntry, "530 at RCPT", "530 5.7.0 authenticate first", steward.Unauthorised, "530 5.7.0", "user and password"),
		{row: mailNoEntry, name: "a sender that is not ours", step: notifytest.From, f: failure{Reply: "553 5.7.1 sender <success@example.com> not owned"}, kind: steward.Unauthorised, code: "553 5.7.1", hint: "email.from"},
		{row: mailNoEntry, name: "the sender's store is full", step: notifytest.From, f: failure{Reply: "552 5.2.2 over quota"}, kind: steward.Unauthorised, code: "552 5.2.2"},
		{row: mailNoEntry, name: "a machine that is blocked", step: notifytest.Connect, f: failure{Reply: "554 5.7.1 blocked by a list"}, kind: steward.Unauthorised, code: "554 5.7.1", hint: "this machine"},

		{row: mailNoTLS, name: "STARTTLS is not offered", query: "?starttls=require", kind: steward.Unauthorised, code: "no_starttls", hint: "starttls=optional"},
		{row: mailNoTLS, name: "a certificate of nobody known", opts: notifytest.SMTPOptions{StartTLS: true}, change: func(m *MailSender) { m.server.roots = x509.NewCertPool() }, kind: steward.Unauthorised, code: "certificate", hint: "root certificates"},
		{row: mailNoTLS, name: "a certificate of nobody known, smtps", opts: notifytest.SMTPOptions{ImplicitTLS: true}, change: func(m *MailSender) { m.server.roots = x509.NewCertPool() }, kind: steward.Unauthorised, code: "certificate"},
		{row: mailNoTLS, name: "TLS of long ago", opts: notifytest.SMTPOptions{StartTLS: true, OldTLS: true}, kind: steward.Unauthorised, code: "no_tls", hint: "1.2 or later"},
		{row: mailNoTLS, name: "smtps to a port that begins in the clear", change: func(m *MailSender) { m.server.implicitTLS = true }, kind: steward.Unauthorised, code: "no_tls", hint: "587"},
		{row: mailNoTLS, name: "a password where none is asked", change: func(m *MailSender) { m.server.user, m.server.password = smtpUser, smtpPassword }, kind: steward.Unauthorised, code: "no_auth", hint: "587"},
		{row: mailNoTLS, name: "a password that would go in the clear", opts: notifytest.SMTPOptions{User: smtpUser, Password: smtpPassword},
			change: func(m *MailSender) { m.server.host = "0.0.0.0" /* this machine, by a name that does not say so */ }, kind: steward.Unauthorised, code: "no_encryption", hint: "smtps://"},

		rcpt(mailAboutUs, "relaying denied", "554 5.7.1 <ines@acme.example>: Relay access denied", steward.Unauthorised, "554 5.7.1", "email.from"),
		rcpt(mailAboutUs, "unable to relay", "550 5.7.54 SMTP; Unable to relay recipient in non-accepted domain", steward.Unauthorised, "550 5.7.54", ""),
		rcpt(mailAboutUs, "sender rejected late", "553 5.7.1 <success@example.com>: Sender address rejected: not owned by user", steward.Unauthorised, "553 5.7.1", ""),
		rcpt(mailAboutUs, "client rejected late", "554 5.7.1 <unknown[192.0.2.1]>: Client host rejected: Access denied", steward.Unauthorised, "554 5.7.1", ""),
		rcpt(mailAboutUs, "helo rejected late", "504 5.5.2 <x>: Helo command rejected: need fully-qualified hostname", steward.Unauthorised, "504 5.5.2", ""),
		rcpt(mailAboutUs, "the sender's domain", "550 5.1.8 <success@example.com>: Domain not found", steward.Unauthorised, "550 5.1.8", ""),
		{row: mailAboutUs, name: "may not send as this sender", step: notifytest.Dot, f: failure{Reply: "554 5.2.252 SendAsDenied; not allowed to send as success@example.com"}, kind: steward.Unauthorised, code: "554 5.2.252", hint: "email.from"},
		{row: mailAboutUs, name: "the day's quota", step: notifytest.Dot, f: failure{Reply: "550 5.4.5 Daily user sending limit exceeded"}, kind: steward.Unauthorised, code: "550 5.4.5"},

		rcpt(mailRecipient, "no such user", "550 5.1.1 <ines@acme.example>: no such user", steward.Refused, "550 5.1.1", "correct it in the CRM"),
		rcpt(mailRecipient, "no such user, without an enhanced code", "550 no such user ines@acme.example", steward.Refused, "550", ""),
		rcpt(mailRecipient, "a mailbox that is full for good", "552 5.2.2 over quota", steward.Refused, "552 5.2.2", ""),
		rcpt(mailRecipient, "the recipient's own rule", "550 5.7.1 recipient takes mail from inside only", steward.Refused, "550 5.7.1", ""),
		{row: mailText, name: "spam", step: notifytest.Dot, f: failure{Reply: "552 5.7.0 spam, as from an open relay"}, kind: steward.Refused, code: "552 5.7.0", hint: "its words say why"},
		{row: mailText, name: "no valid recipients", step: notifytest.Data, f: failure{Reply: "554 5.5.1 no valid recipients"}, kind: steward.Refused, code: "554 5.5.1"},
	}...)
}

func TestWhenTheMailServerMisbehaves(t *testing.T) {
	for _, tt := range smtpCases() {
		t.Run(tt.name, func(t *testing.T) {
			m, server := mailSetup(t, tt.opts, tt.query)
			if tt.change != nil {
				tt.change(m)
			}
			if tt.step != "" {
				server.Fail(tt.step, tt.f)
			}
			if tt.step == notifytest.Hello { // a client that is not heard says HELO
				server.Fail("HELO", tt.f)
			}
			if tt.brief {
				m.cfg.Timeout, m.cfg.Within = 40*time.Millisecond, 60*time.Millisecond
			}
			_, err := m.Send(t.Context(), goodMail())
			taken := len(server.Mails())
			if n := server.Connections(); n != 1 {
				t.Errorf("%d connections; an attempt is one", n)
			}
			if tt.kind == "" {
				if err != nil || taken != 1 {
					t.Errorf("%v, %d taken; want it sent", err, taken)
				}
				return
			}
			d := wantFailure(t, err, tt.kind, tt.code)
			if !strings.Contains(d.Hint, tt.hint) {
				t.Errorf("hint %q says nothing of %q", d.Hint, tt.hint)
			}
			if taken != tt.taken {
				t.Errorf("%d taken, want %d", taken, tt.taken)
			}
			if tt.kind != steward.Unknowable && taken != 0 {
				t.Errorf("%s is said of a mail that was taken", tt.kind)
			}
		})
	}
}

// Every step, and every kind of failure at it, has a case.
func TestNoStepIsLeftOut(t *testing.T) {
	met := map[string]int{}
	for _, c := range smtpCases() {
		met[c.step]++
	}
	for _, step := range []string{notifytest.Connect, notifytest.Hello, notifytest.TLS, notifytest.Auth, notifytest.From, notifytest.Rcpt, notifytest.Data, notifytest.Dot, notifytest.Quit} {
		if met[step] < 9 {
			t.Errorf("%d cases at %s", met[step], step)
		}
	}
}

// A text that the connection could not take whole has not been ended by a dot,
// and no server may deliver it. (A short one is in the socket, dot and all,
// before the loss is seen, and is rightly unknowable.)
func TestMailLostBeforeTheDot(t *testing.T) {
	long := []byte("Subject: x\r\n\r\n" + strings.Repeat(strings.Repeat("x", 70)+"\r\n", 1<<18)) // over any socket's buffer
	for name, f := range map[string]notifytest.SMTPFailure{"gone": {Drop: true}, "silent": {Hang: true}} {
		t.Run(name, func(t *testing.T) {
			m, server := mailSetup(t, notifytest.SMTPOptions{}, "")
			m.cfg.Timeout = 200 * time.Millisecond
			server.Fail(notifytest.Text, f)
			err := m.deliver(t.Context(), "ines@acme.example", long)
			wantFailure(t, err, steward.Unreachable, "")
			if n := len(server.Mails()); n != 0 {
				t.Errorf("the server took %d mails", n)
			}
		})
	}
}

// The limits: of a step, of the whole, the caller's; with the same meaning.
func TestMailEndsWithinItsTime(t *testing.T) {
	const long = time.Minute
	slow := notifytest.SMTPFailure{Slow: 40 * time.Millisecond}
	tests := []struct {
		name                    string
		step                    string
		f                       notifytest.SMTPFailure
		timeout, within, caller time.Duration
		kind                    steward.FailureKind
		taken                   int
	}{
		{"a step", notifytest.Rcpt, notifytest.SMTPFailure{Hang: true}, 30 * time.Millisecond, long, long, steward.Unreachable, 0},
		{"the whole, before the dot", notifytest.Rcpt, notifytest.SMTPFailure{Hang: true}, long, 30 * time.Millisecond, long, steward.Unreachable, 0},
		{"the whole, after the dot", notifytest.Dot, notifytest.SMTPFailure{Hang: true}, 20 * time.Millisecond, 80 * time.Millisecond, long, steward.Unknowable, 1},
		{"the caller's, before the dot", notifytest.Rcpt, notifytest.SMTPFailure{Hang: true}, long, long, 30 * time.Millisecond, steward.Unreachable, 0},
		{"the caller's, after the dot", notifytest.Dot, notifytest.SMTPFailure{Hang: true}, long, long, 30 * time.Millisecond, steward.Unknowable, 1},
		{"many slow steps", "", slow, long, 100 * time.Millisecond, long, steward.Unreachable, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m, server := mailSetup(t, notifytest.SMTPOptions{User: smtpUser, Password: smtpPassword}, "")
			m.cfg.Timeout, m.cfg.Within = tt.timeout, tt.within
			steps := []string{tt.step}
			if tt.step == "" {
				steps = []string{notifytest.Hello, notifytest.Auth, notifytest.From, notifytest.Rcpt}
			}
			for _, step := range steps {
				server.Fail(step, tt.f)
			}
			ctx, cancel := context.WithTimeout(t.Context(), tt.caller)
			defer cancel()
			_, err := m.Send(ctx, goodMail())
			wantFailure(t, err, tt.kind, "timeout")
			if tt.timeout == long && !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%v does not say that time ran out", err)
			}
			if n := len(server.Mails()); n != tt.taken {
				t.Errorf("the server took %d mails, want %d", n, tt.taken)
			}
		})
	}
	// A server that does not say goodbye holds up nothing that was accepted.
	m, server := mailSetup(t, notifytest.SMTPOptions{}, "")
	server.Fail(notifytest.Quit, notifytest.SMTPFailure{Hang: true})
	m.cfg.Timeout, m.cfg.Within = 30*time.Millisecond, long
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if _, err := m.Send(ctx, goodMail()); err != nil || ctx.Err() != nil {
		t.Errorf("silent at QUIT: %v, %v", err, ctx.Err())
	}
	// An answer to the dot that is slow, but within the whole, is waited for: to
	// give up would leave a mail that nobody knows of.
	m, server = mailSetup(t, notifytest.SMTPOptions{}, "")
	m.cfg.Timeout, m.cfg.Within = 100*time.Millisecond, long
	server.Fail(notifytest.Dot, notifytest.SMTPFailure{Slow: 300 * time.Millisecond})
	if _, err := m.Send(t.Context(), goodMail()); err != nil {
		t.Errorf("a slow acceptance: %v", err)
	}
}

func TestMailToAnAddressBeyondASCII(t *testing.T) {
	m, _ := mailSetup(t, notifytest.SMTPOptions{}, "")
	l := goodMail()
	l.Message.To.Email = "inès@acme.example"
	_, err := m.Send(t.Context(), l)
	wantFailure(t, err, steward.Refused, "553 5.6.7")
	m, server := mailSetup(t, notifytest.SMTPOptions{UTF8: true}, "")
	if _, err := m.Send(t.Context(), l); err != nil || server.Mails()[0].To != "inès@acme.example" {
		t.Errorf("to a server that can: %v", err)
	}
}

func TestMailServerThatIsNotThere(t *testing.T) {
	ln := listen(t)
	ln.Close()
	for name, where := range map[string]string{"connection refused": ln.Addr().String(), "no such host": "mail.invalid:25"} {
		t.Run(name, func(t *testing.T) {
			m, err := NewMailSender(MailConfig{SMTP: steward.NewSecret("smtp://" + where), From: "a@example.com"})
			if err != nil {
				t.Fatal(err)
			}
			_, err = m.Verify(t.Context())
			wantFailure(t, err, steward.Unreachable, "network")
		})
	}
}

// docs/delivery.md tells, row by row, what each case comes to; a row without a
// case is a promise that nobody keeps, a case without a row a surprise.
func TestMisbehaviourIsWrittenDown(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "docs", "delivery.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(page), "\n## When a provider misbehaves\n")
	section, _, _ = strings.Cut(section, "\n## ")
	written := map[string]string{} // row → class
	for _, line := range strings.Split(section, "\n") {
		cells := strings.Split(strings.Trim(line, "| "), " | ")
		if strings.HasPrefix(line, "| ") && len(cells) == 2 {
			written[cells[0]] = strings.Trim(cells[1], "*")
		}
	}
	class := func(kind steward.FailureKind) string {
		if kind == "" {
			return "sent"
		}
		return strings.ReplaceAll(string(kind), "_", " ")
	}
	met := map[string]bool{}
	check := func(row, name string, kind steward.FailureKind) {
		met[row] = true
		if written[row] != class(kind) {
			t.Errorf("%s: the page says %q of %q, and it is %q", name, written[row], row, class(kind))
		}
	}
	for _, c := range slackCases() {
		check(c.row, c.name, c.kind)
	}
	for _, c := range smtpCases() {
		check(c.row, c.name, c.kind)
	}
	for _, c := range webhookCases() {
		check(c.row, c.name, c.kind)
	}
	if len(written) < 20 {
		t.Fatalf("%d rows were found on the page", len(written))
	}
	for row := range written {
		if !met[row] && !strings.HasPrefix(row, "what the ") && !strings.HasPrefix(row, "---") {
			t.Errorf("nothing shows what the page says of %q", row)
		}
	}
}
