package notify

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/slack-go/slack"

	"steward"
)

// PreviewConfig is what a PreviewSender needs.
type PreviewConfig struct {
	// Dir is where the files go; it is made if need be.
	Dir string
	// Out shows each message as it is sent, as a box for a terminal; nil shows
	// none.
	Out io.Writer
	// Colour allows escape sequences on Out.
	Colour bool
	// Width is Out's columns; 72 if zero.
	Width int
	// Mail renders mail as it would be sent; nil for a plain example.com sender
	// without a signature. Its SMTP is not used, and a DKIM key that is not there
	// yet signs nothing.
	Mail *MailConfig
}

// A PreviewSender writes what would have gone over the wire to files instead:
//
//	DIR/2026-03-12/m-….slack.json   the call of chat.postMessage
//	DIR/2026-03-12/m-….eml          the mail, byte for byte
//	DIR/2026-03-12/m-….webhook.json the body of a call, without its signature
//	DIR/messages.jsonl              one line a message, in order of sending
//	DIR/index.html                  all of them as a person would see them
//
// The page is made anew by Flush. A message sent twice replaces itself. Several
// processes may preview into one folder: files are put in place whole, and the
// journal is appended to. It is safe for concurrent use.
type PreviewSender struct {
	cfg  PreviewConfig
	mail *MailSender

	mu    sync.Mutex
	dirty bool
}

// previewEntry is a journal line: enough to draw the page from.
type previewEntry struct {
	ID      steward.MessageID   `json:"id"`
	Day     string              `json:"day"`
	At      time.Time           `json:"at"`
	Kind    steward.MessageKind `json:"kind"`
	Channel steward.Channel     `json:"channel"`
	To      steward.Recipient   `json:"to"`
	Account steward.AccountID   `json:"account,omitempty"`
	File    string              `json:"file"`
	From    string              `json:"from,omitempty"` // of a mail, as its reader sees it
	Content steward.Content     `json:"content"`
	Face    steward.Face        `json:"face,omitzero"`
	Thread  string              `json:"thread,omitempty"`
	// Changed tells that it was drawn anew since it was sent.
	Changed bool `json:"changed,omitempty"`
}

const journalName = "messages.jsonl"

// NewPreviewSender makes the folder and checks that it can be written to.
func NewPreviewSender(cfg PreviewConfig) (*PreviewSender, error) {
	mailCfg := MailConfig{From: "success@example.com"}
	if cfg.Mail != nil {
		mailCfg = *cfg.Mail
		if mailCfg.DKIM.KeyPEM.IsZero() { // a preview works before the secrets are there
			mailCfg.DKIM = DKIM{}
		}
	}
	m, err := newMailRenderer(mailCfg)
	if err != nil {
		return nil, err
	}
	if cfg.Dir == "" {
		return nil, errors.New("the preview has no folder; name one")
	}
	// Previews hold what a CRM says of people: nobody else's to read.
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the preview folder: %w", err)
	}
	return &PreviewSender{cfg: cfg, mail: m}, nil
}

// String is the sender without the keys of the mail it renders.
func (p *PreviewSender) String() string { return "preview sender" }

// GoString is the same for %#v.
func (p *PreviewSender) GoString() string { return p.String() }

// Send writes the message's file and its line in the journal. The Ref is the
// file's path.
func (p *PreviewSender) Send(ctx context.Context, l steward.Letter) (steward.Receipt, error) {
	e, err := p.put(ctx, l, false)
	if err != nil {
		return steward.Receipt{}, err
	}
	p.show(terminalCard(l, p.cfg.Width, p.cfg.Colour))
	return steward.Receipt{
		Ref:    filepath.Join(p.cfg.Dir, filepath.FromSlash(e.File)),
		Detail: "previewed, not sent; meant for " + meantFor(l.Message) + " by " + channelWord(l.Message.Channel),
	}, nil
}

