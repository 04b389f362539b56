package notify

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/mail"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/emersion/go-message"
	_ "github.com/emersion/go-message/charset" // reads what is not UTF-8

	"steward"
)

// A MailReader understands mail that comes back to the address that mail is sent
// from. It keeps nothing of a mail's text but a mail server's words about it, and
// those without addresses.
//
// Anybody can write to that address, and forge what is read here. So a mail only
// counts with a mail of ours that it names, which whoever decides on it looks up;
// what it says of addresses that we never wrote to is worth nothing.
type MailReader struct {
	// Address is the one that mail is sent from. Its domain names Message-IDs, and
	// tells mail among ourselves from a customer's.
	Address string
	// Zone is in which the dates of out-of-office notices are meant.
	Zone *time.Location
}

// What is read of one mail, however it is built.
const (
	mostParts    = 40
	mostDepth    = 6
	mostPartText = 64 << 10
)

// incomingMail is a mail taken apart.
type incomingMail struct {
	header message.Header
	kind   string // its media type, in lower case
	report string // report-type
	parts  []mailPart
	raw    []byte
	at     time.Time
}

type mailPart struct {
	kind string
	text string
}

// Read understands a mail that arrived at a moment; ok is false for one that is
// none of what is looked for: mail of ours, a newsletter, a question of somebody
// we did not write to. The mail may be cut off at any byte.
func (r MailReader) Read(raw []byte, arrived time.Time) (got steward.Returned, ok bool) {
	m, ok := takeApart(raw, arrived)
	if !ok {
		return got, false
	}
	for _, understand := range []func(*incomingMail) (steward.Incoming, bool){r.report, r.complaint, r.looseBounce, r.autoReply, r.reply} {
		in, ok := understand(m)
		if !ok {
			continue
		}
		if in.Kind == steward.Reply && r.ours(in.Address) {
			return got, false // a colleague, or ourselves
		}
		in.Key, in.At, in.Address = m.key(), m.at, strings.ToLower(in.Address)
		return steward.Returned{Incoming: in, Subject: BareSubject(m.text("Subject"))}, true
	}
	return got, false
}

func takeApart(raw []byte, arrived time.Time) (*incomingMail, bool) {
	e, err := message.Read(bytes.NewReader(raw))
	if e == nil || err != nil && !message.IsUnknownCharset(err) && !message.IsUnknownEncoding(err) {
		return nil, false
	}
	m := &incomingMail{header: e.Header, raw: raw, at: arrived.UTC().Truncate(time.Second)}
	kind, params, _ := e.Header.ContentType()
	m.kind, m.report = strings.ToLower(kind), strings.ToLower(params["report-type"])
	m.gather(e, 0)
	return m, true
}

// gather reads the parts one after the other. What cannot be read ends it: a mail
// is cut off after a while, and what came before counts.
func (m *incomingMail) gather(e *message.Entity, depth int) {
	if parts := e.MultipartReader(); parts != nil && depth < mostDepth {
		for len(m.parts) < mostParts {
			p, err := parts.NextPart()
			if p == nil || err != nil && !message.IsUnknownCharset(err) && !message.IsUnknownEncoding(err) {
				return
			}
			m.gather(p, depth+1)
		}
		return
	}
	kind, _, _ := e.Header.ContentType()
	text, _ := io.ReadAll(io.LimitReader(e.Body, mostPartText))
	m.parts = append(m.parts, mailPart{strings.ToLower(kind), strings.ToValidUTF8(strings.ReplaceAll(string(text), "\r\n", "\n"), "\uFFFD")})
}

// part is the first of one of the kinds; ok is false where there is none.
func (m *incomingMail) part(kinds ...string) (string, bool) {
	for _, p := range m.parts {
		for _, k := range kinds {
			if p.kind == k {
				return p.text, true
			}
		}
	}
	return "", false
}

// text is a header field, decoded, on one line.
func (m *incomingMail) text(field string) string {
	s, err := m.header.Text(field)
	if err != nil {
		s = m.header.Get(field)
	}
	return shorten(oneLine(strings.ToValidUTF8(s, "\uFFFD")), 500)
}

