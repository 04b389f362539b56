package web

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"errors"
	"html/template"
	"log/slog"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"

	"steward"
)

// PageOptions are what pages need.
type PageOptions struct {
	Pages Pages
	// Key signs the links of cards and the cookies; Token is what people sign in
	// with, the zero Secret where only links open pages.
	Key, Token steward.Secret
	// URL is where people reach the private listener. With https, cookies travel
	// encrypted alone.
	URL string
	Now func() time.Time
}

// actLimit is for one thing that a person does.
const actLimit = 10 * time.Second

// pages answers for the pages of accounts and the queue.
type pages struct {
	PageOptions
	access *access
	log    *slog.Logger
}

// mount puts the pages into a mux.
func (o PageOptions) mount(mux *http.ServeMux, log *slog.Logger) {
	p := &pages{PageOptions: o, log: log, access: &access{key: o.Key, token: o.Token, secure: strings.HasPrefix(o.URL, "https://"), now: o.Now}}
	mux.HandleFunc("GET /{$}", p.start)
	mux.HandleFunc("GET /login", p.askToken)
	mux.HandleFunc("POST /login", p.login)
	mux.HandleFunc("POST /logout", p.logout)
	mux.HandleFunc("GET /queue", p.queue)
	mux.HandleFunc("POST /queue", p.actOnQueue)
	mux.HandleFunc("GET /a/{account}", p.account)
	mux.HandleFunc("POST /a/{account}", p.actOnAccount)
}

// A frame is what every page has around its own.
type frame struct {
	Title string
	// At is which of the places in the heading this is.
	At      string
	Style   template.CSS
	Visitor Visitor
	// SignedIn tells that there is a way round; a visitor by a link has none.
	SignedIn bool
	Until    string
	CSRF     string
	// Once names this copy of the page: a form that is sent twice acts once.
	Once string
	// Said is what came of what was just done; Failed that it came to nothing.
	Said   string
	Failed bool
	View   any
}

// A mailPiece is a mail with the page that it is on; its forms go to At.
type mailPiece struct {
	Frame frame
	Mail  MailView
	At    string
}

// path is where the page's own forms go.
func (f frame) path() string {
	if v, ok := f.View.(AccountView); ok {
		return accountPath(v.ID)
	}
	return "/queue"
}

//go:embed pages
var pageFiles embed.FS

var pageTemplates = template.Must(template.New("").Funcs(template.FuncMap{
	"account":   func(id steward.AccountID) string { return accountPath(id) },
	"kinds":     kinds,
	"label":     kindLabel,
	"chip":      func(text string, t Tone) Chip { return Chip{text, t} },
	"plus":      func(a, b int) int { return a + b },
	"minus":     func(a, b int) int { return a - b },
	"withFrame": func(f frame, m MailView) mailPiece { return mailPiece{f, m, f.path()} },
}).ParseFS(pageFiles, "pages/*.html"))

var pageStyle = func() string {
	b, err := pageFiles.ReadFile("pages/pages.css")
	if err != nil {
		panic(err) // it is compiled in
	}
	return string(b)
}()

// privatePolicy allows the one style sheet by its hash, and forms to here. There
// is no script, no image, and nothing from anywhere else.
var privatePolicy = func() string {
	sum := sha256.Sum256([]byte(pageStyle))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
}()

