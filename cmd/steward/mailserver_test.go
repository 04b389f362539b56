package main

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"steward"
	"steward/configs"
)

// The worker with a real mail server: Postfix takes its mail and writes the
// bounces, Dovecot serves the mailbox that they come to, and Python's email
// package and dkimpy say whether the mail is right. All three are Debian's, and
// none of them is ours.

// mailServer is a Postfix and a Dovecot of a test's own: their own
// configuration, queue and ports, below one folder.
type mailServer struct {
	*testing.T
	dir          string
	smtp, refuse int // ports; what goes to refuse is refused
	imap         int
}

// mailTools is what the test needs, by where it may be found.
var mailTools = map[string]string{"postfix": "/usr/lib/postfix/sbin/master", "dovecot": "/usr/sbin/dovecot", "python3-dkim": "/usr/lib/python3/dist-packages/dkim/__init__.py"}

func startMailServer(t *testing.T) *mailServer {
	t.Helper()
	lacks := ""
	for name, path := range mailTools {
		if _, err := os.Stat(path); err != nil {
			lacks = name + " is not installed; apt-get install postfix dovecot-imapd python3-dkim"
		}
	}
	if os.Getuid() != 0 {
		lacks = "a mail server changes users, and only root may"
	}
	if lacks != "" {
		if os.Getenv("STEWARD_REQUIRE_ALL") != "" {
			t.Fatal(lacks)
		}
		t.Skip(lacks)
	}
	dir, err := os.MkdirTemp("", "steward-mail-") // a socket's path must be short
	if err != nil {
		t.Fatal(err)
	}
	s := &mailServer{T: t, dir: dir}
	t.Cleanup(func() { os.RemoveAll(dir) })
	s.must(os.Chmod(dir, 0o755)) // its users have to get there
	s.smtp, s.refuse, s.imap = freePort(t), freePort(t), freePort(t)
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(s.logs())
		}
	})
	s.startPostfix()
	s.startDovecot()
	return s
}

func freePort(t *testing.T) int {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().(*net.TCPAddr).Port
}

func (s *mailServer) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

func (s *mailServer) write(name, text string) {
	s.Helper()
	path := filepath.Join(s.dir, name)
	s.must(os.MkdirAll(filepath.Dir(path), 0o755))
	s.must(os.WriteFile(path, []byte(text), 0o644))
}

// mailUser owns the mailboxes: Postfix refuses to deliver as root or as itself.
const mailUser = "nobody"

func ids(t *testing.T, name string) (uid, gid string) {
	t.Helper()
	u, err := user.Lookup(name)
	if err != nil {
		t.Fatal(err)
	}
	return u.Uid, u.Gid
}

