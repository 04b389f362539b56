package notify

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"

	"steward"
)

// MailboxConfig is what a Mailbox needs.
type MailboxConfig struct {
	// IMAP says how to reach it: imaps://user:password@host/INBOX, with TLS from
	// the first byte (port 993 unless given). With imap://, STARTTLS is required;
	// ?starttls=off goes without, to a server on this machine only.
	IMAP steward.Secret
	// Reader understands what is in it.
	Reader MailReader
	// Seen marks bounces, complaints and notices as read once they are understood;
	// MoveTo moves them to a folder, which has to be there. Without either nothing
	// in the mailbox is changed. Replies are for people, and stay as they are.
	Seen   bool
	MoveTo string
	// Now is the clock; nil for time.Now.
	Now func() time.Time
}

// A Mailbox is read over IMAP. One look is one connection. It is not safe for
// concurrent use.
type Mailbox struct {
	cfg                          MailboxConfig
	host, port                   string
	user, password, folder, name string
	secure, plain                bool
	roots                        *x509.CertPool

	// What Read left for Settle.
	open *imapclient.Client
	hang func() bool
	done []imap.UID
}

// How much is read at a time, and for how long at most. What lies beyond a mail's
// first quarter of a megabyte says nothing about it; its header and what programs
// wrote come first.
const (
	mailboxBatch   = 20
	mailboxMail    = 256 << 10
	mailboxTalk    = 64 << 20
	mailboxWithin  = 2 * time.Minute
	mailboxHistory = 7 * 24 * time.Hour
)

// NewMailbox checks the configuration; it makes no call. Its errors never quote
// the URL.
func NewMailbox(cfg MailboxConfig) (*Mailbox, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	const form = "; write it as imaps://user:password@host/INBOX"
	u, err := url.Parse(cfg.IMAP.Reveal())
	if err != nil || u.Hostname() == "" || u.Scheme != "imap" && u.Scheme != "imaps" {
		return nil, errors.New("the mailbox's URL cannot be read (percent-encode special characters: the @ of a user's name is %40)" + form)
	}
	m := &Mailbox{cfg: cfg, host: u.Hostname(), port: u.Port(), secure: u.Scheme == "imaps", folder: strings.Trim(u.Path, "/")}
	m.user = u.User.Username()
	m.password, _ = u.User.Password()
	switch starttls := u.Query().Get("starttls"); {
	case m.user == "" || m.password == "":
		return nil, errors.New("the mailbox's URL has no user and password" + form)
	case starttls == "off" && !m.secure && isLoopback(m.host):
		m.plain = true
	case starttls != "" && (starttls != "require" || m.secure):
		return nil, errors.New("a mailbox is read encrypted: use imaps://, or imap:// with STARTTLS; ?starttls=off is for a server on this machine" + form)
	}
	if m.port == "" {
		m.port = map[bool]string{true: "993", false: "143"}[m.secure]
	}
	if m.folder == "" {
		m.folder = "INBOX"
	}
	sum := sha256.Sum256([]byte(m.user))
	m.name = fmt.Sprintf("%s/%s/%s", m.host, hex.EncodeToString(sum[:4]), m.folder)
	return m, nil
}

// String is the mailbox without its password, which fmt would otherwise dig out of
// unexported fields.
func (m *Mailbox) String() string { return "mailbox " + m.name }

// GoString is the same for %#v.
func (m *Mailbox) GoString() string { return m.String() }

// Name is the same for the same mailbox; it holds neither an address nor a
// secret.
func (m *Mailbox) Name() string { return m.name }

// Read understands the mail that came after a cursor, oldest first, up to a small
// number. The first time, and when the server has numbered its mail anew, it
// begins with the mail of the last week: what was read before is known by its
// key. Nothing is marked as read by reading.
func (m *Mailbox) Read(ctx context.Context, after steward.MailCursor, first bool) (found []steward.Returned, next steward.MailCursor, more bool, err error) {
	m.close()
	defer func() {
		if err != nil {
			m.close()
		}
	}()
	box, err := m.connect(ctx)
	if err != nil {
		return nil, after, false, err
	}
	anew := first || after.Validity != box.UIDValidity
	uids, err := m.newer(after, anew)
	if err != nil {
		return nil, after, false, m.failure("look for new mail", err)
	}
	next = steward.MailCursor{Validity: box.UIDValidity, UID: after.UID}
	if anew {
		next.UID = 0
		if len(uids) == 0 && box.UIDNext > 0 {
			next.UID = uint32(box.UIDNext) - 1
		}
	}
	if more = len(uids) > mailboxBatch; more {
		uids = uids[:mailboxBatch]
	}
	for _, uid := range uids {
		raw, arrived, ok, err := m.fetch(uid)
		if err != nil {
			return nil, after, false, m.failure("read a mail", err)
		}
		next.UID = uint32(uid)
		if !ok { // somebody deleted it meanwhile
			continue
		}
		r, understood := m.cfg.Reader.Read(raw, arrived)
		if !understood {
			continue
		}
		found = append(found, r)
		if r.Kind != steward.Reply {
			m.done = append(m.done, uid)
		}
	}
	return found, next, more, nil
}

