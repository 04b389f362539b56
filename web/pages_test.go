package web

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"steward"
)

// played is pages with a set text, which keep what was asked of them.
type played struct {
	account AccountView
	queue   QueueView
	start   StartView
	asked   []Visitor
	acts    []steward.Gesture
	fails   error
}

func (p *played) Start(_ context.Context, v Visitor, _, _ string) (StartView, error) {
	p.asked = append(p.asked, v)
	return p.start, p.fails
}

func (p *played) Account(_ context.Context, v Visitor, id steward.AccountID, _ TimelineQuery) (AccountView, error) {
	p.asked = append(p.asked, v)
	if id == "gone" {
		return AccountView{}, fmt.Errorf("read: %w", ErrNoSuchAccount)
	}
	view := p.account
	view.ID = id
	return view, p.fails
}

func (p *played) Queue(_ context.Context, v Visitor) (QueueView, error) {
	p.asked = append(p.asked, v)
	return p.queue, p.fails
}

func (p *played) Act(_ context.Context, v Visitor, g steward.Gesture) (steward.Answer, error) {
	p.asked, p.acts = append(p.asked, v), append(p.acts, g)
	return steward.Answer{Text: "Approved."}, p.fails
}

const accessToken = "a token of twenty-four or more"

var noon = time.Date(2026, 3, 13, 12, 0, 0, 0, time.UTC)

// A house is a private listener with pages, and a clock.
type pageHouse struct {
	*played
	http.Handler
	now time.Time
	log *bytes.Buffer
}

func newPageHouse(token, at string) *pageHouse {
	h := &pageHouse{played: &played{}, now: noon, log: &bytes.Buffer{}}
	h.Handler = Private(PrivateOptions{Logger: slog.New(slog.NewTextHandler(h.log, nil)),
		Pages: PageOptions{Pages: h.played, Key: key, Token: steward.NewSecret(token), URL: at, Now: func() time.Time { return h.now }}})
	return h
}