// show writes a page. The heads come first, so that a page that cannot be
// rendered says so.
func (p *pages) show(w http.ResponseWriter, r *http.Request, status int, name string, f frame) {
	f.Style, f.SignedIn = template.CSS(pageStyle), f.Visitor.Trusted
	if !f.Visitor.Until.IsZero() && !f.Visitor.Trusted {
		f.Until = f.Visitor.Until.UTC().Format("2 January")
	}
	var b bytes.Buffer
	if err := pageTemplates.ExecuteTemplate(&b, name, f); err != nil {
		p.log.Error("a page could not be rendered; please report this", "route", r.Pattern, "error", err)
		http.Error(w, "Something went wrong here. Please try again later.", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", privatePolicy)
	h.Set("X-Frame-Options", "DENY")
	h.Set("X-Robots-Tag", "noindex, nofollow")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	w.WriteHeader(status)
	_, _ = w.Write(bytes.Map(harmless, b.Bytes()))
}

// harmless leaves out what is not seen and changes what is: control characters,
// and those that turn the direction of text. Names come from a CRM.
func harmless(r rune) rune {
	switch {
	case r == '\n', r == '\t':
		return r
	case r < ' ', r >= 0x7f && r < 0xa0, r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069, r == 0x200b, r == 0x2060, r == 0xfeff, r >= 0xe0000 && r <= 0xe007f:
		return -1
	}
	return r
}

// framed is a page's frame for a visitor.
func (p *pages) framed(v Visitor, cookie, at, title string, view any) frame {
	return frame{Title: title, At: at, Visitor: v, CSRF: p.access.formToken(cookie), Once: rand.Text(), View: view}
}

// A refusal is a page that says why there is none.
type refusal struct {
	Heading string
	Text    []string
	Login   bool // there is a token to sign in with
	Then    string
}

func (p *pages) refuse(w http.ResponseWriter, r *http.Request, status int, no refusal) {
	no.Login = no.Login && !p.Token.IsZero()
	p.show(w, r, status, "refusal", frame{Title: no.Heading, View: no})
}

// shut is the answer to somebody whom nobody knows.
func (p *pages) shut(w http.ResponseWriter, r *http.Request, why error) {
	no := refusal{Heading: "This page is not open to you yet", Login: true, Then: r.URL.Path}
	switch {
	case errors.Is(why, errLinkOver):
		no.Heading = "This link is over"
		no.Text = []string{"Links from cards open an account's page for seven days, and this one is older.", "Ask in Slack for a new one: /steward and the account's name."}
	case errors.Is(why, errLinkForeign):
		no.Heading = "This link does not work"
		no.Text = []string{"It may have been cut short on its way here. Open it from the card once more, or copy it whole."}
	default:
		no.Text = []string{"Open the account from one of its cards in Slack: the link there lets you in."}
	}
	p.refuse(w, r, http.StatusForbidden, no)
}

func (p *pages) failed(w http.ResponseWriter, r *http.Request, err error) {
	p.log.Error("a page could not be shown", "route", r.Pattern, "error", err)
	p.refuse(w, r, http.StatusServiceUnavailable, refusal{Heading: "That did not work", Text: []string{"What the page shows could not be read just now. Please try again in a minute."}})
}

// askToken shows the form to sign in.
func (p *pages) askToken(w http.ResponseWriter, r *http.Request) {
	if p.Token.IsZero() {
		p.shut(w, r, nil)
		return
	}
	p.showLogin(w, r, http.StatusOK, "")
}

func (p *pages) showLogin(w http.ResponseWriter, r *http.Request, status int, said string) {
	p.show(w, r, status, "login", frame{Title: "Sign in", Said: said, Failed: said != "", View: within(r.FormValue("then"))})
}

// within is a path of these pages, and / for anything else: a form sends nobody
// to another place.
func within(to string) string {
	u, err := url.Parse(to)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || strings.Contains(to, "\\") {
		return "/"
	}
	if to == "/queue" || strings.HasPrefix(u.Path, "/a/") && path.Clean(u.Path) == u.Path {
		return u.EscapedPath()
	}
	return "/"
}

func (p *pages) login(w http.ResponseWriter, r *http.Request) {
	from := peer(r)
	switch {
	case p.Token.IsZero():
		p.shut(w, r, nil)
	case p.access.failed.closed(from, p.Now()):
		w.Header().Set("Retry-After", strconv.Itoa(int(failWindow/time.Second)))
		p.showLogin(w, r, http.StatusTooManyRequests, "There were too many tries with a wrong token. Wait ten minutes, and then copy it whole.")
	case !p.access.signIn(w, strings.TrimSpace(r.PostFormValue("token"))):
		p.access.failed.count(from, p.Now())
		p.log.Warn("somebody typed a wrong access token", "from", from)
		p.showLogin(w, r, http.StatusForbidden, "That is not the token. Copy it whole from where whoever runs Steward keeps it.")
	default:
		p.log.Info("somebody signed in to the pages", "from", from)
		http.Redirect(w, r, within(r.PostFormValue("then")), http.StatusSeeOther)
	}
}

func (p *pages) logout(w http.ResponseWriter, r *http.Request) {
	if _, cookie, ok := p.access.visitor(r, ""); ok && !p.access.isFormToken(r.PostFormValue("csrf"), cookie) {
		p.refuse(w, r, http.StatusForbidden, staleForm)
		return
	}
	p.access.leave(w)
	http.Redirect(w, r, "/login", http.StatusSeeOther)
}

var staleForm = refusal{Heading: "Nothing was done", Text: []string{"The page was open for too long, or the form came from somewhere else. Open the page again, and press once more."}, Login: true}

func (p *pages) start(w http.ResponseWriter, r *http.Request) {
	v, cookie, ok := p.access.visitor(r, "")
	if !ok {
		p.shut(w, r, nil)
		return
	}
	view, err := p.Pages.Start(r.Context(), v, strings.TrimSpace(r.FormValue("q")), r.FormValue("owner"))
	if err != nil {
		p.failed(w, r, err)
		return
	}
	p.show(w, r, http.StatusOK, "start", p.framed(v, cookie, "start", "Accounts", view))
}

func (p *pages) queue(w http.ResponseWriter, r *http.Request) {
	if v, cookie, ok := p.access.visitor(r, ""); ok {
		p.showQueue(w, r, v, cookie, done{})
		return
	}
	p.shut(w, r, nil)
}

func (p *pages) showQueue(w http.ResponseWriter, r *http.Request, v Visitor, cookie string, d done) {
	view, err := p.Pages.Queue(r.Context(), v)
	if err != nil {
		p.failed(w, r, err)
		return
	}
	f := p.framed(v, cookie, "queue", "What waits for a person", view)
	f.Said, f.Failed = d.said, d.failed
	p.show(w, r, d.status(), "queue", f)
}

func (p *pages) account(w http.ResponseWriter, r *http.Request) {
	id := steward.AccountID(r.PathValue("account"))
	v, cookie, ok := p.access.visitor(r, id)
	if k := r.URL.Query().Get("k"); k != "" {
		owner, until, err := readPageLink(p.Key, id, k, p.Now())
		switch {
		case err == nil && !v.Trusted:
			v, ok = Visitor{Owner: owner, Account: id, Until: until}, true
			cookie = p.access.open(w, v)
		case err == nil: // they signed in, too, and the link says who they are
			v.Owner = owner
			p.access.open(w, Visitor{Owner: owner, Account: id, Until: until})
		case !ok:
			p.shut(w, r, err)
			return
		}
	}
	if !ok {
		p.shut(w, r, nil)
		return
	}
	p.showAccount(w, r, id, v, cookie, done{})
}

func (p *pages) showAccount(w http.ResponseWriter, r *http.Request, id steward.AccountID, v Visitor, cookie string, d done) {
	view, err := p.Pages.Account(r.Context(), v, id, timelineQuery(r.URL.Query()))
	switch {
	case errors.Is(err, ErrNoSuchAccount):
		p.refuse(w, r, http.StatusNotFound, refusal{Heading: "There is no such account", Text: []string{"It may have left the CRM's export, or go by another id now. Look for it by its name."}})
	case err != nil:
		p.failed(w, r, err)
	default:
		f := p.framed(v, cookie, "account", view.Name, view)
		f.Said, f.Failed = d.said, d.failed
		p.show(w, r, d.status(), "account", f)
	}
}

// timelineQuery reads a filter; what it does not know asks for everything.
func timelineQuery(q url.Values) TimelineQuery {
	out := TimelineQuery{Kind: TimelineKind(q.Get("kind"))}
	if kindLabel(out.Kind) == "" {
		out.Kind = ""
	}
	if n, err := strconv.Atoi(q.Get("from")); err == nil && n > 0 && n < 1_000_000 {
		out.From = n
	}
	return out
}

// kinds is every filter of the timeline.
func kinds() []TimelineKind {
	return []TimelineKind{"", KindSaid, KindDecided, KindPeople, KindBack}
}

func kindLabel(k TimelineKind) string {
	return map[TimelineKind]string{"": "Everything", KindSaid: "Sent", KindDecided: "Decided", KindPeople: "People", KindBack: "Came back"}[k]
}

// done is what came of something that a person did; zero where they only look.
type done struct {
	said   string
	failed bool
}

func (d done) status() int {
	if d.failed {
		return http.StatusConflict
	}
	return http.StatusOK
}

func (p *pages) actOnQueue(w http.ResponseWriter, r *http.Request) {
	v, cookie, ok := p.access.visitor(r, "")
	if !ok {
		p.shut(w, r, nil)
		return
	}
	if d, ok := p.act(w, r, v, cookie); ok {
		p.showQueue(w, r, v, cookie, d)
	}
}

func (p *pages) actOnAccount(w http.ResponseWriter, r *http.Request) {
	id := steward.AccountID(r.PathValue("account"))
	v, cookie, ok := p.access.visitor(r, id)
	if !ok {
		p.shut(w, r, nil)
		return
	}
	if d, ok := p.act(w, r, v, cookie); ok {
		p.showAccount(w, r, id, v, cookie, d)
	}
}

// act does what a form asks for; ok is false where it has answered already. The
// page is shown at once and not redirected to: sent again, the form has the same
// key, and acts no second time.
func (p *pages) act(w http.ResponseWriter, r *http.Request, v Visitor, cookie string) (d done, ok bool) {
	if !p.access.isFormToken(r.PostFormValue("csrf"), cookie) {
		p.refuse(w, r, http.StatusForbidden, staleForm)
		return d, false
	}
	g, good := gesture(r, v, cookie)
	if !good || !v.MayAct() {
		p.refuse(w, r, http.StatusBadRequest, refusal{Heading: "Nothing was done", Text: []string{"The form asked for nothing that can be done here. Open the page again."}, Login: true})
		return d, false
	}
	g.At = p.Now()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), actLimit)
	defer cancel()
	answer, err := p.Pages.Act(ctx, v, g)
	if err != nil {
		p.log.Error("what somebody did on a page could not be kept", "route", r.Pattern, "verb", string(g.Verb), "message", string(g.Target.Message), "error", err)
		return done{said: "That could not be saved just now, and nothing was done. Please try again in a minute.", failed: true}, true
	}
	return done{said: answer.Text}, true
}

