package notify

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/smtp"
	"net/textproto"
	"net/url"
	"os"
	"strings"
	"time"

	"steward"
)

// The conversation with the server is led here and not by go-mail's client,
// which does not tell at which command it failed: a connection that breaks
// before the final dot of DATA delivered nothing, one that breaks after it may
// have, and telling these two apart is what this file is for.

type smtpServer struct {
	host, port     string
	user, password string
	implicitTLS    bool   // smtps
	starttls       string // require, optional, off
	roots          *x509.CertPool
}

// parseSMTP reads the server's URL. Its errors never quote it.
func parseSMTP(secret steward.Secret) (smtpServer, error) {
	const form = "; write it as smtp://user:password@host:587"
	if secret.IsZero() {
		return smtpServer{}, errors.New("there is no mail server; set email.smtp_env in steward.yaml and that variable" + form)
	}
	u, err := url.Parse(secret.Reveal())
	if err != nil || u.Hostname() == "" || (u.Scheme != "smtp" && u.Scheme != "smtps") {
		return smtpServer{}, errors.New("the mail server's URL cannot be read (percent-encode special characters of the password)" + form)
	}
	s := smtpServer{host: u.Hostname(), port: u.Port(), implicitTLS: u.Scheme == "smtps", starttls: u.Query().Get("starttls")}
	s.user = u.User.Username()
	s.password, _ = u.User.Password()
	if s.port == "" {
		s.port = "587"
		if s.implicitTLS {
			s.port = "465"
		}
	}
	switch s.starttls {
	case "":
		s.starttls = "require"
		if isLoopback(s.host) {
			s.starttls = "optional"
		}
	case "require", "optional", "off":
	default:
		return smtpServer{}, errors.New("the mail server's starttls is none of require, optional and off")
	}
	return s, nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// smtpStage is how far a conversation came.
type smtpStage string

const (
	stageDial  smtpStage = "connect to the mail server"
	stageHello smtpStage = "greet the mail server"
	stageTLS   smtpStage = "start TLS with the mail server"
	stageAuth  smtpStage = "log in to the mail server"
	stageFrom  smtpStage = "name the sender"
	stageRcpt  smtpStage = "name the recipient"
	stageData  smtpStage = "send the mail's text"
	stageDot   smtpStage = "await the mail server's acceptance"
)

// conversation is one connection and what is needed to tell its failures.
type conversation struct {
	m     *MailSender
	ctx   context.Context
	conn  net.Conn
	c     *smtp.Client
	stage smtpStage
	stop  func() bool
}

// goodbye is how long the server may take over its answer to QUIT. The mail is
// accepted, and until that is written down a crash would make it uncertain.
const goodbye = 2 * time.Second

// deliver hands the mail over. Once the server has accepted it, it is sent,
// whatever happens while saying goodbye. A connection carries one mail, so there
// is no RSET, after which servers are known to hang up, and which would have to
// be told from a refusal.
func (m *MailSender) deliver(ctx context.Context, to string, raw []byte) error {
	cv, err := m.open(ctx)
	if err != nil {
		return err
	}
	defer cv.close()
	if err := cv.envelope(to); err != nil {
		return cv.failure(err)
	}
	cv.enter(stageData)
	w, err := cv.c.Data()
	if err != nil {
		return cv.failure(err)
	}
	if _, err := w.Write(raw); err != nil {
		return cv.failure(err)
	}
	if err := ctx.Err(); err != nil { // the last moment at which stopping is harmless
		return cv.failure(err)
	}
	cv.stage = stageDot
	cv.deadline(m.cfg.Within) // all that is left: giving up now leaves an outcome that nobody knows
	if err := w.Close(); err != nil {
		return cv.failure(err)
	}
	cv.deadline(min(m.cfg.Timeout, goodbye))
	_ = cv.c.Quit() // accepted already: what it says to this changes nothing
	return nil
}

// greet goes through everything that comes before a mail.
func (m *MailSender) greet(ctx context.Context) (how string, err error) {
	cv, err := m.open(ctx)
	if err != nil {
		return "", err
	}
	defer cv.close()
	how = "without encryption"
	if _, ok := cv.c.TLSConnectionState(); ok || m.server.implicitTLS {
		how = "encrypted"
	}
	if m.server.user != "" {
		how += ", password accepted"
	}
	_ = cv.c.Quit()
	return how, nil
}

// open dials, greets, encrypts and logs in.
func (m *MailSender) open(ctx context.Context) (*conversation, error) {
	cv := &conversation{m: m, ctx: ctx, stage: stageDial, stop: func() bool { return true }}
	d := net.Dialer{Timeout: m.cfg.Timeout}
	conn, err := d.DialContext(ctx, "tcp", net.JoinHostPort(m.server.host, m.server.port))
	if err != nil {
		return nil, cv.failure(err)
	}
	cv.conn = &boundedConn{Conn: conn, left: maxSMTPTalk}
	// Closing, not a deadline: the next step would set the deadline anew.
	cv.stop = context.AfterFunc(ctx, func() { conn.Close() })
	if err := cv.begin(); err != nil {
		cv.close()
		return nil, err
	}
	return cv, nil
}

// maxSMTPTalk bounds what is read in one conversation, in bytes; an ordinary one
// is a few thousand, certificates and all.
const maxSMTPTalk = 1 << 20

// boundedConn ends a server's talk that goes on for ever: neither a line nor an
// answer of many lines has a limit in net/smtp.
type boundedConn struct {
	net.Conn
	left int
}

var errTalksTooMuch = errors.New("the mail server's answer does not end")

func (c *boundedConn) Read(p []byte) (int, error) {
	if c.left <= 0 {
		return 0, errTalksTooMuch
	}
	n, err := c.Conn.Read(p[:min(len(p), c.left)])
	c.left -= n
	return n, err
}

func (cv *conversation) begin() error {
	s := cv.m.server
	wire := cv.conn
	if s.implicitTLS {
		cv.enter(stageTLS)
		tc := tls.Client(wire, cv.tlsConfig())
		if err := tc.HandshakeContext(cv.ctx); err != nil {
			return cv.failure(err)
		}
		wire = tc
	}
	cv.enter(stageHello)
	c, err := smtp.NewClient(wire, s.host)
	if err != nil {
		return cv.failure(err)
	}
	cv.c = c
	if err := c.Hello(cv.m.cfg.HelloName); err != nil {
		return cv.failure(err)
	}
	if err := cv.encrypt(); err != nil {
		return err
	}
	return cv.logIn()
}

func (cv *conversation) encrypt() error {
	s := cv.m.server
	if s.implicitTLS || s.starttls == "off" {
		return nil
	}
	cv.enter(stageTLS)
	offered, _ := cv.c.Extension("STARTTLS")
	switch {
	case offered:
		if err := cv.c.StartTLS(cv.tlsConfig()); err != nil {
			return cv.failure(err)
		}
	case s.starttls == "require":
		// No later attempt will go better, so the channel stops instead of using up
		// every message's attempts; and it must not go on in the clear, for this is
		// also what somebody in between would make it look like.
		return failed(steward.Unauthorised, "no_starttls", "use smtps:// or the port that offers STARTTLS (587); ?starttls=optional sends in the clear",
			errors.New("the mail server does not offer encryption"))
	}
	return nil
}

func (cv *conversation) tlsConfig() *tls.Config {
	return &tls.Config{ServerName: cv.m.server.host, RootCAs: cv.m.server.roots, MinVersion: tls.VersionTLS12}
}

func (cv *conversation) logIn() error {
	s := cv.m.server
	if s.user == "" {
		return nil
	}
	cv.enter(stageAuth)
	ok, mechanisms := cv.c.Extension("AUTH")
	if !ok {
		return failed(steward.Unauthorised, "no_auth", "take the user and password out of the URL, or use the port for logging in (587)",
			errors.New("the mail server asks for no password here"))
	}
	var auth smtp.Auth = smtp.PlainAuth("", s.user, s.password, s.host)
	offered := strings.Fields(strings.ToUpper(mechanisms))
	if !contains(offered, "PLAIN") && contains(offered, "LOGIN") {
		auth = &loginAuth{server: s}
	}
	if err := cv.c.Auth(auth); err != nil {
		return cv.failure(err)
	}
	return nil
}

func contains(list []string, s string) bool {
	for _, l := range list {
		if l == s {
			return true
		}
	}
	return false
}

// loginAuth is AUTH LOGIN, which some servers offer alone. net/smtp has PLAIN
// only; as there, the password never goes out in the clear but to this machine.
type loginAuth struct {
	server smtpServer
	asked  int
}

func (a *loginAuth) Start(info *smtp.ServerInfo) (string, []byte, error) {
	if !info.TLS && !isLoopback(a.server.host) {
		return "", nil, errors.New("unencrypted connection")
	}
	return "LOGIN", nil, nil
}

// Next answers by order and not by the question's words, which servers spell
// as they like.
func (a *loginAuth) Next(_ []byte, more bool) ([]byte, error) {
	if !more {
		return nil, nil
	}
	a.asked++
	switch a.asked {
	case 1:
		return []byte(a.server.user), nil
	case 2:
		return []byte(a.server.password), nil
	}
	return nil, errors.New("the server asks for more than a user and a password")
}

func (cv *conversation) envelope(to string) error {
	cv.enter(stageFrom)
	if err := cv.c.Mail(cv.m.from.Address); err != nil {
		return err
	}
	cv.enter(stageRcpt)
	if utf8, _ := cv.c.Extension("SMTPUTF8"); !utf8 && !isASCII(to) {
		return &textproto.Error{Code: 553, Msg: "5.6.7 the server takes no addresses beyond ASCII"}
	}
	return cv.c.Rcpt(to)
}

func isASCII(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r > '~' }) < 0
}