// newer is the mail after a cursor, in order.
func (m *Mailbox) newer(after steward.MailCursor, anew bool) ([]imap.UID, error) {
	criteria := &imap.SearchCriteria{}
	if anew {
		criteria.Since = m.cfg.Now().Add(-mailboxHistory)
	} else {
		criteria.UID = []imap.UIDSet{{imap.UIDRange{Start: imap.UID(after.UID) + 1, Stop: 0}}}
	}
	data, err := m.open.UIDSearch(criteria, nil).Wait()
	if err != nil {
		return nil, err
	}
	uids := data.AllUIDs()
	slices.Sort(uids)
	// n:* is the last mail where there is none after n.
	return slices.DeleteFunc(uids, func(u imap.UID) bool { return !anew && uint32(u) <= after.UID }), nil
}

func (m *Mailbox) fetch(uid imap.UID) (raw []byte, arrived time.Time, ok bool, err error) {
	section := &imap.FetchItemBodySection{Peek: true, Partial: &imap.SectionPartial{Offset: 0, Size: mailboxMail}}
	got, err := m.open.Fetch(imap.UIDSetNum(uid), &imap.FetchOptions{UID: true, InternalDate: true, BodySection: []*imap.FetchItemBodySection{section}}).Collect()
	if err != nil || len(got) == 0 {
		return nil, time.Time{}, false, err
	}
	if arrived = got[0].InternalDate; arrived.IsZero() || arrived.After(m.cfg.Now()) {
		arrived = m.cfg.Now()
	}
	for _, s := range got[0].BodySection {
		raw = append(raw, s.Bytes...)
	}
	return raw[:min(len(raw), mailboxMail)], arrived, len(raw) > 0, nil
}

// Settle does with what Read understood what the configuration says, and ends the
// connection. Doing it again is nothing, so that mail that was kept and not marked
// is marked the next time it is seen, or never: nothing rests on it.
func (m *Mailbox) Settle(context.Context) error {
	defer m.close()
	if m.open == nil || len(m.done) == 0 {
		return nil
	}
	set := imap.UIDSetNum(m.done...)
	var err error
	switch {
	case m.cfg.MoveTo != "":
		_, err = m.open.Move(set, m.cfg.MoveTo).Wait()
	case m.cfg.Seen:
		err = m.open.Store(set, &imap.StoreFlags{Op: imap.StoreFlagsAdd, Silent: true, Flags: []imap.Flag{imap.FlagSeen}}, nil).Close()
	}
	if err != nil {
		return m.failure("mark mail as read", err)
	}
	return nil
}

// Verify goes as far as opening the folder, and tells in words what was reached.
func (m *Mailbox) Verify(ctx context.Context) (string, error) {
	defer m.close()
	box, err := m.connect(ctx)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("mailbox %s on %s, %d mails", m.folder, m.host, box.NumMessages), nil
}

// connect dials, encrypts, logs in and opens the folder.
func (m *Mailbox) connect(ctx context.Context) (*imap.SelectData, error) {
	d := net.Dialer{Timeout: 30 * time.Second}
	conn, err := d.DialContext(ctx, "tcp", net.JoinHostPort(m.host, m.port))
	if err != nil {
		return nil, m.failure("connect", err)
	}
	m.done = nil
	wire := net.Conn(&boundedConn{Conn: conn, left: mailboxTalk})
	ctx, cancel := context.WithTimeout(ctx, mailboxWithin)
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	m.hang = func() bool { cancel(); return stop() }
	config := &tls.Config{ServerName: m.host, RootCAs: m.roots, MinVersion: tls.VersionTLS12}
	switch {
	case m.secure:
		config.NextProtos = []string{"imap"}
		tc := tls.Client(wire, config)
		if err := tc.HandshakeContext(ctx); err != nil {
			conn.Close()
			return nil, m.failure("encrypt", err)
		}
		m.open = imapclient.New(tc, nil)
	case m.plain:
		m.open = imapclient.New(wire, nil)
	default:
		if m.open, err = imapclient.NewStartTLS(wire, &imapclient.Options{TLSConfig: config}); err != nil {
			m.open = nil
			return nil, m.failure("encrypt", err)
		}
	}
	if err := m.open.WaitGreeting(); err != nil {
		return nil, m.failure("be greeted", err)
	}
	if err := m.open.Login(m.user, m.password).Wait(); err != nil {
		return nil, m.failure("log in", err)
	}
	box, err := m.open.Select(m.folder, &imap.SelectOptions{ReadOnly: !m.cfg.Seen && m.cfg.MoveTo == ""}).Wait()
	if err != nil {
		return nil, m.failure("open the folder "+m.folder, err)
	}
	return box, nil
}

func (m *Mailbox) close() {
	if m.open != nil {
		_ = m.open.Logout().Wait() // what it says to this changes nothing
		_ = m.open.Close()
		m.open = nil
	}
	if m.hang != nil {
		m.hang()
		m.hang = nil
	}
}

// failure is an error without addresses and secrets, with what a person can do.
func (m *Mailbox) failure(doing string, err error) error {
	hint := "look whether the mail server can be reached from here"
	var said *imap.Error
	var cert *tls.CertificateVerificationError
	switch {
	case errors.As(err, &cert):
		hint = "the server's certificate is not valid for its name: check the host in the mailbox's URL"
	case errors.As(err, &said) && doing == "log in":
		hint = "check the user and password in the mailbox's URL; many providers want a password made for programs"
	case errors.As(err, &said):
		hint = "check the folder's name in the mailbox's URL, and in keep"
	case doing == "encrypt":
		hint = "imaps:// is for port 993, imap:// for port 143 with STARTTLS"
	}
	return fmt.Errorf("%w; %s", withhold(doing, err, m.password, m.user), hint)
}