func (h *pageHouse) do(method, path string, form url.Values, cookies ...*http.Cookie) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(form.Encode()))
	if form != nil {
		r.Header.Set("Content-Type", formType)
	}
	for _, c := range cookies {
		r.AddCookie(c)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// login is the cookie of somebody who signed in.
func (h *pageHouse) login(t *testing.T) *http.Cookie {
	t.Helper()
	w := h.do("POST", "/login", url.Values{"token": {accessToken}})
	if w.Code != http.StatusSeeOther || len(w.Result().Cookies()) != 1 {
		t.Fatalf("signing in gives %d and %v", w.Code, w.Result().Cookies())
	}
	return w.Result().Cookies()[0]
}

// by is the cookie that a link gives.
func (h *pageHouse) by(t *testing.T, account steward.AccountID, owner steward.OwnerID) *http.Cookie {
	t.Helper()
	w := h.do("GET", PageLink(key, "", account, owner, h.now), nil)
	if w.Code != 200 || len(w.Result().Cookies()) != 1 {
		t.Fatalf("the link to %s gives %d and %v", account, w.Code, w.Result().Cookies())
	}
	return w.Result().Cookies()[0]
}

func field(t *testing.T, body, name string) string {
	t.Helper()
	_, rest, ok := strings.Cut(body, `name="`+name+`" value="`)
	value, _, _ := strings.Cut(rest, `"`)
	if !ok {
		t.Fatalf("there is no field %s in:\n%s", name, body)
	}
	return value
}

func TestWhoIsLetIn(t *testing.T) {
	h := newPageHouse(accessToken, "https://s.example.com")
	wide, narrow := h.login(t), h.by(t, "acme", "dana")
	looks := h.by(t, "acme", "")
	other := newPageHouse("another token of the right length", "https://s.example.com")
	forged := &http.Cookie{Name: wideCookie, Value: narrow.Value}
	link, old := PageLink(key, "", "acme", "dana", noon), PageLink(key, "", "acme", "dana", noon.Add(-LinkGood))
	_, k, _ := strings.Cut(link, "?")
	for _, c := range []struct {
		what, path string
		cookies    []*http.Cookie
		status     int
		says       string
		visitor    Visitor
	}{
		{"nobody", "/", nil, 403, "Sign in", Visitor{}},
		{"nobody at an account", "/a/acme", nil, 403, "Sign in", Visitor{}},
		{"nobody at the queue", "/queue", nil, 403, "Sign in", Visitor{}},
		{"a link", link, nil, 200, "as dana", Visitor{Owner: "dana", Account: "acme"}},
		{"a link to look", PageLink(key, "", "acme", "", noon), nil, 200, "to look", Visitor{Account: "acme"}},
		{"a link that is over", old, nil, 403, "older", Visitor{}},
		{"a link to another account", "/a/birch?" + k, nil, 403, "cut short", Visitor{}},
		{"a link cut short", link[:len(link)-9], nil, 403, "cut short", Visitor{}},
		{"somebody else's name in a link", strings.Replace(link, "dana", "lee", 1), nil, 403, "cut short", Visitor{}},
		{"after a link", "/a/acme?kind=said", []*http.Cookie{narrow}, 200, "as dana", Visitor{Owner: "dana", Account: "acme"}},
		{"after a link, elsewhere", "/a/birch", []*http.Cookie{narrow}, 403, "", Visitor{}},
		{"after a link, the queue", "/queue", []*http.Cookie{narrow}, 403, "", Visitor{}},
		{"after a link, the start", "/", []*http.Cookie{narrow}, 403, "", Visitor{}},
		{"a link's cookie under the other name", "/queue", []*http.Cookie{forged}, 403, "", Visitor{}},
		{"a link's cookie and a link cut short", link[:len(link)-9], []*http.Cookie{looks}, 200, "to look", Visitor{Account: "acme"}},
		{"signed in", "/", []*http.Cookie{wide}, 200, "Accounts", Visitor{Trusted: true}},
		{"signed in, an account", "/a/acme", []*http.Cookie{wide}, 200, "Sign out", Visitor{Trusted: true}},
		{"signed in, with a link", link, []*http.Cookie{wide}, 200, "Sign out", Visitor{Trusted: true, Owner: "dana"}},
		{"signed in, no such account", "/a/gone", []*http.Cookie{wide}, 404, "no such account", Visitor{Trusted: true}},
		{"a cookie of another token", "/", []*http.Cookie{mustCookie(t, other)}, 403, "", Visitor{}},
		{"a cookie cut short", "/", []*http.Cookie{{Name: wideCookie, Value: wide.Value[:len(wide.Value)-1]}}, 403, "", Visitor{}},
		{"a cookie of nothing", "/", []*http.Cookie{{Name: wideCookie, Value: "."}}, 403, "", Visitor{}},
	} {
		t.Run(c.what, func(t *testing.T) {
			h.asked = nil
			w := h.do("GET", c.path, nil, c.cookies...)
			if w.Code != c.status || !strings.Contains(w.Body.String(), c.says) {
				t.Fatalf("%d, want %d and %q:\n%s", w.Code, c.status, c.says, w.Body)
			}
			if c.visitor == (Visitor{}) {
				if len(h.asked) > 0 {
					t.Errorf("asked as %+v", h.asked)
				}
				return
			}
			if len(h.asked) != 1 {
				t.Fatalf("asked %d times", len(h.asked))
			}
			got := h.asked[0]
			if until := got.Until; !until.After(noon) || until.After(noon.Add(LinkGood)) {
				t.Errorf("let in until %s", until)
			}
			if got.Until = (time.Time{}); got != c.visitor {
				t.Errorf("let in as %+v, want %+v", got, c.visitor)
			}
		})
	}
	h.now = noon.Add(signedIn)
	if w := h.do("GET", "/", nil, wide); w.Code != 403 {
		t.Errorf("twelve hours later: %d", w.Code)
	}
	if strings.Contains(h.log.String(), k) || strings.Contains(h.log.String(), accessToken) {
		t.Errorf("the log holds what lets people in: %s", h.log)
	}
}

func mustCookie(t *testing.T, h *pageHouse) *http.Cookie {
	t.Helper()
	w := h.do("POST", "/login", url.Values{"token": {"another token of the right length"}})
	if len(w.Result().Cookies()) != 1 {
		t.Fatal(w.Code)
	}
	return w.Result().Cookies()[0]
}

// Without a token there is no signing in, whatever is typed.
func TestWithoutATokenOnlyLinksOpenPages(t *testing.T) {
	h := newPageHouse("", "http://127.0.0.1:8081")
	for _, typed := range []string{"", accessToken} {
		if w := h.do("POST", "/login", url.Values{"token": {typed}}); w.Code != 403 || len(w.Result().Cookies()) > 0 {
			t.Errorf("typing %q gives %d and %v", typed, w.Code, w.Result().Cookies())
		}
	}
	if w := h.do("GET", "/queue", nil); w.Code != 403 || strings.Contains(w.Body.String(), "/login") {
		t.Errorf("%d, and it offers to sign in:\n%s", w.Code, w.Body)
	}
	h.by(t, "acme", "dana")
}

func TestCookiesAreKeptClose(t *testing.T) {
	for _, c := range []struct {
		at     string
		secure bool
	}{{"https://s.example.com", true}, {"http://127.0.0.1:8081", false}, {"", false}} {
		h := newPageHouse(accessToken, c.at)
		for _, cookie := range []*http.Cookie{h.login(t), h.by(t, "a/b c", "dana")} {
			if !cookie.HttpOnly || cookie.SameSite != http.SameSiteStrictMode || cookie.Secure != c.secure || cookie.MaxAge <= 0 || cookie.MaxAge > int(LinkGood/time.Second) {
				t.Errorf("at %q: %+v", c.at, cookie)
			}
			if cookie.Name == pageCookie && cookie.Path != "/a/a%2Fb%20c" {
				t.Errorf("the cookie of one page is for %s", cookie.Path)
			}
		}
	}
}

// A wrong token is refused, and after some of them every one is, for a while,
// from there.
func TestWrongTokensAreCounted(t *testing.T) {
	h := newPageHouse(accessToken, "")
	try := func(token, from string) int {
		r := httptest.NewRequest("POST", "/login", strings.NewReader(url.Values{"token": {token}}.Encode()))
		r.Header.Set("Content-Type", formType)
		r.RemoteAddr = from
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w.Code
	}
	for i := range failMost {
		if code := try(accessToken[:len(accessToken)-1], "10.0.0.1:1"); code != 403 {
			t.Fatalf("try %d: %d", i, code)
		}
	}
	if code := try(accessToken, "10.0.0.1:2"); code != 429 {
		t.Errorf("the right one after too many wrong ones: %d", code)
	}
	if code := try(accessToken, "10.0.0.2:1"); code != 303 {
		t.Errorf("from elsewhere: %d", code)
	}
	h.now = h.now.Add(failWindow)
	if code := try(accessToken, "10.0.0.1:3"); code != 303 {
		t.Errorf("ten minutes later: %d", code)
	}
	for i := range failTotal + 50 {
		try("no", fmt.Sprintf("10.1.%d.%d:1", i/200, i%200))
	}
	if code := try("no", "10.9.9.9:1"); code != 429 {
		t.Errorf("after %d from everywhere: %d", failTotal, code)
	}
}

func TestSigningInLeadsNowhereElse(t *testing.T) {
	for then, want := range map[string]string{
		"": "/", "/queue": "/queue", "/a/acme": "/a/acme", "/a/x%2Fy": "/a/x%2Fy", "/a/müller": "/a/m%C3%BCller",
		"https://evil.example": "/", "//evil.example": "/", "/\\evil.example": "/", "/a/..//evil.example": "/", "/a/\\\\evil.example": "/", "javascript:alert(1)": "/", "/metrics": "/", "/a/x?k=1": "/", "/a/x\r\nSet-Cookie: a=b": "/",
	} {
		h := newPageHouse(accessToken, "")
		w := h.do("POST", "/login", url.Values{"token": {accessToken}, "then": {then}})
		if got := w.Header().Get("Location"); got != want {
			t.Errorf("then %q leads to %q, want %q", then, got, want)
		}
	}
}

func TestFormsAreBoundToTheirPage(t *testing.T) {
	h := newPageHouse(accessToken, "https://s.example.com")
	h.queue = QueueView{TotalMails: 1, Mails: []MailView{{Message: "m-1", Version: 2, Subject: "Hello", May: true}}, Held: []HeldView{{Playbook: "drop", Count: 1, Some: []HeldOne{{Enrolment: "e-1", Account: "acme", Name: "Acme"}}}}}
	h.account = AccountView{Name: "Acme", Waiting: h.queue.Mails}
	wide, narrow, looks := h.login(t), h.by(t, "acme", "dana"), h.by(t, "acme", "")
	page := h.do("GET", "/queue", nil, wide).Body.String()
	csrf, once := field(t, page, "csrf"), field(t, page, "once")
	narrowCSRF := field(t, h.do("GET", "/a/acme", nil, narrow).Body.String(), "csrf")
	lookCSRF := (&access{key: key}).formToken(looks.Value)
	approve := url.Values{"verb": {"approve"}, "message": {"m-1"}, "version": {"2"}, "once": {once}}
	for _, c := range []struct {
		what, path, csrf string
		cookies          []*http.Cookie
		form             url.Values
		status           int
		does             steward.Target
	}{
		{"approve", "/queue", csrf, []*http.Cookie{wide}, approve, 200, steward.Target{Verb: "approve", Message: "m-1", Version: 2}},
		{"release one", "/queue", csrf, []*http.Cookie{wide}, url.Values{"verb": {"release"}, "playbook": {"drop"}, "enrolment": {"e-1"}, "message": {"m-1"}}, 200, steward.Target{Verb: "release", Playbook: "drop", Enrolment: "e-1"}},
		{"decline on the account's page", "/a/acme", narrowCSRF, []*http.Cookie{narrow}, url.Values{"verb": {"decline"}, "message": {"m-1"}, "version": {"2"}, "text": {" too soon "}}, 200, steward.Target{Verb: "decline", Message: "m-1", Version: 2}},
		{"nobody", "/queue", csrf, nil, approve, 403, steward.Target{}},
		{"no token", "/queue", "", []*http.Cookie{wide}, approve, 403, steward.Target{}},
		{"another session's token", "/queue", narrowCSRF, []*http.Cookie{wide}, approve, 403, steward.Target{}},
		{"a link that only looks", "/a/acme", lookCSRF, []*http.Cookie{looks}, approve, 400, steward.Target{}},
		{"a link at the queue", "/queue", narrowCSRF, []*http.Cookie{narrow}, approve, 403, steward.Target{}},
		{"a link at another account", "/a/birch", narrowCSRF, []*http.Cookie{narrow}, approve, 403, steward.Target{}},
		{"nothing", "/queue", csrf, []*http.Cookie{wide}, url.Values{}, 400, steward.Target{}},
		{"another verb", "/queue", csrf, []*http.Cookie{wide}, url.Values{"verb": {"stop"}, "enrolment": {"e-1"}}, 400, steward.Target{}},
		{"approve nothing", "/queue", csrf, []*http.Cookie{wide}, url.Values{"verb": {"approve"}}, 400, steward.Target{}},
		{"release everything", "/queue", csrf, []*http.Cookie{wide}, url.Values{"verb": {"release"}}, 400, steward.Target{}},
	} {
		t.Run(c.what, func(t *testing.T) {
			h.acts = nil
			form := url.Values{"csrf": {c.csrf}}
			for k, v := range c.form {
				form[k] = v
			}
			if w := h.do("GET", c.path+"?"+form.Encode(), nil, c.cookies...); len(h.acts) > 0 {
				t.Errorf("a GET did %+v (%d)", h.acts, w.Code)
			}
			w := h.do("POST", c.path, form, c.cookies...)
			if w.Code != c.status {
				t.Errorf("%d, want %d:\n%s", w.Code, c.status, w.Body)
			}
			if c.does == (steward.Target{}) {
				if len(h.acts) > 0 {
					t.Errorf("did %+v", h.acts)
				}
				return
			}
			if len(h.acts) != 1 || h.acts[0].Target != c.does || h.acts[0].Via != steward.ViaPage || h.acts[0].At != noon || h.acts[0].Key == "" || !strings.Contains(w.Body.String(), "Approved.") {
				t.Fatalf("did %+v", h.acts)
			}
			if g := h.acts[0]; g.Trusted != (c.cookies[0] == wide) || (g.Owner == "dana") != (c.cookies[0] == narrow) || g.Values["text"] != strings.TrimSpace(c.form.Get("text")) {
				t.Errorf("did it as %+v", g)
			}
			h.do("POST", c.path, form, c.cookies...)
			if h.acts[0].Key != h.acts[1].Key {
				t.Error("sent again, the form is another act")
			}
			form.Set("once", "of another copy")
			h.do("POST", c.path, form, c.cookies...)
			if h.acts[0].Key == h.acts[2].Key {
				t.Error("another copy of the page is the same act")
			}
		})
	}
	h.fails = errors.New("disk full")
	if w := h.do("POST", "/queue", url.Values{"csrf": {csrf}, "verb": {"approve"}, "message": {"m-1"}}, wide); w.Code != 503 || strings.Contains(w.Body.String(), "disk full") || !strings.Contains(h.log.String(), "disk full") {
		t.Errorf("%d:\n%s\n%s", w.Code, w.Body, h.log)
	}
	h.fails = nil
	if w := h.do("POST", "/logout", url.Values{}, wide); w.Code != 403 {
		t.Errorf("signed out by a form from elsewhere: %d", w.Code)
	}
	if w := h.do("POST", "/logout", url.Values{"csrf": {csrf}}, wide); w.Code != 303 || w.Result().Cookies()[0].MaxAge >= 0 {
		t.Errorf("signing out gives %d and %v", w.Code, w.Result().Cookies())
	}
}

// Every answer of the pages, also the refusals, says that nothing may be loaded,
// kept or framed.
func TestPagesAnswerSafely(t *testing.T) {
	h := newPageHouse(accessToken, "https://s.example.com")
	wide := h.login(t)
	for _, path := range []string{"/", "/queue", "/login", "/a/acme", "/a/gone", "/nowhere"} {
		for _, cookies := range [][]*http.Cookie{nil, {wide}} {
			w := h.do("GET", path, nil, cookies...)
			for name, part := range map[string]string{"Content-Security-Policy": "default-src 'none'", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store"} {
				if !strings.Contains(w.Header().Get(name), part) {
					t.Errorf("%s: %s is %q", path, name, w.Header().Get(name))
				}
			}
			if policy := w.Header().Get("Content-Security-Policy"); !strings.Contains(policy, "frame-ancestors 'none'") || strings.Contains(policy, "unsafe") || strings.Contains(policy, "script") {
				t.Errorf("%s: the policy is %q", path, policy)
			}
			for _, never := range []string{"<script", "style=\"", " onclick", "http://", "<img", "<link"} {
				if strings.Contains(w.Body.String(), never) {
					t.Errorf("%s holds %q:\n%s", path, never, w.Body)
				}
			}
		}
	}
}

// Whatever text an account has, it stays text, and nothing in it is hidden or
// turned round.
func TestPagesShowDataAsText(t *testing.T) {
	const evil = "<script>alert(1)</script>\"'><img src=x onerror=y>{{.}}&amp;\x1b[2J\u202egnp\u2066\x00 javascript:alert(1)"
	h := newPageHouse(accessToken, "")
	h.start = StartView{Search: evil, Owner: evil, Total: 1, Listed: []AccountRow{{ID: evil, Name: evil, Owner: evil, ARR: evil, Renews: evil, Stage: evil, Health: Chip{evil, Bad}}}, Owners: []OwnerRow{{evil, evil, 1}}, AsOf: evil}
	mail := MailView{Message: evil, Account: evil, AccountName: evil, Playbook: evil, From: evil, To: evil, Subject: evil, Body: evil, Why: []string{evil}, Who: evil, Expires: evil, Veto: evil, May: true}
	h.queue = QueueView{Mails: []MailView{mail}, Held: []HeldView{{Playbook: evil, Title: evil, Count: 3, Why: evil, Some: []HeldOne{{evil, evil, evil, evil, evil}}}}, Notices: []string{evil}}
	values := []steward.Value{steward.Num(1), steward.Num(2)}
	h.account = AccountView{Name: evil, Segment: evil, CRM: evil, Facts: []Field{{evil, evil, evil, Bad}}, Notices: []string{evil}, Waiting: []MailView{mail}, AsOf: evil,
		Health:  HealthView{Score: evil, Grade: evil, Sentence: evil, Override: evil, Plot: HealthPlot{Values: values, Alt: evil, Said: []DaySpan{{0, 1, evil}}}, Parts: []HealthPartView{{evil, evil, evil, evil, LinePlot{values, evil}}}},
		Metrics: []MetricView{{Name: evil, Unit: evil, Now: evil, Before: evil, Note: evil, By: []steward.PlaybookName{evil}, Plot: BarPlot{Step: 7, Values: values, Alt: evil}}},
		Journey: JourneyView{evil, []StageView{{evil, evil, true}}, []MilestoneView{{evil, evil, Bad}}, []Chip{{evil, Bad}}}, People: []PersonView{{evil, evil, evil, evil, []string{evil}, []Chip{{evil, Bad}}}},
		Playbooks: []PlaybookView{{evil, evil, evil, Chip{evil, Bad}, true, []string{evil}, evil, []CheckView{{evil, evil, Bad}}, []CheckView{{evil, evil, Bad}}}}, Tasks: []TaskView{{evil, evil, evil, Chip{evil, Bad}, evil}},
		Silences: []SilenceView{{evil, evil, evil}}, Aims: []AimView{{evil, evil, 50, true}},
		Timeline: TimelineView{Days: []TimelineDay{{evil, []TimelineEntry{{evil, KindSaid, Chip{evil, Bad}, evil, evil, 2, evil, evil}}}}}}
	wide := h.login(t)
	for _, path := range []string{"/?q=x", "/queue", "/a/" + url.PathEscape(evil)} {
		w := h.do("GET", path, nil, wide)
		body := w.Body.String()
		if w.Code != 200 || !strings.HasSuffix(strings.TrimSpace(body), "</html>") {
			t.Fatalf("%s: %d:\n%s", path, w.Code, body)
		}
		for _, bad := range []string{"<script>", "<img", "\x1b", "\u202e", "\u2066", "\x00", `href="javascript`} {
			if i := strings.Index(body, bad); i >= 0 {
				t.Errorf("%s holds %q: …%s", path, bad, body[max(0, i-100):min(len(body), i+60)])
			}
		}
		if strings.Count(body, "&lt;script&gt;") < 5 {
			t.Errorf("%s shows the text %d times", path, strings.Count(body, "&lt;script&gt;"))
		}
	}
}

// Links are one text each: another letter anywhere is another link, which opens
// nothing.
func TestPageLinksAreOneTextEach(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		account, owner := steward.AccountID(rapid.StringN(1, 12, -1).Draw(t, "account")), steward.OwnerID(rapid.StringMatching(`[a-z.-]{0,8}`).Draw(t, "owner"))
		link, err := url.Parse(PageLink(key, "https://s.example.com", account, owner, noon))
		if err != nil {
			t.Fatal(err)
		}
		k := link.Query().Get("k")
		got, until, err := readPageLink(key, account, k, noon)
		if err != nil || got != owner || !until.Equal(noon.Add(LinkGood)) {
			t.Fatalf("%q: %q, %s, %v", k, got, until, err)
		}
		at := rapid.IntRange(0, len(k)-1).Draw(t, "at")
		changed := k[:at] + rapid.SampledFrom([]string{"", "a", "A", "0", ".", "=", k[at:at+1] + k[at:at+1]}).Draw(t, "to") + k[at+1:]
		if who, _, err := readPageLink(key, account, changed, noon); changed != k && err == nil {
			t.Fatalf("%q opens it, too, as %q", changed, who)
		}
		if _, _, err := readPageLink(key, account+"x", k, noon); err == nil {
			t.Fatal("it opens another account")
		}
		if _, _, err := readPageLink(steward.NewSecret("another key"), account, k, noon); err == nil {
			t.Fatal("another key opens it")
		}
		if _, err := steward.ReadUnsubscribeToken(key, k); err == nil {
			t.Fatal("it unsubscribes somebody")
		}
	})
}