// gesture is what a form of a page asks for.
func gesture(r *http.Request, v Visitor, cookie string) (g steward.Gesture, ok bool) {
	verb := steward.Verb(r.PostFormValue("verb"))
	version, _ := strconv.Atoi(r.PostFormValue("version"))
	t := steward.Target{Verb: verb, Message: steward.MessageID(r.PostFormValue("message")), Version: version,
		Enrolment: steward.EnrolmentID(r.PostFormValue("enrolment")), Playbook: steward.PlaybookName(r.PostFormValue("playbook"))}
	switch verb {
	case steward.VerbApprove, steward.VerbDecline:
		ok = t.Message != ""
		t.Enrolment, t.Playbook = "", ""
	case steward.VerbRelease:
		ok = t.Enrolment != "" || t.Playbook != ""
		t.Message, t.Version = "", 0
	}
	once := sha256.Sum256([]byte(cookie + "\x00" + r.PostFormValue("once") + "\x00" + string(verb) + "\x00" + string(t.Message) + "\x00" + string(t.Enrolment) + "\x00" + string(t.Playbook)))
	return steward.Gesture{Key: "page/" + base64.RawURLEncoding.EncodeToString(once[:18]), Via: steward.ViaPage, Owner: v.Owner, Trusted: v.Trusted,
		Verb: verb, Target: t, Values: map[string]string{"text": strings.TrimSpace(r.PostFormValue("text"))}, Sent: true}, ok
}