func (s *mailServer) startPostfix() {
	uid, gid := ids(s.T, mailUser)
	s.write("postfix/main.cf", fmt.Sprintf(`compatibility_level = 3.6
queue_directory = %[1]s/spool
data_directory = %[1]s/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
maillog_file_prefixes = %[1]s
maillog_file = %[1]s/log
myhostname = mx.example.com
mydestination =
alias_maps =
alias_database =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
smtp_dns_support_level = disabled
smtpd_peername_lookup = no
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_reject_unlisted_recipient = no
virtual_mailbox_domains = example.com, acme.example, elder.example
virtual_mailbox_base = %[1]s/mail
virtual_mailbox_maps = inline:{success@example.com=success/, dana@example.com=dana/, ana@acme.example=ana/}
virtual_uid_maps = static:%[2]s
virtual_gid_maps = static:%[3]s
transport_maps = inline:{bright.example=smtp:[127.0.0.1]:%[4]d}
`, s.dir, uid, gid, s.refuse))
	master := fmt.Sprintf("127.0.0.1:%d inet n - n - - smtpd\n", s.smtp) +
		fmt.Sprintf("127.0.0.1:%d inet n - n - - smtpd\n  -o smtpd_recipient_restrictions=reject\n", s.refuse)
	for _, d := range []string{"cleanup", "bounce", "defer", "trace", "flush", "rewrite", "smtp", "relay", "error", "retry", "discard", "virtual", "anvil", "scache", "showq", "proxymap", "verify"} {
		program := map[string]string{"defer": "bounce", "trace": "bounce", "rewrite": "trivial-rewrite", "relay": "smtp", "retry": "error"}[d]
		if program == "" {
			program = d
		}
		private, privileged := "-", "-"
		if slices.Contains([]string{"cleanup", "flush", "showq"}, d) {
			private = "n"
		}
		if d == "virtual" { // it writes as whose mailbox it is
			privileged = "n"
		}
		limit := map[string]string{"anvil": "1", "scache": "1", "verify": "1", "cleanup": "0", "bounce": "0", "defer": "0", "trace": "0", "flush": "0"}[d]
		if limit == "" {
			limit = "-"
		}
		master += fmt.Sprintf("%s unix %s %s n - %s %s\n", d, private, privileged, limit, program)
	}
	master += "qmgr unix n - n 300 1 qmgr\npostlog unix-dgram n - n - 1 postlogd\n"
	s.write("postfix/master.cf", master)
	postfix, err := user.Lookup("postfix")
	s.must(err)
	for _, d := range []string{"", "active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming", "private", "saved", "trace"} {
		s.ownedBy(filepath.Join("spool", d), postfix.Uid, 0o700)
	}
	s.must(os.Chown(filepath.Join(s.dir, "spool"), 0, 0))
	s.must(os.Chmod(filepath.Join(s.dir, "spool"), 0o755))
	s.must(os.MkdirAll(filepath.Join(s.dir, "spool", "pid"), 0o755))
	s.ownedBy("spool/public", postfix.Uid, 0o710)
	s.ownedBy("spool/maildrop", postfix.Uid, 0o730)
	s.ownedBy("data", postfix.Uid, 0o700)
	for _, box := range []string{"success", "dana", "ana"} {
		s.ownedBy("mail/"+box, uid, 0o700)
	}
	s.ownedBy("mail", uid, 0o755)
	// In the foreground, so that it ends with the test.
	s.run(exec.Command("/usr/lib/postfix/sbin/master", "-d", "-c", filepath.Join(s.dir, "postfix")), "Postfix", s.smtp)
}

func (s *mailServer) ownedBy(name, uid string, mode os.FileMode) {
	s.Helper()
	path := filepath.Join(s.dir, name)
	s.must(os.MkdirAll(path, mode))
	s.must(os.Chmod(path, mode))
	var id int
	_, err := fmt.Sscan(uid, &id)
	s.must(errors.Join(err, os.Chown(path, id, -1)))
}

func (s *mailServer) startDovecot() {
	uid, gid := ids(s.T, mailUser)
	s.write("dovecot.conf", fmt.Sprintf(`base_dir = %[1]s/run
state_dir = %[1]s/run
log_path = %[1]s/dovecot.log
info_log_path = /dev/null
protocols = imap
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
first_valid_uid = 1
mail_location = maildir:%[1]s/mail/%%n
mail_home = %[1]s/mail/%%n
passdb {
  driver = static
  args = password=open-sesame-77
}
userdb {
  driver = static
  args = uid=%[2]s gid=%[3]s
}
service imap-login {
  chroot =
  inet_listener imap {
    port = %[4]d
  }
  inet_listener imaps {
    port = 0
  }
}
namespace inbox {
  inbox = yes
  mailbox Steward {
    auto = create
  }
}
`, s.dir, uid, gid, s.imap))
	s.run(exec.Command("/usr/sbin/dovecot", "-F", "-c", filepath.Join(s.dir, "dovecot.conf")), "Dovecot", s.imap)
}

// run starts a server in the foreground and waits for its port. It ends with the
// test, and what it started with it.
func (s *mailServer) run(c *exec.Cmd, name string, port int) {
	s.Helper()
	var said bytes.Buffer
	c.Stdout, c.Stderr = &said, &said
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	s.must(c.Start())
	ended := make(chan error, 1)
	go func() { ended <- c.Wait() }()
	s.Cleanup(func() {
		_ = c.Process.Signal(syscall.SIGTERM) // both end what they started
		select {
		case <-ended:
		case <-time.After(10 * time.Second):
			_ = syscall.Kill(-c.Process.Pid, syscall.SIGKILL)
			<-ended
		}
	})
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		select {
		case err := <-ended:
			ended <- err
			s.Fatalf("%s ended: %v\n%s\n%s", name, err, said.String(), s.logs())
		default:
		}
		if conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			conn.Close()
			return
		}
	}
	s.Fatalf("%s does not listen\n%s\n%s", name, said.String(), s.logs())
}