func (cv *conversation) enter(stage smtpStage) {
	cv.stage = stage
	cv.deadline(cv.m.cfg.Timeout)
}

func (cv *conversation) deadline(d time.Duration) {
	_ = cv.conn.SetDeadline(time.Now().Add(d)) // fails on a closed connection only, and then so does the next step
}

func (cv *conversation) close() {
	cv.stop()
	cv.conn.Close()
}

// failure sorts what went wrong by how far the conversation had come and what
// the server said, if it said anything.
func (cv *conversation) failure(err error) *steward.DeliveryError {
	if ctxErr := cv.ctx.Err(); ctxErr != nil {
		err = fmt.Errorf("%w (%s)", ctxErr, "stopped before the server answered")
	}
	s := cv.m.server
	cause := withhold(string(cv.stage), bare(err), s.password, s.user)
	var said *textproto.Error
	if errors.As(err, &said) {
		return cv.answered(said, cause)
	}
	code := "network"
	var garbled textproto.ProtocolError
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		code = "timeout"
	case errors.As(err, &garbled), errors.Is(err, errTalksTooMuch):
		code = "bad_answer"
	}
	var cert *tls.CertificateVerificationError
	switch {
	case cv.stage == stageDot:
		return failed(steward.Unknowable, code, "look in the server's log, or ask the recipient, before sending it again", cause)
	case errors.As(err, &cert):
		return failed(steward.Unauthorised, "certificate", "the server's certificate is not valid for "+s.host+": check the host name and this machine's root certificates", cause)
	case cv.stage == stageTLS && speaksNoTLS(err):
		return failed(steward.Unauthorised, "no_tls", "the server and this machine agree on no encryption: smtps:// is for port 465, smtp:// for port 587; TLS must be 1.2 or later", cause)
	case cv.stage == stageAuth && strings.Contains(err.Error(), "unencrypted connection"):
		return failed(steward.Unauthorised, "no_encryption", "the password is sent only over an encrypted connection: use smtps:// or ?starttls=require", cause)
	case code == "bad_answer":
		return failed(steward.Unreachable, code, "check that the port is a mail server's, and that smtps:// is used where it begins with TLS", cause)
	}
	return failed(steward.Unreachable, code, "check the mail server's name and port, and the firewall", cause)
}

