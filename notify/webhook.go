package notify

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"strconv"
	"strings"
	"time"

	"steward"
)

const (
	// webhookTimeout is for a call where its webhook does not say.
	webhookTimeout = 10 * time.Second
	// maxWebhookAnswer is what is read of an answer's body, in bytes: only so that
	// the connection can be used again. What counts is the status.
	maxWebhookAnswer = 16 << 10
	// What a call holds at most, in runes and in sentences: what a CRM has in the
	// place of a name may be a whole document, and many receivers take no megabyte.
	maxCallName, maxCallSentence, maxCallEvidence = 500, 500, 50
	// webhookSecret begins a signing secret; what follows is base64.
	webhookSecret = "whsec_"
)

// A Webhook is one system that may be told things.
type Webhook struct {
	Name, URL string
	// Secret signs what is sent: whsec_ and 24 to 64 bytes in base64.
	Secret steward.Secret
	// Timeout is for one call; 10 seconds if zero, 90 at most.
	Timeout time.Duration
}

// WebhookConfig is what a WebhookSender needs.
type WebhookConfig struct {
	Webhooks []Webhook
	// Now is the clock that calls are stamped by; nil for time.Now.
	Now func() time.Time
}

// A WebhookSender tells other systems what a playbook found, as HTTP requests
// signed in the way of standardwebhooks.com. The receiver knows a message that
// comes twice by its webhook-id. It is safe for concurrent use.
type WebhookSender struct {
	hooks  map[string]Webhook
	keys   map[string][]byte
	client *http.Client
	now    func() time.Time
}

