package notifytest

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// SMTPOptions is what an SMTPServer offers.
type SMTPOptions struct {
	// User and Password, if set, must be given before mail is taken.
	User, Password string
	// LoginOnly offers AUTH LOGIN in the place of PLAIN.
	LoginOnly bool
	// StartTLS offers encryption; ImplicitTLS begins with it.
	StartTLS, ImplicitTLS bool
	// UTF8 takes addresses beyond ASCII.
	UTF8 bool
}

// An SMTPServer records mail, and fails where it is told to. The protocol is
// go-smtp's; failures are put in between it and the client, so that the server
// can be made to do what no good server does.
type SMTPServer struct {
	opts   SMTPOptions
	server *smtp.Server
	ln     net.Listener
	roots  *x509.CertPool
	done   sync.WaitGroup

	mu       sync.Mutex
	mails    []SMTPMail
	scripts  map[string][]SMTPFailure
	released chan struct{}
	conns    int
}

// An SMTPMail is a mail that the server took.
type SMTPMail struct {
	From, To string
	Raw      []byte
}

// An SMTPFailure is what a step of the conversation meets: a reply in the place
// of the server's ("451 4.7.1 try later"), a closed connection, or silence.
type SMTPFailure struct {
	Reply      string
	Drop, Hang bool
}

// The steps at which an SMTPServer can be made to fail. Text is in the middle
// of the mail's text, before the final dot; Dot is after it, when the server has
// taken the mail and is about to say so. With a Reply, Dot refuses: the mail is
// not kept.
const (
	Connect = "CONNECT"
	Hello   = "EHLO"
	TLS     = "STARTTLS"
	Auth    = "AUTH"
	From    = "MAIL"
	Rcpt    = "RCPT"
	Data    = "DATA"
	Text    = "TEXT"
	Dot     = "DOT"
	Quit    = "QUIT"
)

// StartSMTP starts a server on this machine.
func StartSMTP(opts SMTPOptions) (*SMTPServer, error) {
	s := &SMTPServer{opts: opts, scripts: map[string][]SMTPFailure{}, released: make(chan struct{})}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s.ln = ln
	s.server = smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &smtpSession{server: s}, nil }))
	s.server.Domain = "mail.example.net"
	s.server.AllowInsecureAuth = true
	s.server.EnableSMTPUTF8 = opts.UTF8
	s.server.ErrorLog = quiet{}
	s.server.ReadTimeout, s.server.WriteTimeout = time.Minute, time.Minute
	var accept net.Listener = scriptedListener{ln, s}
	if opts.StartTLS || opts.ImplicitTLS {
		web := httptest.NewTLSServer(nil) // for its certificate, good for 127.0.0.1
		s.roots = x509.NewCertPool()
		s.roots.AddCert(web.Certificate())
		cfg := &tls.Config{Certificates: web.TLS.Certificates}
		web.Close()
		if opts.StartTLS {
			s.server.TLSConfig = cfg
		} else {
			accept = tls.NewListener(accept, cfg)
		}
	}
	s.done.Add(1)
	go func() {
		defer s.done.Done()
		_ = s.server.Serve(accept) // ends with Close
	}()
	return s, nil
}

type quiet struct{}

func (quiet) Printf(string, ...any) {}
func (quiet) Println(...any)        {}

// URL is how to reach the server, with the user and password.
func (s *SMTPServer) URL() string {
	u := url.URL{Scheme: "smtp", Host: s.ln.Addr().String()}
	if s.opts.ImplicitTLS {
		u.Scheme = "smtps"
	}
	if s.opts.User != "" {
		u.User = url.UserPassword(s.opts.User, s.opts.Password)
	}
	return u.String()
}

// Roots is what a client must trust to encrypt; nil without encryption.
func (s *SMTPServer) Roots() *x509.CertPool { return s.roots }

// Close stops the server and lets silent connections go.
func (s *SMTPServer) Close() {
	close(s.released)
	s.server.Close()
	s.ln.Close() // the server knows of it only once Serve has begun
	s.done.Wait()
}

// Fail has a step meet f, once; several are met in turn. Steps after STARTTLS
// or on an encrypted connection cannot be seen and do not fail.
func (s *SMTPServer) Fail(step string, f SMTPFailure) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.scripts[step] = append(s.scripts[step], f)
}

// Mails is what was taken, in order.
func (s *SMTPServer) Mails() []SMTPMail {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]SMTPMail(nil), s.mails...)
}

// Connections is how many were accepted.
func (s *SMTPServer) Connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.conns
}

func (s *SMTPServer) next(step string) (SMTPFailure, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := s.scripts[step]
	if len(q) == 0 {
		return SMTPFailure{}, false
	}
	s.scripts[step] = q[1:]
	return q[0], true
}

type smtpSession struct {
	server   *SMTPServer
	from, to string
	ok       bool
}