// speaksNoTLS tells an answer that is not TLS, or a refusal in TLS's own words,
// from a connection that was lost.
func speaksNoTLS(err error) bool {
	var header tls.RecordHeaderError
	var op *net.OpError
	return errors.As(err, &header) || errors.As(err, &op) && (op.Op == "remote error" || op.Op == "local error")
}

// answered sorts a reply of the server's. 4xx is always "not now". Up to the
// sender's name every mail is asked for in the same words, so what is said there
// is said to all of them, and after a 5xx they wait for a person to mend it; what
// comes later is about this mail, unless its words are about us.
func (cv *conversation) answered(said *textproto.Error, cause error) *steward.DeliveryError {
	code := replyCode(said)
	switch {
	case said.Code < 400 || said.Code > 599: // an answer that fits nothing
		if cv.stage == stageDot {
			return failed(steward.Unknowable, code, "look in the server's log before sending it again", cause)
		}
		return failed(steward.Unreachable, code, "check that the port is a mail server's", cause)
	case said.Code < 500 && said.Code != 421 && cv.aboutThisMail():
		return failed(steward.NotNow, code, "the server asks to try again; Steward does", cause)
	case said.Code < 500: // 421 at any time: it is closing down
		return failed(steward.Unreachable, code, "the server asks to try again; Steward does", cause)
	case cv.stage == stageAuth, said.Code == 530, said.Code == 534, said.Code == 535, said.Code == 538:
		return failed(steward.Unauthorised, code, "check the user and password in the mail server's URL", cause)
	case cv.stage == stageFrom, cv.aboutUs(said):
		return failed(steward.Unauthorised, code, "the server does not accept mail from this sender: check email.from and the server's senders", cause)
	case !cv.aboutThisMail():
		return failed(steward.Unauthorised, code, "the server does not talk to this machine; its words say why", cause)
	case cv.stage == stageRcpt:
		return failed(steward.Refused, code, "the server does not take mail for this address: correct it in the CRM", cause)
	}
	return failed(steward.Refused, code, "the server refused this mail; its words say why", cause)
}