// NewWebhookSender checks the secrets; it makes no call.
func NewWebhookSender(cfg WebhookConfig) (*WebhookSender, error) {
	s := &WebhookSender{hooks: map[string]Webhook{}, keys: map[string][]byte{}, now: cfg.Now}
	if s.now == nil {
		s.now = time.Now
	}
	for _, h := range cfg.Webhooks {
		key, err := webhookKey(h.Secret)
		if err != nil {
			return nil, fmt.Errorf("webhook %s: %w", h.Name, err)
		}
		if h.Timeout <= 0 {
			h.Timeout = webhookTimeout
		}
		h.Timeout = min(h.Timeout, sendWithin)
		s.hooks[h.Name], s.keys[h.Name] = h, key
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxResponseHeaderBytes = 64 << 10
	s.client = &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return s, nil
}

func webhookKey(secret steward.Secret) ([]byte, error) {
	coded, ok := strings.CutPrefix(secret.Reveal(), webhookSecret)
	key, err := base64.StdEncoding.DecodeString(coded)
	if !ok || err != nil || len(key) < 24 || len(key) > 64 {
		return nil, errors.New("its secret is not " + webhookSecret + " and 24 to 64 bytes in base64; make one with: echo " + webhookSecret + "$(openssl rand -base64 32)")
	}
	return key, nil
}

// String is the sender without its keys.
func (s *WebhookSender) String() string { return "webhook sender" }

// GoString is the same for %#v.
func (s *WebhookSender) GoString() string { return s.String() }

// Send makes one call. The Ref is the webhook's name and the status it answered
// with.
func (s *WebhookSender) Send(ctx context.Context, l steward.Letter) (steward.Receipt, error) {
	hook, ok := s.hooks[l.Message.To.Webhook]
	if !ok {
		return steward.Receipt{}, failed(steward.Unauthorised, "not_configured", fmt.Sprintf("put webhooks.%s back into steward.yaml, or end the enrolment", oneLine(l.Message.To.Webhook)),
			errors.New("there is no webhook of that name"))
	}
	body, err := webhookBody(l)
	if err != nil {
		return steward.Receipt{}, failed(steward.Refused, "could_not_compose", "please report this with `steward outreach` of the message", withhold("write the call", err))
	}
	ctx, cancel := context.WithTimeout(ctx, hook.Timeout)
	defer cancel()
	var wire wireTrace
	req, err := http.NewRequestWithContext(httptrace.WithClientTrace(ctx, wire.hooks()), http.MethodPost, hook.URL, bytes.NewReader(body))
	if err != nil {
		return steward.Receipt{}, failed(steward.Unauthorised, "bad_address", "mend its url in steward.yaml", withhold("call "+hook.Name, bare(err)))
	}
	s.sign(req, hook.Name, l.Message.ID, body)
	resp, err := s.client.Do(req)
	if err != nil {
		return steward.Receipt{}, webhookLost(hook, err, wire.mayHaveArrived())
	}
	defer resp.Body.Close()
	_, _ = io.CopyN(io.Discard, resp.Body, maxWebhookAnswer) // it has answered, whatever becomes of the rest
	return s.answered(hook, resp)
}

// sign sets what standard-webhooks asks for: an id that stays the same however
// often the message is sent, the moment of this call, and a MAC over both and
// the body.
func (s *WebhookSender) sign(req *http.Request, name string, id steward.MessageID, body []byte) {
	at := strconv.FormatInt(s.now().Unix(), 10)
	mac := hmac.New(sha256.New, s.keys[name])
	fmt.Fprintf(mac, "%s.%s.", id, at)
	mac.Write(body)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "Steward")
	req.Header.Set("Webhook-Id", string(id))
	req.Header.Set("Webhook-Timestamp", at)
	req.Header.Set("Webhook-Signature", "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
}

// Find says that it is safe to call again: no receiver can be asked what it
// has, but each knows a message it has by its webhook-id.
func (s *WebhookSender) Find(context.Context, steward.Letter) (steward.Receipt, bool, error) {
	return steward.Receipt{}, false, nil
}

// webhookLost sorts a call that brought no answer.
func webhookLost(hook Webhook, err error, mayHaveArrived bool) *steward.DeliveryError {
	kind := steward.Unreachable
	if mayHaveArrived {
		kind = steward.Unknowable
	}
	cause := withhold("call "+hook.Name, bare(err), hook.Secret.Reveal())
	var cert *tls.CertificateVerificationError
	switch {
	case errors.As(err, &cert):
		return failed(steward.Unauthorised, "certificate", "its certificate is not valid for the host in its url, or this machine does not know who signed it", cause)
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return failed(kind, "timeout", fmt.Sprintf("it did not answer within %s; have it answer first and work afterwards", hook.Timeout), cause)
	}
	return failed(kind, "network", "check that its host can be reached from here (DNS, proxy, firewall), and that it answers in HTTP", cause)
}

// answered sorts an answer by its status.
func (s *WebhookSender) answered(hook Webhook, resp *http.Response) (steward.Receipt, error) {
	word := "http " + strconv.Itoa(resp.StatusCode)
	cause := fmt.Errorf("call %s: it answered %d", hook.Name, resp.StatusCode)
	var d *steward.DeliveryError
	switch code := resp.StatusCode; {
	case code >= 200 && code < 300:
		return steward.Receipt{Ref: hook.Name + " " + word}, nil
	case code >= 300 && code < 400:
		d = failed(steward.Unauthorised, word, "redirects are not followed: write the address it leads to as its url in steward.yaml", cause)
	case code == http.StatusUnauthorized, code == http.StatusForbidden:
		d = failed(steward.Unauthorised, word, "it does not accept the signature or the caller: check that both sides have the same secret, and both clocks", cause)
	case code == http.StatusTooManyRequests:
		d = failed(steward.Throttled, word, "it asks to wait; it is tried again by itself", cause)
		d.RetryAfter = s.patience(resp.Header.Get("Retry-After"))
	case code == http.StatusRequestTimeout, code == http.StatusTooEarly:
		d = failed(steward.NotNow, word, "it asks to try again; Steward does", cause)
	case code == http.StatusGone:
		d = failed(steward.Refused, word, "it says that it is gone for good: remove it from steward.yaml and from the steps that name it", cause)
	case code >= 400 && code < 500:
		d = failed(steward.Refused, word, "it did not accept the message; its own log says why", cause)
	default:
		d = failed(steward.Unreachable, word, "it has trouble; its own log says what", cause)
	}
	return steward.Receipt{}, d
}

// patience reads a Retry-After: seconds, or a date.
func (s *WebhookSender) patience(after string) time.Duration {
	wait := throttledFor
	if seconds, err := strconv.ParseUint(after, 10, 31); err == nil {
		wait = time.Duration(seconds) * time.Second
	} else if at, err := http.ParseTime(after); err == nil {
		wait = at.Sub(s.now())
	}
	return min(max(wait, time.Second), longestPatience)
}

// A webhookMessage is the body of a call.
type webhookMessage struct {
	Type      string      `json:"type"`
	Timestamp time.Time   `json:"timestamp"`
	Data      webhookData `json:"data"`
}

type webhookData struct {
	Account     steward.AccountID    `json:"account,omitempty"`
	AccountName string               `json:"account_name,omitempty"`
	Subject     *webhookSubject      `json:"subject,omitempty"`
	Playbook    steward.PlaybookName `json:"playbook,omitempty"`
	Step        string               `json:"step,omitempty"`
	Enrolment   steward.EnrolmentID  `json:"enrolment,omitempty"`
	Owner       steward.OwnerID      `json:"owner,omitempty"`
	Severity    string               `json:"severity,omitempty"`
	Title       string               `json:"title"`
	Text        string               `json:"text"`
	Evidence    []string             `json:"evidence"`
}

type webhookSubject struct {
	Kind steward.SubjectKind `json:"kind"`
	ID   string              `json:"id"`
}

// webhookBody is a call's body: the same for every attempt, as the content is
// frozen and the time is that of planning.
func webhookBody(l steward.Letter) ([]byte, error) {
	c := l.Content
	m := webhookMessage{Type: "steward.test", Timestamp: l.Message.Planned.UTC().Truncate(time.Second),
		Data: webhookData{AccountName: shorten(oneLine(c.Account), maxCallName), Severity: c.Severity, Title: shorten(oneLine(c.Title), maxCallName), Evidence: []string{}}}
	if call := c.Call; call != nil {
		m.Type = "steward." + string(call.Playbook) + "." + call.Step
		m.Data.Account, m.Data.Playbook, m.Data.Step, m.Data.Enrolment, m.Data.Owner = call.Account, call.Playbook, call.Step, call.Enrolment, call.Owner
		m.Data.Subject = &webhookSubject{call.Subject.Kind, call.Subject.ID}
	}
	var words []string
	for _, p := range c.Parts {
		if text := parseMarkdown(p.Markdown).plain(); text != "" {
			words = append(words, text)
		}
		m.Data.Evidence = append(m.Data.Evidence, shortAll(sentences(p.Evidence), maxCallEvidence, maxCallSentence)...)
	}
	m.Data.Text = strings.Join(words, "\n\n")
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(m); err != nil {
		return nil, err
	}
	return bytes.TrimSpace(buf.Bytes()), nil
}

// webhookPreview is the body as a person would read it.
func webhookPreview(l steward.Letter) ([]byte, error) {
	body, err := webhookBody(l)
	if err != nil {
		return nil, failed(steward.Refused, "could_not_compose", "please report this with `steward outreach` of the message", withhold("write the call", err))
	}
	var out bytes.Buffer
	if err := json.Indent(&out, body, "", "  "); err != nil {
		return nil, failed(steward.Refused, "could_not_compose", "please report this with `steward outreach` of the message", withhold("write the call", err))
	}
	out.WriteByte('\n')
	return out.Bytes(), nil
}