// from is the address of whom it says to come from; "" where that is none.
func (m *incomingMail) from() string { return bareAddress(m.text("From")) }

func bareAddress(s string) string {
	if a, err := mail.ParseAddress(s); err == nil {
		return a.Address
	}
	if found := addressLike.FindString(s); len(found) <= 254 && isPlain(found) {
		return strings.TrimRight(found, ".")
	}
	return ""
}

// byMachine tells a mail server's own mail: nobody is to answer it.
func (m *incomingMail) byMachine() bool {
	if strings.TrimSpace(m.header.Get("Return-Path")) == "<>" {
		return true
	}
	name, _, _ := strings.Cut(strings.ToLower(m.from()), "@")
	return name == "mailer-daemon" || name == "postmaster"
}

// key is the same for a mail whenever and wherever it is read.
func (m *incomingMail) key() string {
	id := strings.TrimSpace(m.header.Get("Message-Id"))
	if id != "" && len(id) <= 200 && utf8.ValidString(id) && Harmless(id) == id {
		return "mail:" + id
	}
	sum := sha256.Sum256(m.raw)
	return "mail:sha256:" + hex.EncodeToString(sum[:])
}

// ours tells one of our own addresses: people at the domain that mail is sent
// from are colleagues, who are copied in and write into the same thread. Where
// mail is sent from a subdomain they are at the one above it.
func (r MailReader) ours(address string) bool {
	_, domain, ok := strings.Cut(strings.ToLower(address), "@")
	return !ok || domain == r.domain() || strings.HasSuffix(domain, "."+r.domain()) || strings.HasSuffix(r.domain(), "."+domain)
}

func (r MailReader) domain() string {
	return strings.ToLower(r.Address[strings.LastIndexByte(r.Address, '@')+1:])
}

var ourMessageID = regexp.MustCompile(`(?i)<(m-[a-z2-7]{16})@([^>\s]{1,255})>`)

// named is the first mail of ours that a text names by its Message-ID; "" for
// none.
func (r MailReader) named(text string) steward.MessageID {
	for _, found := range ourMessageID.FindAllStringSubmatch(text, 50) {
		if strings.EqualFold(found[2], r.domain()) {
			return steward.MessageID(strings.ToLower(found[1]))
		}
	}
	return ""
}

// about is the mail of ours that another answers by the fields that say so.
func (r MailReader) about(m *incomingMail) steward.MessageID {
	if id := r.named(m.header.Get("In-Reply-To")); id != "" {
		return id
	}
	// The newest comes last.
	refs := strings.Fields(m.header.Get("References"))
	for i := len(refs) - 1; i >= 0 && i >= len(refs)-50; i-- {
		if id := r.named(refs[i]); id != "" {
			return id
		}
	}
	return ""
}

// reply is a mail that a person wrote in answer to one of ours. Where it names
// none of ours, its sender and subject may still tell: some relays give mail
// Message-IDs of their own.
func (r MailReader) reply(m *incomingMail) (steward.Incoming, bool) {
	in := steward.Incoming{Kind: steward.Reply, Message: r.about(m), Address: m.from(), Back: steward.NoDay}
	answers := in.Message != "" || m.header.Get("In-Reply-To") != "" && BareSubject(m.text("Subject")) != ""
	bulk := m.header.Has("List-Id") || strings.EqualFold(m.header.Get("Precedence"), "bulk") || strings.EqualFold(m.header.Get("Precedence"), "list")
	return in, answers && !bulk && !m.byMachine() && in.Address != "" && m.report == ""
}

var subjectPrefix = regexp.MustCompile(`(?i)^\s*(re|aw|antw|antwort|sv|vs|rv|rif|r|tr|wg|fw|fwd|odp|ynt|回复|答复)(\[\d+\])?\s*[::]\s*`)

// BareSubject is a subject without what mail programs put before it.
func BareSubject(s string) string {
	for range 10 {
		loc := subjectPrefix.FindStringIndex(s)
		if loc == nil {
			break
		}
		s = s[loc[1]:]
	}
	return strings.TrimSpace(s)
}