func (cv *conversation) aboutThisMail() bool {
	return cv.stage == stageRcpt || cv.stage == stageData || cv.stage == stageDot
}

// aboutUs tells refusals of the sender or of this machine that come only once
// the recipient or the text is there: Postfix puts off what it has against a
// client until RCPT, Exchange looks at From: after the text.
func (cv *conversation) aboutUs(said *textproto.Error) bool {
	_, enhanced, _ := strings.Cut(replyCode(said), " ")
	switch enhanced {
	case "5.1.7", "5.1.8", // the sender's address
		"5.4.5",                                 // the sender's quota for the day
		"5.2.252", "5.7.54", "5.7.60", "5.7.64": // Exchange: may not send as this sender, may not relay
		return true
	}
	if cv.stage != stageRcpt { // what is said of a text may quote anything
		return false
	}
	words := strings.ToLower(said.Msg)
	for _, w := range []string{"relay", "sender address rejected", "client host", "helo command rejected"} {
		if strings.Contains(words, w) {
			return true
		}
	}
	return false
}

// replyCode is the reply's number with the enhanced code, where there is one:
// "550 5.1.1".
func replyCode(said *textproto.Error) string {
	code := fmt.Sprint(said.Code)
	first, _, _ := strings.Cut(said.Msg, " ")
	if len(first) >= 5 && len(first) <= 11 && strings.Count(first, ".") == 2 && strings.Trim(first, "0123456789.") == "" {
		code += " " + first
	}
	return code
}
