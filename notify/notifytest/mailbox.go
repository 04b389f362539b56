package notifytest

import (
	"bytes"
	"fmt"
	"io"
	"log"
	"net"
	"net/url"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
	"github.com/emersion/go-imap/v2/imapserver"
	"github.com/emersion/go-imap/v2/imapserver/imapmemserver"
)

// A MailboxServer is an IMAP server with one user, for tests. It speaks without
// encryption, on this machine only.
type MailboxServer struct {
	User, Password string

	listener net.Listener
	server   *imapserver.Server
	mail     *imapmemserver.User
}

// StartMailbox starts one with an INBOX and the folders named.
func StartMailbox(user, password string, folders ...string) (*MailboxServer, error) {
	s := &MailboxServer{User: user, Password: password, mail: imapmemserver.NewUser(user, password)}
	for _, f := range append([]string{"INBOX"}, folders...) {
		if err := s.mail.Create(f, nil); err != nil {
			return nil, fmt.Errorf("make the folder %s: %w", f, err)
		}
	}
	all := imapmemserver.New()
	all.AddUser(s.mail)
	s.server = imapserver.New(&imapserver.Options{
		NewSession: func(*imapserver.Conn) (imapserver.Session, *imapserver.GreetingData, error) {
			return all.NewSession(), nil, nil
		},
		InsecureAuth: true, Logger: log.New(io.Discard, "", 0),
		Caps: imap.CapSet{imap.CapIMAP4rev1: {}, imap.CapMove: {}, imap.CapUIDPlus: {}},
	})
	var err error
	if s.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		return nil, fmt.Errorf("listen for IMAP: %w", err)
	}
	go func() { _ = s.server.Serve(s.listener) }()
	return s, nil
}

// Close ends the server.
func (s *MailboxServer) Close() { _ = s.server.Close() }

// URL leads to a folder.
func (s *MailboxServer) URL(folder string) string {
	return (&url.URL{Scheme: "imap", User: url.UserPassword(s.User, s.Password), Host: s.listener.Addr().String(), Path: "/" + folder, RawQuery: "starttls=off"}).String()
}

// Put delivers a mail as of a moment.
func (s *MailboxServer) Put(raw []byte, at time.Time) error {
	_, err := s.mail.Append("INBOX", literal{bytes.NewReader(raw)}, &imap.AppendOptions{Time: at})
	return err
}

type literal struct{ *bytes.Reader }

func (l literal) Size() int64 { return l.Reader.Size() }

// Renumber gives the INBOX new numbers, as a server does whose index was lost.
func (s *MailboxServer) Renumber() error {
	if err := s.mail.Rename("INBOX", "Old", nil); err != nil {
		return err
	}
	return s.mail.Create("INBOX", nil)
}

// Subjects is the mail in a folder, and whether each was read: "Re: x" or
// "Re: x (seen)".
func (s *MailboxServer) Subjects(folder string) ([]string, error) {
	conn, err := net.Dial("tcp", s.listener.Addr().String())
	if err != nil {
		return nil, err
	}
	c := imapclient.New(conn, nil)
	defer c.Close()
	if err := c.Login(s.User, s.Password).Wait(); err != nil {
		return nil, err
	}
	box, err := c.Select(folder, &imap.SelectOptions{ReadOnly: true}).Wait()
	if err != nil || box.NumMessages == 0 {
		return nil, err
	}
	all, err := c.Fetch(imap.SeqSet{{Start: 1, Stop: 0}}, &imap.FetchOptions{Envelope: true, Flags: true}).Collect()
	var out []string
	for _, m := range all {
		line := m.Envelope.Subject
		for _, f := range m.Flags {
			if f == imap.FlagSeen {
				line += " (seen)"
			}
		}
		out = append(out, line)
	}
	return out, err
}
