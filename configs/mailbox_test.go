package configs

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"steward"
)

const (
	imapURL      = "imaps://success%40example.com:open-sesame@mail.example.com/INBOX"
	eventsSecret = "Zm9vYmFyYmF6cXV1eDEyMzQ1Njc4OTA="
)

func loadEmail(block string, env map[string]string) (*Workspace, steward.Problems) {
	return loadWebhooks("email:\n  from: success@example.com\n  smtp_env: SMTP_URL\n"+block, env)
}

var mailEnv = map[string]string{"SMTP_URL": "smtp://u:p@mail.example.com", "IMAP_URL": imapURL, "EVENTS": eventsSecret, "BAD": "https://mail.example.com", "SHORT": "hunter2hunter2"}

func TestMailboxes(t *testing.T) {
	for block, want := range map[string]EmailConfig{
		"  mailbox: {imap_env: IMAP_URL}\n":                                           {Mailbox: Mailbox{Enabled: true, IMAP: steward.NewSecret(imapURL), Every: 2 * time.Minute, Replies: true}},
		"  mailbox: {imap_env: IMAP_URL, every: 30s, keep: seen, replies: csm}\n":     {Mailbox: Mailbox{Enabled: true, IMAP: steward.NewSecret(imapURL), Every: 30 * time.Second, Seen: true}},
		"  mailbox: {imap_env: IMAP_URL, keep: 'move:Steward/Done', replies: both}\n": {Mailbox: Mailbox{Enabled: true, IMAP: steward.NewSecret(imapURL), Every: 2 * time.Minute, MoveTo: "Steward/Done", Replies: true}},
		"  events: {secret_env: EVENTS}\n":                                            {Events: steward.NewSecret(eventsSecret)},
		"":                                                                            {},
	} {
		w, problems := loadEmail(block, mailEnv)
		if errs := problems.Errors(); len(errs) > 0 || len(w.Unset()) > 0 {
			t.Errorf("%s: %v %v", block, errs, w.Unset())
			continue
		}
		got := EmailConfig{Mailbox: w.Email.Mailbox, Events: w.Email.Events}
		if diff := cmp.Diff(want, got, cmpopts.EquateComparable(steward.Secret{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", block, diff)
		}
		if text := string(w.Text()); strings.Contains(text, "sesame") {
			t.Errorf("%s: a secret is shown in %s", block, text)
		}
	}
	w, problems := loadEmail("  mailbox: {imap_env: IMAP_URL}\n", map[string]string{"SMTP_URL": mailEnv["SMTP_URL"]})
	if errs := problems.Errors(); len(errs) > 0 || len(w.Unset()) != 1 || !w.Email.Mailbox.Enabled {
		t.Errorf("without the secret: %v %v", errs, w.Unset())
	}
}

func TestMailboxesThatCannotBe(t *testing.T) {
	for block, want := range map[string]string{
		"  mailbox: {every: 5m}\n":                          "no mailbox is named",
		"  mailbox: {imap_env: BAD}\n":                      "does not look like a imap",
		"  mailbox: {imap: '" + imapURL + "'}\n":            "does not belong into a file",
		"  mailbox: {imap_env: IMAP_URL, every: 1s}\n":      "every is not between 10s and 1h",
		"  mailbox: {imap_env: IMAP_URL, every: 1d}\n":      "every is not between 10s and 1h",
		"  mailbox: {imap_env: IMAP_URL, keep: delete}\n":   "keep cannot be delete",
		"  mailbox: {imap_env: IMAP_URL, keep: 'move: '}\n": "keep cannot be move",
		"  mailbox: {imap_env: IMAP_URL, replies: all}\n":   "replies cannot go to all",
		"  events: {}\n":                             "no secret is named",
		"  events: {secret_env: SHORT}\n":            "does not look like a secret",
		"  events: {secret: " + eventsSecret + "}\n": "does not belong into a file",
	} {
		_, problems := loadEmail(block, mailEnv)
		errs := problems.Errors()
		if len(errs) != 1 || !strings.Contains(errs[0].Message, want) {
			t.Errorf("%s: %v, want %q", block, errs, want)
			continue
		}
		if text := errs.Error() + errs[0].Snippet + errs[0].Hint; strings.Contains(text, "sesame") || strings.Contains(text, eventsSecret) || strings.Contains(text, "hunter2") {
			t.Errorf("%s: a secret is quoted in %s", block, text)
		}
	}
}
