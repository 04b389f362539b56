package configs

import (
	"strings"
	"time"

	"steward"
	"steward/configs/strictyaml"
)

// Mailbox is where replies and bounces come to; without an IMAP address none is
// read.
type Mailbox struct {
	// Enabled tells whether the file has the block at all; the address may still
	// be unset in this environment.
	Enabled bool
	// IMAP is imaps://user:password@host/INBOX.
	IMAP steward.Secret
	// Every is how often it is read.
	Every time.Duration
	// Seen marks what was understood as read; MoveTo moves it to a folder.
	Seen   bool
	MoveTo string
	// Replies tells that replies come to it beside the CSM.
	Replies bool
}

// mailboxKeys are email's keys for what comes back.
type mailboxKeys struct {
	Mailbox *mailboxBlock `yaml:"mailbox" doc:"The mailbox of the sender's address, from which replies, bounces and out-of-office notices are read."`
	Events  *eventsBlock  `yaml:"events" doc:"Takes bounces and complaints that a mail service tells of, at /mail/events of the public listener."`
}

type mailboxBlock struct {
	Pos      strictyaml.Pos       `yaml:",pos"`
	IMAP     strictyaml.Scalar    `yaml:"imap" doc:"Refused: name a variable or a file, as this file is kept in git."`
	IMAPEnv  strictyaml.Scalar    `yaml:"imap_env" doc:"The variable that holds the mailbox's address, imaps://user:password@host/INBOX."`
	IMAPFile strictyaml.Scalar    `yaml:"imap_file" doc:"The file that holds the mailbox's address."`
	Every    *strictyaml.Duration `yaml:"every" doc:"How often it is read, from 10s to 1h. Default 2m."`
	Keep     strictyaml.Scalar    `yaml:"keep" doc:"What becomes of bounces and notices that were understood: seen marks them as read, move:FOLDER moves them. Default, nothing. Replies stay as they are." pattern:"^(seen|move:.+)$" want:"write seen or move:FOLDER" examples:"seen;move:Steward"`
	Replies  strictyaml.Scalar    `yaml:"replies" doc:"Where readers' replies go: both, to the CSM and to this mailbox, or csm, to the CSM alone, and then only the CRM can tell of them. Default both." enum:"both|csm"`
}

type eventsBlock struct {
	Pos        strictyaml.Pos    `yaml:",pos"`
	Secret     strictyaml.Scalar `yaml:"secret" doc:"Refused: name a variable or a file, as this file is kept in git."`
	SecretEnv  strictyaml.Scalar `yaml:"secret_env" doc:"The variable that holds the secret that events are signed with, of 24 characters or more."`
	SecretFile strictyaml.Scalar `yaml:"secret_file" doc:"The file that holds the secret that events are signed with."`
}

const (
	defaultMailboxEvery = 2 * time.Minute
	leastMailboxEvery   = 10 * time.Second
	mostMailboxEvery    = time.Hour
	leastEventsSecret   = 24
)

// mailbox reads where mail comes back to.
func (l *loader) mailbox(k mailboxKeys) {
	e := &l.w.Email
	if b := k.Events; b != nil {
		r := secretRef{name: "secret", inline: b.Secret, env: b.SecretEnv, file: b.SecretFile, shape: eventsSecretShape,
			want: "24 characters or more, as this makes one: openssl rand -base64 32"}
		if !r.given() {
			l.problems = append(l.problems, b.Pos.Problem(FileName, "events", 1, "no secret is named, so anybody could stop anybody's mail", "add secret_env: MAIL_EVENTS_SECRET", l.src))
		}
		e.Events = l.secret(r)
	}
	b := k.Mailbox
	if b == nil {
		return
	}
	r := secretRef{name: "imap", inline: b.IMAP, env: b.IMAPEnv, file: b.IMAPFile, shape: urlShape("imap", "imaps"), want: "imaps://user:password@mail.example.com/INBOX"}
	if !r.given() {
		l.problems = append(l.problems, b.Pos.Problem(FileName, "mailbox", 1, "no mailbox is named", "add imap_env: IMAP_URL", l.src))
	}
	e.Mailbox = Mailbox{Enabled: true, IMAP: l.secret(r), Every: defaultMailboxEvery, Replies: b.Replies.Value != "csm"}
	if b.Every != nil {
		if e.Mailbox.Every = b.Every.Std(); e.Mailbox.Every < leastMailboxEvery || e.Mailbox.Every > mostMailboxEvery {
			l.problems = append(l.problems, b.Pos.Problem(FileName, "mailbox", 1, "every is not between 10s and 1h", "write it as 2m: people wait for no answer of this", l.src))
		}
	}
	switch folder, move := strings.CutPrefix(b.Keep.Value, "move:"); {
	case b.Keep.Value == "":
	case b.Keep.Value == "seen":
		e.Mailbox.Seen = true
	case move && strings.TrimSpace(folder) != "":
		e.Mailbox.MoveTo = strings.TrimSpace(folder)
	default:
		l.wrong(b.Keep, "keep cannot be "+b.Keep.Value, "write seen, or move:FOLDER with a folder that is there, or leave it out to change nothing")
	}
	if v := b.Replies; v.Value != "" && v.Value != "both" && v.Value != "csm" {
		l.wrong(v, "replies cannot go to "+v.Value, "write both or csm")
	}
}

func eventsSecretShape(s string) bool {
	return len(s) >= leastEventsSecret && !strings.ContainsAny(s, " \t\r\n")
}
