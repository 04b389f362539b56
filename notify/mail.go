package notify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/mail"
	"net/url"
	"strings"
	"time"
	"unicode"

	gomail "github.com/wneessen/go-mail"

	"steward"
)

// MailConfig is what a MailSender needs.
type MailConfig struct {
	// SMTP says how to reach the server: smtp://user:password@host:587, or
	// smtps:// for TLS from the first byte (port 465 unless given). With smtp://,
	// ?starttls=require, optional or off; left out it is require, and optional for
	// a server on this machine.
	SMTP steward.Secret
	// From is the address that mail comes from, "success@example.com" or with a
	// name. Its domain also names Message-IDs. A message's own Content.From takes
	// the place of the name.
	From string
	// HelloName is how Steward names itself to the server; the From domain if
	// empty.
	HelloName string
	// DKIM signs the mail; the zero value leaves that to the server.
	DKIM DKIM
	// PublicURL is where customers reach Steward, and Signing the key of the
	// links to unsubscribe. Mail to customers is refused without both.
	PublicURL string
	Signing   steward.Secret
	// CopyReplies has replies come to From's address as well as to the CSM, for a
	// mailbox that is read.
	CopyReplies bool
	// Timeout is for each step of the conversation; 30 seconds if zero. Over its
	// last answer the server may take all that is left of Within, because giving
	// up on that one leaves an outcome that nobody knows.
	Timeout time.Duration
	// Within is for the whole of a Send; 90 seconds if zero. A slower server
	// counts as silent. (RFC 5321 would have us wait ten minutes for the last
	// answer alone; by then the message's lease is over, and another attempt could
	// be under way.)
	Within time.Duration
	// Now dates mail of a message that carries no time of its own; nil for
	// time.Now.
	Now func() time.Time
}

// A MailSender sends mail over SMTP, one recipient and one connection a
// message. It is safe for concurrent use.
type MailSender struct {
	cfg    MailConfig
	from   *mail.Address
	domain string
	server smtpServer
	signer *dkimSigner
}

// NewMailSender checks the configuration; it makes no call.
func NewMailSender(cfg MailConfig) (*MailSender, error) {
	m, err := newMailRenderer(cfg)
	if err != nil {
		return nil, err
	}
	if m.server, err = parseSMTP(cfg.SMTP); err != nil {
		return nil, err
	}
	return m, nil
}