func (s *mailServer) logs() string {
	var out strings.Builder
	for _, f := range []string{"log", "dovecot.log"} {
		b, _ := os.ReadFile(filepath.Join(s.dir, f))
		out.Write(b)
	}
	return out.String()
}

// mails is the files of a Maildir.
func (s *mailServer) mails(box string) []string {
	s.Helper()
	var out []string
	for _, d := range []string{"new", "cur"} {
		found, err := filepath.Glob(filepath.Join(s.dir, "mail", box, d, "*"))
		s.must(err)
		out = append(out, found...)
	}
	return out
}

// python runs a script with Debian's Python, whose email and dkim packages are
// meant, and returns the JSON that it prints.
func (s *mailServer) python(script string, into any, args ...string) {
	s.Helper()
	c := exec.Command("/usr/bin/python3", append([]string{"-c", script}, args...)...)
	var errs bytes.Buffer
	c.Stderr = &errs
	out, err := c.Output()
	if err != nil {
		s.Fatalf("python: %v\n%s", err, errs.String())
	}
	if into != nil {
		if err := json.Unmarshal(out, into); err != nil {
			s.Fatalf("%v: %s", err, out)
		}
	}
}

// inspect says what a mail is, in the eyes of programs that are not ours.
const inspect = `
import sys, re, json, email, email.policy, dkim
raw = open(sys.argv[1], "rb").read()
m = email.message_from_bytes(raw, policy=email.policy.default)
def dns(name, timeout=5):
    assert name.rstrip(b".") == b"s1._domainkey.example.com", name
    return sys.argv[2].encode()
signed = m["DKIM-Signature"]
print(json.dumps({
    "defects": [repr(d) for p in m.walk() for d in p.defects] + [repr(d) for v in m.values() for d in getattr(v, "defects", ())],
    "dkim": dkim.verify(raw, dnsfunc=dns), "forged": dkim.verify(raw.replace(b"Hi Ana", b"Hi Eve"), dnsfunc=dns),
    "signed": sorted(h.strip().lower() for h in re.search(r"[;\s]h=([^;]*)", signed)[1].split(":")),
    "from": [str(a) for a in m["From"].addresses], "to": [str(a) for a in m["To"].addresses], "reply": [a.addr_spec for a in m["Reply-To"].addresses],
    "subject": m["Subject"], "id": m["Message-ID"], "parts": [p.get_content_type() for p in m.walk()],
    "unsubscribe": m["List-Unsubscribe"].strip(), "oneclick": m["List-Unsubscribe-Post"], "sender": m["Return-Path"],
    "plain": m.get_body(("plain",)).get_content(), "html": m.get_body(("html",)).get_content(),
}))
`

// answer has somebody reply to a mail as mail programs do, and a colleague of
// ours write into the same thread before.
const answer = `
import sys, email, email.policy, email.utils, smtplib
from email.message import EmailMessage
m = email.message_from_bytes(open(sys.argv[1], "rb").read(), policy=email.policy.default)
def reply(sender, to, text, id):
    r = EmailMessage()
    r["From"], r["To"], r["Subject"] = sender, ", ".join(to), "Re: " + m["Subject"]
    r["In-Reply-To"], r["References"] = m["Message-ID"], m["Message-ID"]
    r["Message-ID"], r["Date"] = id, email.utils.formatdate()
    r.set_content(text)
    with smtplib.SMTP("127.0.0.1", int(sys.argv[2])) as s:
        s.send_message(r)
reply("Dana Reyes <dana@example.com>", ["success@example.com"], "Let me take this over.", "<colleague@example.com>")
reply("Ana Ruiz <ana@acme.example>", [a.addr_spec for a in m["Reply-To"].addresses], "Yes please!\n\n> Hi Ana", "<answer@acme.example>")
`

