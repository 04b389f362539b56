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

// deliver hands the mail over. Once the server has accepted it, it is sent,
// whatever happens while saying goodbye.
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
	cv.enter(stageDot)
	cv.deadline(5 * m.cfg.Timeout)
	if err := w.Close(); err != nil {
		return cv.failure(err)
	}
	cv.deadline(m.cfg.Timeout)
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
	cv.conn = conn
	// Closing, not a deadline: the next step would set the deadline anew.
	cv.stop = context.AfterFunc(ctx, func() { conn.Close() })
	if err := cv.begin(); err != nil {
		cv.close()
		return nil, err
	}
	return cv, nil
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
	if cv.stage == stageDot {
		return failed(steward.Unknowable, "connection_lost", "look in the server's log, or ask the recipient, before sending it again", cause)
	}
	var cert *tls.CertificateVerificationError
	if errors.As(err, &cert) {
		return failed(steward.Unreachable, "certificate", "the server's certificate is not valid for "+s.host+": check the host name and this machine's root certificates", cause)
	}
	if cv.stage == stageAuth && strings.Contains(err.Error(), "unencrypted connection") {
		return failed(steward.Unauthorised, "no_encryption", "the password is sent only over an encrypted connection: use smtps:// or ?starttls=require", cause)
	}
	return failed(steward.Unreachable, "network", "check the mail server's name and port, and the firewall", cause)
}

// answered sorts a reply of the server's. 4xx is always "not now"; what 5xx
// means depends on what was asked.
func (cv *conversation) answered(said *textproto.Error, cause error) *steward.DeliveryError {
	code := replyCode(said)
	switch {
	case said.Code < 400 || said.Code > 599: // an answer that fits nothing
		if cv.stage == stageDot {
			return failed(steward.Unknowable, code, "look in the server's log before sending it again", cause)
		}
		return failed(steward.Unreachable, code, "check that the port is a mail server's", cause)
	case said.Code < 500:
		return failed(steward.Unreachable, code, "the server asks to try again; Steward does", cause)
	case cv.stage == stageAuth, said.Code == 530, said.Code == 534, said.Code == 535, said.Code == 538:
		return failed(steward.Unauthorised, code, "check the user and password in the mail server's URL", cause)
	case cv.stage == stageFrom && said.Code != 552 && said.Code != 523: // too big, not the sender's fault
		return failed(steward.Unauthorised, code, "the server does not accept mail from this sender: check email.from and the server's senders", cause)
	case cv.stage == stageRcpt:
		return failed(steward.Refused, code, "the server does not take mail for this address: correct it in the CRM", cause)
	case cv.stage == stageData, cv.stage == stageDot, cv.stage == stageFrom:
		return failed(steward.Refused, code, "the server refused this mail; its words say why", cause)
	}
	return failed(steward.Unreachable, code, "the server does not talk to this machine; its words say why", cause)
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
