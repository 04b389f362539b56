package web

import (
	"bytes"
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"mime"
	"net/http"
	"slices"
	"strings"
	"time"

	"steward"
)

// Readers keeps what the people that mail is for want. Each method is about the
// reader of one message; doing the same again is no error. ErrNoSuchMessage,
// wrapped or not, says that the message is not known.
type Readers interface {
	// Choices is the kinds of mail that there are, and which of them the reader
	// gets.
	Choices(context.Context, steward.MessageID) (Choices, error)
	// StopTopic stops mail of the kind that the message was of; all of it where
	// that is not known.
	StopTopic(context.Context, steward.MessageID) error
	// StopAll stops all mail.
	StopAll(context.Context, steward.MessageID) error
	// Choose has the reader get mail of the wanted kinds, and of no other.
	Choose(ctx context.Context, id steward.MessageID, wanted []steward.Topic) error
}

// Choices is what a reader may choose from; without topics there is only the
// choice to get no mail.
type Choices struct {
	Topics []Choice
	// None tells that they get no mail at all.
	None bool
}

// A Choice is one kind of mail.
type Choice struct {
	Topic  steward.Topic
	Name   string
	Wanted bool
}

// ErrNoSuchMessage is Readers' answer to an id that they do not know.
var ErrNoSuchMessage = errors.New("no such message")

// PublicOptions are what the public side needs.
type PublicOptions struct {
	// Key signed the links; see steward.UnsubscribeToken.
	Key     steward.Secret
	Readers Readers
	// Sender is who the mail came from in the reader's eyes, such as the
	// company's name; left out of the page when empty.
	Sender string
	// Slack answers what Slack calls, below /slack/; nil where it calls nothing. It
	// finds out by itself who calls.
	Slack http.Handler
	// Events takes what a mail service tells of, at /mail/events; without a secret
	// there is no such place.
	Events MailEvents
	Logger *slog.Logger
}

const unsubscribeLimit = 10 * time.Second

// Public is the handler of the public listener: /u/{token}, /healthz, and what
// Slack calls. It says of nobody who they are: not even the address that a link is for, which a
// forwarded mail would give away. Whoever has the link can see, and change, which
// kinds of mail the address gets.
func Public(o PublicOptions) http.Handler {
	u := unsubscribe{PublicOptions: o}
	u.Logger = logger(o.Logger)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", healthy)
	mux.HandleFunc("GET /u/{token}", u.ask)
	mux.HandleFunc("POST /u/{token}", u.act)
	if o.Slack != nil {
		mux.Handle("POST "+slackPath, o.Slack)
	}
	if !o.Events.Secret.IsZero() {
		mux.Handle("POST /mail/events", o.Events.events(u.Logger))
	}
	mux.HandleFunc("GET /robots.txt", func(w http.ResponseWriter, _ *http.Request) {
		plain(w)
		fmt.Fprint(w, "User-agent: *\nDisallow: /\n")
	})
	mux.HandleFunc("GET /", func(w http.ResponseWriter, _ *http.Request) { u.show(w, http.StatusNotFound, pageUnknown) })
	return guard(mux, u.Logger)
}

type unsubscribe struct{ PublicOptions }

// ask answers a GET, and a GET changes nothing: mail scanners follow every link
// in a mail before its reader does.
func (u unsubscribe) ask(w http.ResponseWriter, r *http.Request) {
	id, err := steward.ReadUnsubscribeToken(u.Key, r.PathValue("token"))
	if err != nil {
		u.show(w, http.StatusNotFound, pageUnknown)
		return
	}
	u.choices(w, r, http.StatusOK, id)
}

// choices shows what there is to choose. Where that cannot be read, the button
// that stops everything is shown all the same: pressing it may go better.
func (u unsubscribe) choices(w http.ResponseWriter, r *http.Request, status int, id steward.MessageID) {
	ctx, cancel := context.WithTimeout(r.Context(), unsubscribeLimit)
	defer cancel()
	c, err := u.Readers.Choices(ctx, id)
	switch {
	case errors.Is(err, ErrNoSuchMessage):
		u.show(w, http.StatusNotFound, pageUnknown)
		return
	case err != nil:
		u.Logger.Error("what a reader wants could not be read", "message", string(id), "error", err)
		c = Choices{}
	}
	p := pageAsk
	switch {
	case c.None && len(c.Topics) > 0:
		p = pageNone
	case len(c.Topics) > 0:
		p = pageChoose
	}
	p.Topics = c.Topics
	u.show(w, status, p)
}

// act answers a POST: of the page's buttons, or of a mail program acting for
// its reader as RFC 8058 has it. The signed link is the authority in either
// case, so there is no cookie to check.
func (u unsubscribe) act(w http.ResponseWriter, r *http.Request) {
	id, err := steward.ReadUnsubscribeToken(u.Key, r.PathValue("token"))
	if err != nil {
		u.show(w, http.StatusNotFound, pageUnknown)
		return
	}
	asked := intent(r)
	if asked == nothing {
		u.choices(w, r, http.StatusBadRequest, id)
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), unsubscribeLimit)
	defer cancel()
	switch done, err := u.do(ctx, id, asked, r.PostForm["topic"]); {
	case errors.Is(err, ErrNoSuchMessage):
		u.show(w, http.StatusNotFound, pageUnknown)
	case err != nil:
		u.Logger.Error("what a reader wants could not be recorded", "message", string(id), "asked", asked, "error", err)
		u.show(w, http.StatusServiceUnavailable, pageFailed)
	default:
		u.Logger.Info("a reader chose what mail they get", "message", string(id), "asked", asked)
		u.show(w, http.StatusOK, done)
	}
}