// realMail is a playbook with one mail to each account, and a word to its owner
// once somebody replied.
const realMail = `playbook: help
kind: process
title: A hand
when: arr >= 20k
backfill: true
cooldown: 30d
max_new: 100%
steps:
  - {id: help, email: [champion], message: help, approve: owner}
  - {wait: 30d}
  - {id: thanks, if: replied, slack: owner, message: nudge}
`

func TestMailServer(t *testing.T) {
	s := startMailServer(t)
	o := newOutpost(t, "")
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	o.must(err)
	public, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	o.must(err)
	o.write("secrets/dkim.pem", string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})))
	o.write("secrets/smtp", fmt.Sprintf("smtp://127.0.0.1:%d", s.smtp))
	o.env["IMAP_URL"] = fmt.Sprintf("imap://success:open-sesame-77@127.0.0.1:%d/INBOX?starttls=off", s.imap)
	file, err := os.ReadFile(filepath.Join(o.dir, configs.FileName))
	o.must(err)
	o.write(configs.FileName, strings.Replace(string(file), "  smtp_file:", "  mailbox: {imap_env: IMAP_URL, keep: 'move:Steward'}\n  smtp_file:", 1))
	o.write("data/contacts.csv", "id,account,name,email,roles\nana,acme,Ana Ruiz,ana@acme.example,champion\neva,bright,Eva Brandt,eva@bright.example,champion\nfinn,elder,Finn Elder,finn@elder.example,champion\n")
	o.must(os.RemoveAll(filepath.Join(o.dir, "playbooks")))
	o.write("playbooks/help.yaml", realMail)
	o.mailPace = 100 * time.Millisecond
	o.command(exitFine, "send-test")
	o.start()

	o.wait("three mails wait for approval", func() bool { return len(o.awaiting()) == 3 })
	o.wait("their owners have been told", func() bool {
		return !slices.ContainsFunc(o.outreach(), func(v view) bool { return v.Kind == steward.Approval && !v.State.Settled() })
	})
	mail := map[steward.AccountID]steward.MessageID{}
	for _, v := range o.awaiting() {
		mail[v.Account] = v.ID
		o.command(exitFine, "approve", string(v.ID), "--by", "lee")
	}
	o.wait("Postfix takes all three", func() bool {
		for _, id := range mail {
			if o.message(id).State != steward.Sent {
				return false
			}
		}
		return len(s.mails("ana")) == 1
	})

	s.inspectMail(s.mails("ana")[0], mail["acme"], public)

	// The bounces that Postfix wrote: of a user that is not there, and of a relay
	// that would not have it.
	o.wait("Steward hears of both bounces", func() bool { return strings.Count(o.logs.String(), `"msg":"mail came back"`) >= 2 })
	listed, _ := o.command(exitFine, "suppress")
	if !strings.Contains(listed, "finn@elder.example") || !strings.Contains(listed, "takes no mail 5.1.1") || strings.Contains(listed, "eva@") {
		t.Errorf("who gets no mail:\n%s\n%s", listed, s.logs())
	}
	if text := o.logs.String(); !strings.Contains(text, `"kind":"soft_bounce","status":"5.7.1"`) || !strings.Contains(text, `"kind":"hard_bounce","status":"5.1.1"`) {
		t.Errorf("the bounces were understood as something else:\n%s\n%s", text, s.logs())
	}
	if tasks, _ := o.command(exitFine, "tasks"); !strings.Contains(tasks, "Find another address of Finn Elder") {
		t.Errorf("tasks:\n%s", tasks)
	}
	o.wait("the owner is told", func() bool { return strings.Contains(o.slackSaid(), "address takes no more mail") })

	// A reply, which goes to the CSM and to the mailbox, ends the wait.
	if len(of(o.outreach(), steward.Card, "acme")) != 0 {
		t.Fatal("a card went out before anybody replied")
	}
	s.python(answer, nil, s.mails("ana")[0], fmt.Sprint(s.smtp))
	o.wait("the reply ends the wait", func() bool { return len(of(o.outreach(), steward.Card, "acme")) == 1 })
	if len(s.mails("dana")) != 1 {
		t.Errorf("the CSM has %d mails, want the reply", len(s.mails("dana")))
	}
	if text := o.logs.String(); strings.Count(text, `"kind":"reply"`) != 1 || strings.Contains(text, "@acme.example") {
		t.Errorf("one reply is heard of, and no address is in the log:\n%s", text)
	}
	explained, _ := o.command(exitFine, "explain", "acme", "help")
	if !strings.Contains(explained, "replied") {
		t.Errorf("explain says nothing of it:\n%s", explained)
	}

	// Bounces were put away; what people wrote is still there, and unread.
	o.wait("the bounces are put away", func() bool { return len(s.mails("success/.Steward")) == 2 })
	for _, f := range s.mails("success") {
		if strings.HasSuffix(f, "S") {
			t.Errorf("%s was marked as read", filepath.Base(f))
		}
	}
	if n := len(s.mails("success")); n != 2 {
		t.Errorf("%d mails are left for people, want the colleague's and the reply", n)
	}
	_, metrics := o.get(o.private + "/metrics")
	for _, want := range []string{`steward_incoming_total{kind="reply"} 1`, `steward_incoming_total{kind="hard_bounce"} 1`, `steward_incoming_total{kind="soft_bounce"} 1`, "steward_mailbox_age_seconds"} {
		if !strings.Contains(metrics, want) {
			t.Errorf("metrics lack %s", want)
		}
	}
	o.stop()
}

