package notifytest

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http/httptest"
	"net/mail"
	"net/url"
	"strconv"
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
	// OldTLS speaks no TLS later than 1.1.
	OldTLS bool
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
	luck     luck
}

// An SMTPMail is a mail that the server took.
type SMTPMail struct {
	ID       string // the message's own: its Message-ID up to the @
	From, To string
	Raw      []byte
}

// An SMTPFailure is what a step of the conversation meets: a reply in the place
// of the server's ("451 4.7.1 try later"), a closed connection, or silence.
type SMTPFailure struct {
	Reply      string
	Drop, Hang bool
	// Untaken has Drop and Hang come, at Dot, before the mail is taken.
	Untaken bool
	// Slow is how long the server takes first; without a failure beside it, it
	// then goes on as it should.
	Slow time.Duration
	// Drip sends Reply a byte at a time, one every so long, and never its end.
	Drip time.Duration
	// Endless repeats Reply as lines of an answer that never ends; with Reply
	// empty, one line that never ends.
	Endless bool
}

// The steps at which an SMTPServer can be made to fail. Text is in the middle
// of the mail's text, before the final dot; Dot is after it, when the server is
// about to say that it took the mail. With a Reply, Dot refuses: the mail is not
// kept.
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
	s.server = smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		return &smtpSession{server: s, wire: wireOf(c.Conn())}, nil
	}))
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
		if opts.OldTLS {
			cfg.MinVersion, cfg.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
		}
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

// Trouble has conversations misbehave by chance from now on; the zero value
// ends it. It draws once when a client connects and once for each mail, when it
// names the recipient. What Fail has scripted comes first.
func (s *SMTPServer) Trouble(t Trouble) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.luck = luck{trouble: t}
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

// next is what a step meets: what was scripted, else what chance has for it.
// what is what chance goes by: the connection's number, or the recipient.
func (s *SMTPServer) next(step, what string) (SMTPFailure, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if q := s.scripts[step]; len(q) > 0 {
		s.scripts[step] = q[1:]
		return q[0], true
	}
	if step != Connect {
		return SMTPFailure{}, false
	}
	kinds := []SMTPFailure{{Reply: "421 4.3.2 too busy"}, {Drop: true}, {Slow: s.luck.slow()}}
	kind, unlucky := s.luck.draw(what, len(kinds)*4) // four times as many mails fail once they are begun
	if !unlucky || kind >= len(kinds) {
		return SMTPFailure{}, false
	}
	return kinds[kind], true
}

// fate is what chance has for a mail to a recipient, and at which step.
func (s *SMTPServer) fate(recipient string) (step string, f SMTPFailure, unlucky bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	slow := s.luck.slow()
	kinds := []struct {
		step string
		f    SMTPFailure
	}{
		{Rcpt, SMTPFailure{Reply: "450 4.2.0 greylisted, try later"}}, {Rcpt, SMTPFailure{Drop: true}},
		{Data, SMTPFailure{Reply: "451 4.3.0 try later"}}, {Data, SMTPFailure{Drop: true}},
		{Dot, SMTPFailure{Reply: "451 4.7.1 try later"}}, {Dot, SMTPFailure{Reply: "421 4.3.2 shutting down"}},
		{Dot, SMTPFailure{Drop: true, Untaken: true}}, {Dot, SMTPFailure{Drop: true}}, {Dot, SMTPFailure{Drop: true, Slow: slow}},
		{Dot, SMTPFailure{Slow: slow}}, {Quit, SMTPFailure{Reply: "421 4.3.2 shutting down"}}, {Quit, SMTPFailure{Drop: true}},
	}
	kind, unlucky := s.luck.draw("to "+recipient, len(kinds))
	if !unlucky {
		return "", f, false
	}
	return kinds[kind].step, kinds[kind].f, true
}

type smtpSession struct {
	server   *SMTPServer
	wire     *scriptedConn
	from, to string
	ok       bool
}

// wireOf finds the connection below its encryption.
func wireOf(conn net.Conn) *scriptedConn {
	for {
		switch c := conn.(type) {
		case *scriptedConn:
			return c
		case *tls.Conn:
			conn = c.NetConn()
		}
	}
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
	f, fails := s.wire.next(Dot)
	if fails {
		s.wire.dot = &f
		if refusal := f.Reply != "" && f.Drip == 0 && !f.Endless; refusal || f.Untaken {
			return nil
		}
	}
	s.server.mu.Lock()
	s.server.mails = append(s.server.mails, SMTPMail{ID: localPart(raw), From: s.from, To: s.to, Raw: raw})
	s.server.mu.Unlock()
	return nil
}

