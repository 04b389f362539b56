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
	"strings"
	"time"

	"steward"
)

// An Unsubscriber stops all mail to the person a message was for. Doing it
// again is no error. ErrNoSuchMessage, wrapped or not, says that the message is
// not known.
type Unsubscriber interface {
	Unsubscribe(context.Context, steward.MessageID) error
}

// ErrNoSuchMessage is an Unsubscriber's answer to an id it does not know.
var ErrNoSuchMessage = errors.New("no such message")

// PublicOptions are what the public side needs.
type PublicOptions struct {
	// Key signed the links; see steward.UnsubscribeToken.
	Key          steward.Secret
	Unsubscriber Unsubscriber
	// Sender is who the mail came from in the reader's eyes, such as the
	// company's name; left out of the page when empty.
	Sender string
	Logger *slog.Logger
}

const unsubscribeLimit = 10 * time.Second

// Public is the handler of the public listener: /u/{token} and /healthz. It
// shows nothing about anybody: not even the address that a link is for, which a
// forwarded mail would give away.
func Public(o PublicOptions) http.Handler {
	u := unsubscribe{PublicOptions: o}
	u.Logger = logger(o.Logger)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", healthy)
	mux.HandleFunc("GET /u/{token}", u.ask)
	mux.HandleFunc("POST /u/{token}", u.act)
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
	if _, err := steward.ReadUnsubscribeToken(u.Key, r.PathValue("token")); err != nil {
		u.show(w, http.StatusNotFound, pageUnknown)
		return
	}
	u.show(w, http.StatusOK, pageAsk)
}

// act answers a POST: of the page's button, or of a mail program acting for
// its reader as RFC 8058 has it. The signed link is the authority in either
// case, so there is no cookie to check.
func (u unsubscribe) act(w http.ResponseWriter, r *http.Request) {
	id, err := steward.ReadUnsubscribeToken(u.Key, r.PathValue("token"))
	if err != nil {
		u.show(w, http.StatusNotFound, pageUnknown)
		return
	}
	oneClick, button := intent(r)
	if !oneClick && !button {
		u.show(w, http.StatusBadRequest, pageAsk)
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), unsubscribeLimit)
	defer cancel()
	switch err := u.Unsubscriber.Unsubscribe(ctx, id); {
	case errors.Is(err, ErrNoSuchMessage):
		u.show(w, http.StatusNotFound, pageUnknown)
	case err != nil:
		u.Logger.Error("an unsubscription could not be recorded", "message", string(id), "error", err)
		u.show(w, http.StatusServiceUnavailable, pageFailed)
	default:
		u.Logger.Info("unsubscribed", "message", string(id), "one_click", oneClick)
		u.show(w, http.StatusOK, pageDone)
	}
}

// intent reads what a POST asks for. RFC 8058 allows both encodings of a form.
func intent(r *http.Request) (oneClick, button bool) {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	var err error
	if kind == "multipart/form-data" {
		err = r.ParseMultipartForm(maxBody)
	} else {
		err = r.ParseForm()
	}
	if err != nil {
		return false, false
	}
	return strings.EqualFold(r.PostFormValue("List-Unsubscribe"), "One-Click"), r.PostFormValue("confirm") == "yes"
}

// A page is one state of the unsubscribe page.
type page struct {
	Title, Heading string
	Text           []string
	Button         string
	Sender         string
	Done           bool
	Style          template.CSS
}

var (
	pageAsk = page{
		Title:   "Unsubscribe",
		Heading: "Stop these emails?",
		Text:    []string{"No more of them will be sent to this address. People you already talk to can still write to you themselves."},
		Button:  "Unsubscribe",
	}
	pageDone = page{
		Title:   "Unsubscribed",
		Heading: "You are unsubscribed",
		Text: []string{"No more of these emails will be sent to this address.",
			"Pressed by mistake? Reply to any of them and ask to be put back."},
		Done: true,
	}
	pageUnknown = page{
		Title:   "Link not found",
		Heading: "This link does not work",
		Text: []string{"It may have been cut short on its way here. Open the link from the email once more, or copy it whole.",
			"Or simply reply to the email with the word “unsubscribe” and a person will see to it."},
	}
	pageFailed = page{
		Title:   "Not unsubscribed yet",
		Heading: "That did not work",
		Text: []string{"Your request could not be saved just now. Please try again in a few minutes.",
			"Or reply to the email with the word “unsubscribe” and a person will see to it."},
		Button: "Try again",
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