// awaiting is the mails that wait for approval.
func (o *outpost) awaiting() []view {
	o.Helper()
	var out []view
	for _, v := range o.outreach() {
		if v.Kind == steward.Mail && v.State == steward.AwaitingApproval {
			out = append(out, v)
		}
	}
	return out
}

// slackSaid is all that Slack took, as text.
func (o *outpost) slackSaid() string {
	var out strings.Builder
	for _, p := range o.slack.Posts() {
		out.WriteString(p.Text + "\n")
		out.Write(p.Blocks)
	}
	return out.String()
}

// inspectMail holds a delivered mail against the standards, by the judgement of
// Python and dkimpy.
func (s *mailServer) inspectMail(path string, id steward.MessageID, public []byte) {
	s.Helper()
	var m struct {
		Defects                                                 []string
		DKIM, Forged                                            bool
		Signed, From, To, Reply, Parts                          []string
		Subject, ID, Unsubscribe, OneClick, Sender, Plain, HTML string
	}
	s.python(inspect, &m, path, "v=DKIM1; k=rsa; p="+base64.StdEncoding.EncodeToString(public))
	if len(m.Defects) > 0 {
		s.Errorf("defects: %v", m.Defects)
	}
	if !m.DKIM || m.Forged {
		s.Errorf("the signature verifies: %v; with another text: %v", m.DKIM, m.Forged)
	}
	for _, h := range []string{"from", "to", "subject", "list-unsubscribe", "list-unsubscribe-post", "message-id"} {
		if !strings.Contains(" "+strings.Join(m.Signed, " ")+" ", " "+h+" ") {
			s.Errorf("%s is not signed; signed are %v", h, m.Signed)
		}
	}
	for what, c := range map[string][2]string{
		"from":  {strings.Join(m.From, ";"), "Dana Reyes <success@example.com>"},
		"to":    {strings.Join(m.To, ";"), "Ana Ruiz <ana@acme.example>"},
		"reply": {strings.Join(m.Reply, ";"), "dana@example.com;success@example.com"},
		"id":    {m.ID, "<" + string(id) + "@example.com>"},
		"parts": {strings.Join(m.Parts, ";"), "multipart/alternative;text/plain;text/html"},
		"click": {m.OneClick, "List-Unsubscribe=One-Click"}, "sender": {m.Sender, "<success@example.com>"},
		"subject": {m.Subject, "Acme GmbH: can we help?"},
	} {
		if c[0] != c[1] {
			s.Errorf("%s: %q, want %q", what, c[0], c[1])
		}
	}
	if !strings.HasPrefix(m.Unsubscribe, "<https://steward.example.com/u/") || !strings.Contains(m.Plain, "Hi Ana,") || !strings.Contains(m.HTML, "Hi Ana,") || strings.Contains(m.Plain, "<p") {
		s.Errorf("%q\n%s\n%s", m.Unsubscribe, m.Plain, m.HTML)
	}
}