// localPart is a mail's Message-ID up to the @.
func localPart(raw []byte) string {
	m, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return ""
	}
	id, _, _ := strings.Cut(strings.Trim(m.Header.Get("Message-Id"), "<>"), "@")
	return id
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
	n := l.server.conns
	l.server.mu.Unlock()
	return &scriptedConn{Conn: conn, server: l.server, number: n, greeting: true}, nil
}

// scriptedConn sees what the client says before the server does, and what the
// server says before the client does. The server's goroutine for the connection
// is its only user.
type scriptedConn struct {
	net.Conn
	server   *SMTPServer
	number   int
	greeting bool
	inText   bool
	texted   []byte
	dot      *SMTPFailure // what the answer to the mail meets
	fated    string       // the step at which this mail is to fail by chance, and how
	fate     SMTPFailure
}

// next is what a step of this connection meets.
func (c *scriptedConn) next(step string) (SMTPFailure, bool) {
	if f, ok := c.server.next(step, "connection "+strconv.Itoa(c.number)); ok {
		return f, true
	}
	if c.fated == step {
		c.fated = ""
		return c.fate, true
	}
	return SMTPFailure{}, false
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
		f, ok := c.next(step)
		if !ok {
			return n, nil
		}
		if goOn, err := c.meet(f); err != nil {
			return 0, err
		} else if goOn {
			return n, nil
		}
	}
}

// step names what the client has just begun; "" for what has no name.
func (c *scriptedConn) step(in []byte) string {
	if c.inText {
		c.texted = append(c.texted, in...)
		if bytes.HasSuffix(c.texted, []byte("\r\n.\r\n")) {
			c.inText, c.texted = false, nil
			return ""
		}
		return Text
	}
	verb, rest, _ := strings.Cut(strings.TrimSpace(string(in)), " ")
	verb = strings.ToUpper(verb)
	if verb == Rcpt {
		if step, f, unlucky := c.server.fate(rest); unlucky {
			c.fated, c.fate = step, f
		}
	}
	return verb
}

func (c *scriptedConn) Write(p []byte) (int, error) {
	if bytes.HasPrefix(p, []byte("354")) {
		c.inText = true
	}
	var f SMTPFailure
	fails := false
	switch {
	case c.greeting:
		c.greeting = false
		f, fails = c.next(Connect)
	case c.dot != nil:
		f, fails, c.dot = *c.dot, true, nil
	}
	if fails {
		if goOn, err := c.meet(f); err != nil {
			return 0, err
		} else if !goOn {
			return len(p), nil
		}
	}
	return c.Conn.Write(p)
}

// meet has a failure happen. goOn tells that the server may now do what it was
// about to do.
func (c *scriptedConn) meet(f SMTPFailure) (goOn bool, err error) {
	if f.Slow > 0 {
		c.wait(f.Slow)
	}
	switch {
	case f.Hang:
		<-c.server.released
		return false, c.fall()
	case f.Drop:
		return false, c.fall()
	case f.Endless:
		return false, c.babble(f.Reply)
	case f.Drip > 0:
		return false, c.drip(f)
	case f.Reply != "":
		_, err = c.Conn.Write([]byte(f.Reply + "\r\n"))
		return false, err
	}
	return true, nil
}

// wait ends early when the server is closed, and tells whether it did.
func (c *scriptedConn) wait(d time.Duration) (closed bool) {
	select {
	case <-c.server.released:
		return true
	case <-time.After(d):
		return false
	}
}

func (c *scriptedConn) fall() error {
	c.Conn.Close()
	return io.EOF
}

// babble talks without end, until the client hangs up.
func (c *scriptedConn) babble(line string) error {
	chunk := bytes.Repeat([]byte("x"), 1<<12)
	if line != "" {
		chunk = bytes.Repeat([]byte(line+"\r\n"), 1<<6)
	}
	for {
		if _, err := c.Conn.Write(chunk); err != nil {
			return c.fall()
		}
	}
}

// drip says a reply a byte at a time, again and again, and never ends its line.
func (c *scriptedConn) drip(f SMTPFailure) error {
	for {
		for i := range len(f.Reply) {
			if c.wait(f.Drip) {
				return c.fall()
			}
			if _, err := c.Conn.Write([]byte{f.Reply[i]}); err != nil {
				return c.fall()
			}
		}
	}
}