func (s *smtpSession) AuthMechanisms() []string {
	switch {
	case s.server.opts.User == "":
		return nil
	case s.server.opts.LoginOnly:
		return []string{sasl.Login}
	}
	return []string{sasl.Plain}
}

func (s *smtpSession) Auth(mech string) (sasl.Server, error) {
	check := func(user, password string) error {
		if user != s.server.opts.User || password != s.server.opts.Password {
			return smtp.ErrAuthFailed
		}
		s.ok = true
		return nil
	}
	if mech == sasl.Login {
		return &loginServer{check: check}, nil
	}
	return sasl.NewPlainServer(func(_, user, password string) error { return check(user, password) }), nil
}

// loginServer is AUTH LOGIN, of which go-sasl has the client's half only.
type loginServer struct {
	check func(user, password string) error
	step  int
	user  string
}

func (l *loginServer) Next(response []byte) (challenge []byte, done bool, err error) {
	if l.step == 0 && response != nil { // the user may come with the command
		l.step = 1
	}
	l.step++
	switch l.step {
	case 1:
		return []byte("Username:"), false, nil
	case 2:
		l.user = string(response)
		return []byte("Password:"), false, nil
	case 3:
		return nil, true, l.check(l.user, string(response))
	}
	return nil, false, errors.New("unexpected response")
}

func (s *smtpSession) Mail(from string, _ *smtp.MailOptions) error {
	if s.server.opts.User != "" && !s.ok {
		return smtp.ErrAuthRequired
	}
	s.from = from
	return nil
}

func (s *smtpSession) Rcpt(to string, _ *smtp.RcptOptions) error {
	if s.to != "" {
		return &smtp.SMTPError{Code: 452, EnhancedCode: smtp.EnhancedCode{4, 5, 3}, Message: "one recipient at a time"}
	}
	s.to = to
	return nil
}

func (s *smtpSession) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	s.server.mu.Lock()
	s.server.mails = append(s.server.mails, SMTPMail{From: s.from, To: s.to, Raw: raw})
	s.server.mu.Unlock()
	return nil
}

func (s *smtpSession) Reset()        { s.from, s.to = "", "" }
func (s *smtpSession) Logout() error { return nil }

type scriptedListener struct {
	net.Listener
	server *SMTPServer
}

func (l scriptedListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	l.server.mu.Lock()
	l.server.conns++
	l.server.mu.Unlock()
	return &scriptedConn{Conn: conn, server: l.server, greeting: true}, nil
}

// scriptedConn sees what the client says before the server does, and what the
// server says before the client does.
type scriptedConn struct {
	net.Conn
	server   *SMTPServer
	greeting bool
	inText   bool
	texted   []byte
	atDot    bool
}

func (c *scriptedConn) Read(p []byte) (int, error) {
	for {
		n, err := c.Conn.Read(p)
		if err != nil || n == 0 {
			return n, err
		}
		step := c.step(p[:n])
		if step == "" {
			return n, nil
		}
		f, ok := c.server.next(step)
		switch {
		case !ok:
			return n, nil
		case f.Reply != "":
			if _, err := c.Conn.Write([]byte(f.Reply + "\r\n")); err != nil {
				return 0, err
			}
		default:
			return 0, c.fall(f)
		}
	}
}

// step names what the client has just begun; "" for what has no name.
func (c *scriptedConn) step(in []byte) string {
	if c.inText {
		c.texted = append(c.texted, in...)
		if bytes.HasSuffix(c.texted, []byte("\r\n.\r\n")) {
			c.inText, c.atDot, c.texted = false, true, nil
			return ""
		}
		return Text
	}
	verb, _, _ := strings.Cut(strings.TrimSpace(string(in)), " ")
	return strings.ToUpper(verb)
}

// fall closes the connection, at once or when the server is closed.
func (c *scriptedConn) fall(f SMTPFailure) error {
	if f.Hang {
		<-c.server.released
	}
	c.Conn.Close()
	return io.EOF
}

func (c *scriptedConn) Write(p []byte) (int, error) {
	step := ""
	switch {
	case c.greeting:
		step, c.greeting = Connect, false
	case c.atDot:
		step, c.atDot = Dot, false
	}
	if bytes.HasPrefix(p, []byte("354")) {
		c.inText = true
	}
	if step == "" {
		return c.Conn.Write(p)
	}
	f, ok := c.server.next(step)
	switch {
	case !ok:
		return c.Conn.Write(p)
	case f.Reply != "":
		if step == Dot {
			c.server.forgetLast()
		}
		if _, err := c.Conn.Write([]byte(f.Reply + "\r\n")); err != nil {
			return 0, err
		}
		return len(p), nil
	}
	return 0, c.fall(f)
}

func (s *SMTPServer) forgetLast() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := len(s.mails); n > 0 {
		s.mails = s.mails[:n-1]
	}
}