func FuzzReadPageLink(f *testing.F) {
	_, query, _ := strings.Cut(PageLink(key, "", "acme", "dana", noon), "?k=")
	f.Add(query)
	f.Add("..")
	f.Add("zzzzzzzzzzzzzzzzzzzz.x.dana")
	f.Fuzz(func(t *testing.T, k string) {
		if _, _, err := readPageLink(key, "acme", k, noon); err == nil && k != query {
			t.Fatalf("%q opens an account", k)
		}
	})
}

func TestPlots(t *testing.T) {
	n, none := steward.Num, steward.Unknown(steward.NumberKind)
	for _, c := range []struct {
		what   string
		values []steward.Value
		moves  int // how often the pen is put down
		bars   int
	}{
		{"nothing", nil, 0, 0},
		{"nothing known", []steward.Value{none, none}, 0, 0},
		{"one day", []steward.Value{n(5)}, 1, 1},
		{"a line", []steward.Value{n(5), n(6), n(0)}, 1, 3},
		{"a gap", []steward.Value{n(5), none, n(6), n(7)}, 2, 3},
		{"only zeros", []steward.Value{n(0), n(0)}, 1, 2},
	} {
		line, bars := string(LinePlot{c.values, "Alt"}.SVG()), string(BarPlot{First: 20000, Step: 7, Values: c.values, Alt: "Alt"}.SVG())
		moves := strings.Count(strings.Split(line, `class="dot"`)[0], "M")
		if moves != c.moves || strings.Count(bars, "<rect") != c.bars || !strings.Contains(line, "<title>Alt</title>") {
			t.Errorf("%s: %d strokes and %d bars, want %d and %d:\n%s\n%s", c.what, moves, strings.Count(bars, "<rect"), c.moves, c.bars, line, bars)
		}
		if empty := (LinePlot{Values: c.values}).Empty(); empty != (c.bars == 0) {
			t.Errorf("%s: empty is %v", c.what, empty)
		}
		for _, bad := range []string{"NaN", "Inf", "e+"} {
			if strings.Contains(bars+line, bad) {
				t.Errorf("%s: %q is drawn:\n%s\n%s", c.what, bad, line, bars)
			}
		}
	}
}
