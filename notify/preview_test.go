package notify

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rivo/uniseg"

	"steward"
	"steward/notify/notifytest"
)

func previewSetup(t testing.TB, change func(*PreviewConfig)) (*PreviewSender, string) {
	t.Helper()
	dir := t.TempDir()
	cfg := PreviewConfig{Dir: filepath.Join(dir, "preview"), Mail: &MailConfig{From: "success@example.com", PublicURL: "https://steward.example.com", Signing: steward.NewSecret("signing-key")}}
	if change != nil {
		change(&cfg)
	}
	p, err := NewPreviewSender(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return p, cfg.Dir
}

func readFile(t testing.TB, path ...string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// The file is what would have gone over the wire, taken from the wire itself.
func TestPreviewWritesTheRealPayload(t *testing.T) {
	p, dir := previewSetup(t, nil)
	s, server, _ := slackSetup(t)
	l := goodLetter()
	l.Message.To = steward.Recipient{Key: "#cs", Slack: "#cs"}
	if _, err := s.Send(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	receipt, err := p.Send(t.Context(), l)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "2026-03-12", "m-abcdefgh23456723.slack.json")
	if receipt.Ref != path {
		t.Errorf("ref %q, want %q", receipt.Ref, path)
	}
	var got map[string]any
	if err := json.Unmarshal([]byte(readFile(t, path)), &got); err != nil {
		t.Fatal(err)
	}
	post := server.Posts()[0]
	want := map[string]any{"channel": "#cs", "text": post.Text, "mrkdwn": false, "parse": "none", "link_names": false, "unfurl_links": false, "unfurl_media": false}
	var blocks, meta any
	if json.Unmarshal(post.Blocks, &blocks) != nil || json.Unmarshal(post.Metadata, &meta) != nil {
		t.Fatal("the server took something that is not JSON")
	}
	want["blocks"], want["metadata"] = blocks, meta
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("payload (-posted +previewed):\n%s", diff)
	}

	m, smtp := mailSetup(t, notifytest.SMTPOptions{}, "")
	m.cfg.PublicURL = "https://steward.example.com"
	m.from = p.mail.from
	if _, err := m.Send(t.Context(), goodMail()); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Send(t.Context(), goodMail()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(smtp.Mails()[0].Raw), readFile(t, dir, "2026-03-12", "m-abcdefgh23456723.eml")); diff != "" {
		t.Errorf("mail (-sent +previewed):\n%s", diff)
	}
}

var articlePattern = regexp.MustCompile(`<article class="(o\d+)" id="([^"]+)">`)

func TestPreviewPage(t *testing.T) {
	p, dir := previewSetup(t, nil)
	send := func(l steward.Letter, id steward.MessageID, day int) {
		t.Helper()
		l.Message.ID = id
		l.Message.Planned = time.Date(2026, 3, day, 6, 0, 0, 0, time.UTC)
		l.Message.Due = l.Message.Planned
		if _, err := p.Send(t.Context(), l); err != nil {
			t.Fatal(err)
		}
	}
	sam := goodLetter()
	sam.Message.To.Owner = "sam"
	send(goodLetter(), "m-1", 11)
	send(sam, "m-2", 11)
	send(goodMail(), "m-3", 12)
	changed := goodLetter()
	changed.Content.Title = "Sent a second time"
	send(changed, "m-1", 11)
	if err := p.Flush(); err != nil {
		t.Fatal(err)
	}
	page := readFile(t, dir, "index.html")
	var order []string
	for _, m := range articlePattern.FindAllStringSubmatch(page, -1) {
		order = append(order, m[2])
	}
	if diff := cmp.Diff([]string{"m-3", "m-1", "m-2"}, order); diff != "" {
		t.Errorf("messages, newest first and each once (-want +got):\n%s", diff)
	}
	for _, want := range []string{"Sent a second time", "3 messages", "<bdi>dana</bdi><span>1</span>", "<bdi>sam</bdi><span>1</span>", "<bdi>customers</bdi><span>1</span>",
		`href="2026-03-12/m-3.eml"`, "<dt>From</dt><dd>Dana Reyes</dd>", "<strong>Rollout</strong>", "Content-Security-Policy"} {
		if !strings.Contains(page, want) {
			t.Errorf("no %q on the page", want)
		}
	}
	if strings.Contains(page, "<script") || strings.Contains(page, "/u/m-3") {
		t.Error("a script, or a link that would unsubscribe a customer, is on the page")
	}
	for _, m := range regexp.MustCompile(`href="(2026[^"]+)"`).FindAllStringSubmatch(page, -1) {
		readFile(t, dir, m[1])
	}

	// Another process, and a line that a crash cut short.
	f, err := os.OpenFile(filepath.Join(dir, journalName), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintln(f, `{"id":"m-cut","day":"20`)
	f.Close()
	other, err := NewPreviewSender(PreviewConfig{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Flush(); err != nil { // nothing sent: nothing to do
		t.Fatal(err)
	}
	if readFile(t, dir, "index.html") != page {
		t.Error("a flush after nothing changed the page")
	}
	l := goodLetter()
	l.Message.ID = "m-4"
	if _, err := other.Send(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	if err := other.Flush(); err != nil {
		t.Fatal(err)
	}
	if got := len(articlePattern.FindAllString(readFile(t, dir, "index.html"), -1)); got != 4 {
		t.Errorf("%d messages after another process's, want 4", got)
	}
}

// A message that is sent again, on the same day or another, stands once; and it
// can be looked for.
func TestPreviewOfAMessageSentTwice(t *testing.T) {
	for _, l := range []steward.Letter{goodLetter(), goodMail()} {
		t.Run(string(l.Message.Channel), func(t *testing.T) {
			p, dir := previewSetup(t, nil)
			if _, found, err := p.Find(t.Context(), l); found || err != nil {
				t.Fatalf("Find before = %v, %v", found, err)
			}
			other := l
			other.Message.ID = "m-other"
			if _, err := p.Send(t.Context(), other); err != nil {
				t.Fatal(err)
			}
			for _, due := range []time.Time{l.Message.Due, l.Message.Due, l.Message.Due.AddDate(0, 0, 3)} {
				again := l
				again.Message.Due, again.Content.Title = due, "Sent on "+due.Format(time.DateOnly)
				r, err := p.Send(t.Context(), again)
				if err != nil {
					t.Fatal(err)
				}
				found, ok, err := p.Find(t.Context(), l)
				if err != nil || !ok || found.Ref != r.Ref {
					t.Errorf("Find = %+v, %v, %v; want %s", found, ok, err, r.Ref)
				}
				if got := filesIn(t, dir, "m-abcdefgh23456723.*"); len(got) != 1 || !strings.Contains(got[0], due.Format(time.DateOnly)) {
					t.Errorf("%d files, want the last alone", len(got))
				}
			}
			if got := filesIn(t, dir, "m-other.*"); len(got) != 1 {
				t.Errorf("%d files of another message", len(got))
			}
		})
	}
}

func TestPreviewPageShowsDataAsText(t *testing.T) {
	p, dir := previewSetup(t, nil)
	n := 0
	for _, name := range hostileNames {
		for _, channel := range []steward.Channel{steward.Slack, steward.Email} {
			l := letterOf(channel, name)
			n++
			l.Message.ID = steward.MessageID(fmt.Sprintf("m-%d", n))
			l.Message.To.Owner, l.Message.Account = steward.OwnerID(name), steward.AccountID(name)
			if _, err := p.Send(t.Context(), l); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := p.Flush(); err != nil {
		t.Fatal(err)
	}
	page := readFile(t, dir, "index.html")
	for _, bad := range []string{"<script", "<img", "onerror=alert(1)>", "<!channel", "javascript:", "\x1b", "\u202e", `href="https://evil`, "</style>--"} {
		if strings.Contains(page, bad) {
			t.Errorf("%q is on the page", bad)
		}
	}
	if strings.Count(page, "</style>") != 1 || strings.Count(page, "</html>") != 1 {
		t.Error("a name ended the style or the page")
	}
	// The page's body but for its scaffolding holds only tags we know.
	for _, tag := range regexp.MustCompile(`<[a-zA-Z/!][^>]*>`).FindAllString(page, -1) {
		name := strings.FieldsFunc(tag, func(r rune) bool { return strings.ContainsRune("</> !", r) })[0]
		if !strings.Contains(" doctype html head meta title style body a header h1 small nav span main section h2 article div h3 h4 p b i bdi ul ol li strong em code pre br hr dl dt dd table tr td blockquote ", " "+name+" ") {
			t.Errorf("a tag that was never meant: %.80s", tag)
		}
	}
}

func TestPreviewNamesNoPathButItsOwn(t *testing.T) {
	p, dir := previewSetup(t, nil)
	for i, id := range []steward.MessageID{"../../escape", "/etc/x", "a\x00b", "", steward.MessageID(strings.Repeat("m", 5000))} {
		l := goodLetter()
		l.Message.ID = id
		receipt, err := p.Send(t.Context(), l)
		if err != nil {
			t.Fatalf("%d: %v", i, err)
		}
		if rel, err := filepath.Rel(dir, receipt.Ref); err != nil || strings.HasPrefix(rel, "..") {
			t.Errorf("%q went to %s", id, receipt.Ref)
		}
	}
}

func TestPreviewThatCannotWrite(t *testing.T) {
	p, dir := previewSetup(t, nil)
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dir, nil, 0o600); err != nil { // a file where the folder was
		t.Fatal(err)
	}
	_, err := p.Send(t.Context(), goodLetter())
	wantFailure(t, err, steward.Unreachable, "write")
	if _, err := NewPreviewSender(PreviewConfig{Dir: filepath.Join(dir, "x")}); err == nil {
		t.Error("a preview into a file was made")
	}
	if _, err := NewPreviewSender(PreviewConfig{}); err == nil {
		t.Error("a preview into nowhere was made")
	}
}

// A workspace is previewed before anybody has made its secrets.
func TestPreviewNeedsNoSecrets(t *testing.T) {
	p, _ := previewSetup(t, func(c *PreviewConfig) {
		c.Mail = &MailConfig{From: "success@example.com", DKIM: DKIM{Domain: "example.com", Selector: "steward"}}
	})
	if _, err := p.Send(t.Context(), goodMail()); err != nil {
		t.Error(err)
	}
}

func TestTerminalCard(t *testing.T) {
	want := `╭─ Slack → Dana Reyes ───────────────────────────────────────╮
│ 🟠 Acme GmbH — Logins are dropping                         │
│ ARR 48k € · Renews 12 May, in 61 days · Owner Dana Reyes   │
│                                                            │
│ • Logins fell 64 % in 14 days: 42 → 15 a day               │
│ • Last call: 9 March, by Dana                              │
│                                                            │
│ Acme GmbH logs in a third as often as two weeks ago.       │
│ 1. Call Ines Ott (champion).                               │
│ 2. Ask whether the rollout                                 │
│ (https://crm.example.com/acme/rollout) is done.            │
│                                                            │
│ From the playbook login-drop. Take it on with: steward ack │
│ acme                                                       │
╰────────────────────────────────────────────────────────────╯
`
	var out bytes.Buffer
	p, _ := previewSetup(t, func(c *PreviewConfig) { c.Out, c.Width = &out, 62 })
	if _, err := p.Send(t.Context(), goodLetter()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if coloured := terminalCard(goodLetter(), 62, true); strings.NewReplacer(boldOn, "", dimOn, "", reset, "").Replace(coloured) != want {
		t.Errorf("colour moves text:\n%s", coloured)
	}
}

func TestTerminalCardsAreStraight(t *testing.T) {
	for _, name := range hostileNames {
		for _, width := range []int{0, 1, 40, 200} {
			card := terminalCard(letterOf(steward.Slack, name), width, false)
			if strings.ContainsAny(card, "\x00\x07\x1b\r\u202e") {
				t.Errorf("%.30q: control characters", name)
			}
			lines := strings.Split(strings.TrimSuffix(card, "\n"), "\n")
			for _, l := range lines {
				if got, want := uniseg.StringWidth(l), uniseg.StringWidth(lines[0]); got != want {
					t.Errorf("%.30q at %d: a line %d columns wide among ones of %d: %q", name, width, got, want, l)
					break
				}
			}
		}
	}
}

// 2,000 messages are what the page shows; drawing it must stay a matter of a
// moment.
func BenchmarkFlush2000(b *testing.B) {
	p, _ := previewSetup(b, nil)
	for i := range 2000 {
		l := goodLetter()
		if i%4 == 0 {
			l = goodMail()
		}
		l.Message.ID = steward.MessageID(fmt.Sprintf("m-%d", i))
		l.Message.To.Owner = steward.OwnerID(fmt.Sprintf("owner-%d", i%25))
		if _, err := p.Send(b.Context(), l); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		p.dirty = true
		if err := p.Flush(); err != nil {
			b.Fatal(err)
		}
	}
}