// newMailRenderer is a MailSender that can compose but has nowhere to send, as
// the preview needs it.
func newMailRenderer(cfg MailConfig) (*MailSender, error) {
	from, err := mail.ParseAddress(cfg.From)
	if err != nil {
		return nil, errors.New("email.from is not an address; write it as success@example.com")
	}
	domain := from.Address[strings.LastIndexByte(from.Address, '@')+1:]
	if cfg.Timeout <= 0 {
		cfg.Timeout = 30 * time.Second
	}
	if cfg.Within <= 0 {
		cfg.Within = sendWithin
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.HelloName == "" {
		cfg.HelloName = domain
	}
	if strings.ContainsFunc(cfg.HelloName, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil, errors.New("email's hello name is not a host name; write it as mail.example.com")
	}
	signer, err := newDKIMSigner(cfg.DKIM)
	if err != nil {
		return nil, err
	}
	return &MailSender{cfg: cfg, from: from, domain: domain, signer: signer}, nil
}

// String is the sender without its password, which fmt would otherwise dig out
// of unexported fields.
func (m *MailSender) String() string { return "mail sender" }

// GoString is the same for %#v.
func (m *MailSender) GoString() string { return m.String() }

// Send sends one mail and returns its Message-ID as the Ref.
func (m *MailSender) Send(ctx context.Context, l steward.Letter) (steward.Receipt, error) {
	if l.Message.To.Customer() && m.unsubscribeURL(l.Message) == "" {
		return steward.Receipt{}, failed(steward.Unauthorised, "no_unsubscribe",
			"set public_url to an https address in steward.yaml: mail to customers must carry a link to stop it",
			errors.New("mail to a customer has no link to unsubscribe"))
	}
	raw, err := m.Compose(l)
	if err != nil {
		return steward.Receipt{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, m.cfg.Within)
	defer cancel()
	if err := m.deliver(ctx, l.Message.To.Email, raw); err != nil {
		return steward.Receipt{}, err
	}
	return steward.Receipt{Ref: m.messageID(l.Message.ID)}, nil
}

// Compose is the mail as it goes over the wire, signed, with CRLF line ends.
// The same letter always gives the same mail but for the signature's time, so
// that a repeated attempt can be known for one.
func (m *MailSender) Compose(l steward.Letter) ([]byte, error) {
	to, err := recipientAddress(l.Message.To)
	if err != nil {
		return nil, err
	}
	msg := gomail.NewMsg(gomail.WithNoDefaultUserAgent(), gomail.WithEncoding(gomail.EncodingQP),
		gomail.WithBoundary("steward-"+fileName(l.Message.ID)))
	from := *m.from
	if name := personName(l.Content.From); name != "" {
		from.Name = name
	}
	msg.FromMailAddress(&from)
	msg.ToMailAddress(to)
	if reply, err := mail.ParseAddress(l.Content.ReplyTo); err == nil && isPlain(reply.Address) {
		to := []*mail.Address{{Name: personName(l.Content.From), Address: reply.Address}}
		if m.cfg.CopyReplies {
			to = append(to, m.from)
		}
		msg.ReplyToMailAddress(to...)
	}
	subject := headerText(l.Content.Title, 200)
	if subject == "" {
		subject = "A message from " + m.domain
	}
	msg.Subject(subject)
	msg.SetDateWithValue(m.date(l.Message))
	msg.SetMessageIDWithValue(strings.Trim(m.messageID(l.Message.ID), "<>"))
	if l.Message.ApprovedBy == "" {
		// RFC 3834 asks it of whatever no person had a hand in, and it keeps two
		// robots from answering each other. A mail that a person approved is that
		// person's, and an out-of-office answer to it is worth having.
		msg.SetGenHeader("Auto-Submitted", "auto-generated")
	}
	unsubscribe := m.unsubscribeURL(l.Message)
	if unsubscribe != "" {
		// Not SetListUnsubscribeOneClick: it writes the two fields in random order.
		msg.SetGenHeader(gomail.HeaderListUnsubscribe, "<"+unsubscribe+">")
		msg.SetGenHeader(gomail.HeaderListUnsubscribePost, "List-Unsubscribe=One-Click")
	}
	body := mailBody{content: l.Content, unsubscribe: unsubscribe}
	msg.SetBodyString(flowedText, body.plain())
	msg.AddAlternativeString(gomail.TypeTextHTML, body.html())
	var buf bytes.Buffer
	if _, err := msg.WriteTo(&buf); err != nil {
		return nil, failed(steward.Refused, "could_not_compose", "please report this with `steward outreach` of the message",
			withhold("compose the mail", err))
	}
	raw := buf.Bytes()
	if !bytes.HasSuffix(raw, []byte("\r\n")) {
		raw = append(raw, '\r', '\n')
	}
	return m.signer.sign(raw)
}

// flowedText is the plain half's type; see flowed.go.
const flowedText gomail.ContentType = "text/plain; format=flowed"

// date is when the mail was meant to go: planned, or due after a delay. Not the
// moment of sending, so that a second attempt is the same mail.
func (m *MailSender) date(msg steward.Message) time.Time {
	t := msg.Planned
	if msg.Due.After(t) {
		t = msg.Due
	}
	if t.IsZero() {
		t = m.cfg.Now()
	}
	return t.UTC()
}

func (m *MailSender) messageID(id steward.MessageID) string {
	return "<" + fileName(id) + "@" + m.domain + ">"
}

// unsubscribeURL is the one-click link of a customer's mail, or "" where it can
// have none. RFC 8058 wants https.
func (m *MailSender) unsubscribeURL(msg steward.Message) string {
	u, err := url.Parse(m.cfg.PublicURL)
	if !msg.To.Customer() || err != nil || u.Scheme != "https" || u.Host == "" || m.cfg.Signing.IsZero() {
		return ""
	}
	return strings.TrimRight(m.cfg.PublicURL, "/") + "/u/" + url.PathEscape(steward.UnsubscribeToken(m.cfg.Signing, msg.ID))
}

// headerText is text fit for a header field: one line, so that no name can end
// the field and begin another, and not longer than a reader shows. What looks
// like an encoded word is parted, or a mail program would decode it into other
// characters than those that stand in the CRM.
func headerText(s string, limit int) string {
	return shorten(strings.ReplaceAll(oneLine(s), "=?", "= ?"), limit)
}

// personName is a name fit to stand before an address. A backslash goes:
// net/mail lets one pass in an encoded word, where RFC 2047 has none, and strict
// readers then find no address in the field.
func personName(s string) string { return headerText(strings.ReplaceAll(s, `\`, ""), 80) }

// isPlain tells an address that has nothing in it that a program could take for
// an end, of the address, of the line, of the field, or for an encoded word.
func isPlain(address string) bool {
	return len(address) <= 254 && !strings.Contains(address, "=?") && !strings.ContainsFunc(address, func(r rune) bool {
		return r == '<' || r == '>' || r == unicode.ReplacementChar || unicode.IsSpace(r) || visible(r) != r
	})
}

// recipientAddress checks the address and gives it its name.
func recipientAddress(to steward.Recipient) (*mail.Address, error) {
	bad := func(what string) error {
		return failed(steward.Refused, "bad_address", "correct the e-mail address in the CRM and import again", errors.New(what))
	}
	switch {
	case to.Email == "":
		return nil, bad("the recipient has no e-mail address")
	case !isPlain(to.Email):
		return nil, bad("the recipient's e-mail address is not one")
	}
	a, err := mail.ParseAddress("<" + to.Email + ">")
	if err != nil {
		return nil, bad("the recipient's e-mail address is not one")
	}
	a.Name = personName(to.Name)
	return a, nil
}

// fileName is a message's id as it may stand in a header, a boundary or a path.
// Ids are made of such characters; a foreign one cannot become "../x".
func fileName(id steward.MessageID) string {
	safe := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '-':
			return r
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		}
		return '-'
	}, string(id))
	if safe == "" {
		safe = "message"
	}
	if len(safe) > 60 {
		safe = safe[:60]
	}
	return safe
}

// Verify goes as far as the server's answer to the password, and tells in
// words what was reached.
func (m *MailSender) Verify(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, m.cfg.Within)
	defer cancel()
	how, err := m.greet(ctx)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("mail server %s, %s, from %s", m.server.host, how, m.from.Address), nil
}