// do does what was asked for and says which page tells of it.
func (u unsubscribe) do(ctx context.Context, id steward.MessageID, asked asking, topics []string) (page, error) {
	switch asked {
	case oneTopic:
		return pageDone, u.Readers.StopTopic(ctx, id)
	case chosen:
		var wanted []steward.Topic
		for _, t := range steward.Topics() {
			if slices.Contains(topics, string(t)) {
				wanted = append(wanted, t)
			}
		}
		if len(wanted) > 0 {
			return pageSaved, u.Readers.Choose(ctx, id, wanted)
		}
	}
	return pageDone, u.Readers.StopAll(ctx, id)
}

// asking is what a POST asks for.
type asking string

const (
	nothing  asking = ""
	oneTopic asking = "one click" // by a mail program, of the mail's own kind
	chosen   asking = "choice"
	noMail   asking = "no mail"
)

// intent reads what a POST asks for. RFC 8058 allows both encodings of a form.
func intent(r *http.Request) asking {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	var err error
	if kind == "multipart/form-data" {
		err = r.ParseMultipartForm(maxBody)
	} else {
		err = r.ParseForm()
	}
	switch {
	case err != nil:
		return nothing
	case strings.EqualFold(r.PostFormValue("List-Unsubscribe"), "One-Click"):
		return oneTopic
	case r.PostFormValue("confirm") == "yes":
		return noMail
	case r.PostFormValue("choose") == "yes":
		return chosen
	}
	return nothing
}

// A page is one state of the page about mail.
type page struct {
	Title, Heading string
	Text           []string
	// Topics are shown with a box each; Save is the button below them.
	Topics []Choice
	Save   string
	// Button stops all mail.
	Button string
	Sender string
	Done   bool
	Style  template.CSS
}

var (
	pageChoose = page{
		Title:   "Your emails",
		Heading: "Which emails would you like?",
		Text:    []string{"Untick what you do not want to get any more. People you already talk to can still write to you themselves."},
		Save:    "Save",
		Button:  "Unsubscribe from all",
	}
	pageNone = page{
		Title:   "Your emails",
		Heading: "You get none of these emails",
		Text:    []string{"Nothing is sent to this address. Tick what you would like to get again."},
		Save:    "Save",
	}
	pageAsk = page{
		Title:   "Unsubscribe",
		Heading: "Stop these emails?",
		Text:    []string{"No more of them will be sent to this address. People you already talk to can still write to you themselves."},
		Button:  "Unsubscribe",
	}
	pageSaved = page{
		Title:   "Saved",
		Heading: "Your choice is saved",
		Text:    []string{"You get the emails that you ticked and no others. The link in any of them brings you back here."},
		Done:    true,
	}
	pageDone = page{
		Title:   "Unsubscribed",
		Heading: "You are unsubscribed",
		Text: []string{"No more of these emails will be sent to this address.",
			"Pressed by mistake? Open the link in the email again, or reply to it and ask to be put back."},
		Done: true,
	}
	pageUnknown = page{
		Title:   "Link not found",
		Heading: "This link does not work",
		Text: []string{"It may have been cut short on its way here. Open the link from the email once more, or copy it whole.",
			"Or simply reply to the email with the word “unsubscribe” and a person will see to it."},
	}
	pageFailed = page{
		Title:   "Not saved yet",
		Heading: "That did not work",
		Text: []string{"Your request could not be saved just now. Please try again in a few minutes.",
			"Or reply to the email with the word “unsubscribe” and a person will see to it."},
		Button: "Try again: no more emails",
	}
)

//go:embed page.css
var style string

//go:embed page.html
var pageHTML string

var (
	pageTemplate = template.Must(template.New("page").Parse(pageHTML))
	// The page's policy allows the one style sheet it carries, by its hash, and
	// nothing else: no script, no image, no other site.
	pagePolicy = func() string {
		sum := sha256.Sum256([]byte(style))
		return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
			"'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
	}()
)

// show writes a page.
func (u unsubscribe) show(w http.ResponseWriter, status int, p page) {
	p.Style, p.Sender = template.CSS(style), u.Sender
	var b bytes.Buffer
	if err := pageTemplate.Execute(&b, p); err != nil {
		u.Logger.Error("the unsubscribe page could not be rendered", "error", err)
		http.Error(w, "Something went wrong here. Please reply to the email with the word unsubscribe.", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", pagePolicy)
	h.Set("X-Robots-Tag", "noindex, nofollow")
	w.WriteHeader(status)
	_, _ = b.WriteTo(w)
}