// Update writes the message's file anew, as Slack would show it from then on.
func (p *PreviewSender) Update(ctx context.Context, l steward.Letter, ref string) error {
	if l.Message.Channel != steward.Slack {
		return failed(steward.Refused, "cannot_be_changed", "nothing: what was sent stays as it was", fmt.Errorf("what was sent by %s cannot be changed", channelWord(l.Message.Channel)))
	}
	if files, err := p.files(l.Message); err == nil && len(files) == 0 {
		return failed(steward.Refused, "no_such_card", "nothing: the preview was cleared away", errors.New("change the preview: it is not there any more"))
	}
	if _, err := p.put(ctx, l, true); err != nil {
		return err
	}
	p.show(terminalChange(l, p.cfg.Width, p.cfg.Colour))
	return nil
}

// show prints what was written. That is beside the point of a preview that is on
// disk; a closed pipe fails no delivery.
func (p *PreviewSender) show(text string) {
	if p.cfg.Out != nil {
		_, _ = io.WriteString(p.cfg.Out, text)
	}
}

// put writes a message's file and its line in the journal.
func (p *PreviewSender) put(ctx context.Context, l steward.Letter, changed bool) (previewEntry, error) {
	if err := ctx.Err(); err != nil {
		return previewEntry{}, failed(steward.Unreachable, "stopped", "it is written at the next attempt", withhold("write the preview", err))
	}
	body, err := p.payload(l)
	if err != nil {
		return previewEntry{}, err
	}
	at := p.mail.date(l.Message)
	e := previewEntry{
		ID: l.Message.ID, Day: at.Format(time.DateOnly), At: at, Kind: l.Message.Kind, Channel: l.Message.Channel,
		To: l.Message.To, Account: l.Message.Account, Content: l.Content, Face: l.Face, Thread: l.Thread, Changed: changed,
	}
	e.File = e.Day + "/" + fileName(l.Message.ID) + previewSuffix(l.Message.Channel)
	if l.Message.Channel == steward.Email {
		e.From = headerText(l.Content.From, 80)
		if e.From == "" {
			e.From = p.mail.from.Address
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	earlier, err := p.files(l.Message)
	if err == nil {
		err = p.write(e, earlier, body)
	}
	if err != nil {
		return previewEntry{}, failed(steward.Unreachable, "write", "check the preview folder's space and rights", fmt.Errorf("write the preview: %w", err))
	}
	return e, nil
}

// Find looks whether the message's file is there already. The worker may have
// been stopped right after it was written.
func (p *PreviewSender) Find(_ context.Context, l steward.Letter) (steward.Receipt, bool, error) {
	files, err := p.files(l.Message)
	if err != nil {
		return steward.Receipt{}, false, failed(steward.Unreachable, "read", "check the preview folder's rights", err)
	}
	if len(files) == 0 {
		return steward.Receipt{}, false, nil
	}
	return steward.Receipt{Ref: filepath.Join(p.cfg.Dir, filepath.FromSlash(files[len(files)-1]))}, true, nil
}

// files is where a message stands, as paths below the folder: one file, or more
// when an attempt that failed half-way had another day.
func (p *PreviewSender) files(m steward.Message) (files []string, err error) {
	days, err := os.ReadDir(p.cfg.Dir)
	if err != nil {
		return nil, fmt.Errorf("look for the message's file: %w", err)
	}
	for _, day := range days {
		file := day.Name() + "/" + fileName(m.ID) + previewSuffix(m.Channel)
		if _, err := os.Stat(filepath.Join(p.cfg.Dir, filepath.FromSlash(file))); err == nil {
			files = append(files, file)
		}
	}
	return files, nil
}

func previewSuffix(c steward.Channel) string {
	switch c {
	case steward.Email:
		return ".eml"
	case steward.Webhook:
		return ".webhook.json"
	}
	return ".slack.json"
}

func (p *PreviewSender) write(e previewEntry, earlier []string, body []byte) error {
	path := filepath.Join(p.cfg.Dir, filepath.FromSlash(e.File))
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	if err := writeWhole(path, body); err != nil {
		return err
	}
	for _, old := range earlier {
		if old != e.File {
			_ = os.Remove(filepath.Join(p.cfg.Dir, filepath.FromSlash(old))) // one copy too many is no failure
		}
	}
	line, err := json.Marshal(e)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(filepath.Join(p.cfg.Dir, journalName), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(append(line, '\n'))
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	p.dirty = true
	return err
}

// payload is what would have been sent.
func (p *PreviewSender) payload(l steward.Letter) ([]byte, error) {
	switch l.Message.Channel {
	case steward.Slack:
		return slackPayload(l)
	case steward.Email:
		return p.mail.Compose(l)
	case steward.Webhook:
		return webhookPreview(l)
	}
	return nil, notConfigured(l.Message.Channel)
}

// slackPayload is the call of chat.postMessage as SlackSender makes it, as JSON
// and without the token. It is built from the same options.
func slackPayload(l steward.Letter) ([]byte, error) {
	to := l.Message.To.Slack
	if to == "" {
		to = l.Message.To.Key
	}
	blocks, fallback := SlackBlocks(l)
	values, err := applied(to, cardOptions(l.Message.ID, blocks, fallback))
	if err != nil {
		return nil, failed(steward.Refused, "could_not_compose", "please report this with `steward outreach` of the message", withhold("lay out the card", err))
	}
	out := map[string]any{"blocks": blocks} // which the library keeps beside the other arguments
	for k := range values {
		v := values.Get(k)
		switch k {
		case "token":
		case "metadata":
			out[k] = json.RawMessage(v)
		case "mrkdwn", "unfurl_links", "unfurl_media", "link_names":
			out[k] = v == "true"
		default:
			out[k] = v
		}
	}
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(out); err != nil {
		return nil, failed(steward.Refused, "could_not_compose", "please report this with `steward outreach` of the message", withhold("lay out the card", err))
	}
	return buf.Bytes(), nil
}

func applied(channel string, opts []slack.MsgOption) (url.Values, error) {
	_, values, err := slack.UnsafeApplyMsgOptions("", channel, "", opts...)
	if err != nil {
		return nil, err
	}
	return values, nil
}

// Flush makes the page anew if anything was sent since it was last made. It
// reads the journal rather than remember it, so that memory stays flat however
// long a worker previews and other processes' messages are shown too.
func (p *PreviewSender) Flush() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.dirty {
		return nil
	}
	entries, more, err := readJournal(filepath.Join(p.cfg.Dir, journalName), maxOnPage)
	if err != nil {
		return fmt.Errorf("read the preview's journal: %w", err)
	}
	var page bytes.Buffer
	if err := writePage(&page, entries, more); err != nil {
		return fmt.Errorf("draw the preview's page: %w", err)
	}
	if err := writeWhole(filepath.Join(p.cfg.Dir, "index.html"), page.Bytes()); err != nil {
		return fmt.Errorf("write the preview's page: %w", err)
	}
	p.dirty = false
	return nil
}

// maxOnPage is how many messages, the newest, the page shows; older ones keep
// their files.
const maxOnPage = 2000

// readJournal gives the newest messages, newest first, each once and as it was
// last sent; more is how many older ones there are. A line cut short by a crash
// is passed over.
func readJournal(path string, limit int) (entries []previewEntry, more int, err error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, 0, nil
	}
	if err != nil {
		return nil, 0, err
	}
	defer f.Close()
	var lines [][]byte
	r := bufio.NewReader(f)
	for {
		line, err := r.ReadBytes('\n')
		if len(bytes.TrimSpace(line)) > 0 {
			lines = append(lines, line)
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, 0, err
		}
	}
	seen := map[steward.MessageID]bool{}
	for i := len(lines) - 1; i >= 0; i-- {
		var e previewEntry
		if json.Unmarshal(lines[i], &e) != nil || seen[e.ID] {
			continue
		}
		seen[e.ID] = true
		if len(entries) == limit {
			more++
			continue
		}
		entries = append(entries, e)
	}
	return entries, more, nil
}

// writeWhole puts a file in place at once, so that a reader never sees half.
func writeWhole(path string, body []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".preview-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // gone already when all went well
	_, err = f.Write(body)
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// ownerOf is whom the page files a message under.
func (e previewEntry) ownerOf() string {
	for _, s := range []string{string(e.To.Owner), e.To.Slack, e.To.Key} {
		if s = oneLine(s); s != "" && !strings.HasPrefix(s, "role:") {
			return s
		}
	}
	return "customers"
}
