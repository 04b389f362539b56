package web

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"steward"
)

// A Visitor is who looks at a page.
type Visitor struct {
	// Owner is one of us, by the link of a card; "" for somebody who signed in, and
	// for a link that only looks.
	Owner steward.OwnerID
	// Account is the only one that they see; "" for all.
	Account steward.AccountID
	// Trusted tells that they signed in with the access token.
	Trusted bool
	// Until is when they are asked again.
	Until time.Time
}

// MayAct tells that they are somebody who can do things at all.
func (v Visitor) MayAct() bool { return v.Trusted || v.Owner != "" }

// A session is what a cookie holds, signed: nothing is kept here about who has
// signed in.
type session struct {
	Owner   steward.OwnerID   `json:"o,omitempty"`
	Account steward.AccountID `json:"a,omitempty"`
	Until   int64             `json:"u"`
}

const (
	signedIn   = 12 * time.Hour
	wideCookie = "steward"      // of everything, by the access token
	pageCookie = "steward_page" // of one account, by a link
)

// write is a session as a cookie's value.
func (a *access) write(s session) string {
	b, _ := json.Marshal(s) // two strings and a number
	body := base64.RawURLEncoding.EncodeToString(b)
	return body + "." + a.sessionMAC(s, body)
}

// read is the session of a cookie; ok is false for one that is over, or was never
// ours.
func (a *access) read(value string, now time.Time) (s session, ok bool) {
	body, mac, _ := strings.Cut(value, ".")
	b, err := base64.RawURLEncoding.DecodeString(body)
	if err != nil || a.key.IsZero() || json.Unmarshal(b, &s) != nil {
		return s, false
	}
	return s, hmac.Equal([]byte(mac), []byte(a.sessionMAC(s, body))) && now.Before(time.Unix(s.Until, 0))
}

// sessionMAC signs a session. With the token in it, another token ends every
// session that began with the last.
func (a *access) sessionMAC(s session, body string) string {
	if s.Account != "" {
		return sign(a.key, "page session", body)
	}
	sum := sha256.Sum256([]byte(a.token.Reveal()))
	return sign(a.key, "session", body, string(sum[:]))
}

// access decides who sees what.
type access struct {
	key, token steward.Secret
	secure     bool // cookies travel encrypted alone
	now        func() time.Time
	failed     failures
}

// visitor finds out who asks, by the cookies of one account's page, or of all;
// value is the cookie that a form of theirs is bound to.
func (a *access) visitor(r *http.Request, account steward.AccountID) (v Visitor, value string, ok bool) {
	if c, err := r.Cookie(pageCookie); err == nil && account != "" {
		if s, good := a.read(c.Value, a.now()); good && s.Account == account {
			v, value, ok = Visitor{Owner: s.Owner, Account: s.Account, Until: time.Unix(s.Until, 0)}, c.Value, true
		}
	}
	if c, err := r.Cookie(wideCookie); err == nil && !a.token.IsZero() {
		if s, good := a.read(c.Value, a.now()); good && s.Account == "" {
			return Visitor{Owner: v.Owner, Trusted: true, Until: time.Unix(s.Until, 0)}, c.Value, true
		}
	}
	return v, value, ok
}

// signIn compares what was typed with the token, and gives the cookie of a new
// session.
func (a *access) signIn(w http.ResponseWriter, typed string) bool {
	// The hashes are of one length, so that the time it takes tells nothing.
	got, want := sha256.Sum256([]byte(typed)), sha256.Sum256([]byte(a.token.Reveal()))
	if a.token.IsZero() || subtle.ConstantTimeCompare(got[:], want[:]) != 1 {
		return false
	}
	a.setCookie(w, wideCookie, "/", session{Until: a.now().Add(signedIn).Unix()})
	return true
}

// open gives the cookie of one account's page, so that it can be loaded again
// and filtered.
func (a *access) open(w http.ResponseWriter, v Visitor) (value string) {
	return a.setCookie(w, pageCookie, accountPath(v.Account), session{Owner: v.Owner, Account: v.Account, Until: v.Until.Unix()})
}

func (a *access) setCookie(w http.ResponseWriter, name, path string, s session) (value string) {
	value = a.write(s)
	http.SetCookie(w, &http.Cookie{Name: name, Value: value, Path: path, MaxAge: max(1, int(s.Until-a.now().Unix())),
		HttpOnly: true, Secure: a.secure, SameSite: http.SameSiteStrictMode})
	return value
}

// leave takes the cookie of a signed-in person back.
func (a *access) leave(w http.ResponseWriter) {
	http.SetCookie(w, &http.Cookie{Name: wideCookie, Path: "/", MaxAge: -1, HttpOnly: true, Secure: a.secure, SameSite: http.SameSiteStrictMode})
}

// formToken binds a form to the session that it was shown to: another site can
// send a form, and does not know this.
func (a *access) formToken(cookie string) string { return sign(a.key, "form", cookie) }

func (a *access) isFormToken(token, cookie string) bool {
	return cookie != "" && hmac.Equal([]byte(token), []byte(a.formToken(cookie)))
}

// failures counts wrong tokens by where they came from.
type failures struct {
	mu    sync.Mutex
	of    map[string][]time.Time
	total []time.Time
}

// A token cannot be guessed at any rate that a listener bears. Few tries are
// enough for whoever has it, and more would be noise in the log.
const (
	failWindow = 10 * time.Minute
	failMost   = 8   // from one address
	failTotal  = 200 // from all of them; a proxy is one address
)

// closed tells that there were too many, and counts nothing.
func (f *failures) closed(from string, now time.Time) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.forget(now)
	return len(f.of[from]) >= failMost || len(f.total) >= failTotal
}

// count notes one more.
func (f *failures) count(from string, now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.forget(now)
	if f.of == nil {
		f.of = map[string][]time.Time{}
	}
	f.of[from], f.total = append(f.of[from], now), append(f.total, now)
}

// forget drops what is older than the window. There are never more than
// failTotal, as no more are counted.
func (f *failures) forget(now time.Time) {
	young := func(of []time.Time) []time.Time {
		for len(of) > 0 && now.Sub(of[0]) >= failWindow {
			of = of[1:]
		}
		return of
	}
	f.total = young(f.total)
	for from, of := range f.of {
		if of = young(of); len(of) == 0 {
			delete(f.of, from)
		} else {
			f.of[from] = of
		}
	}
}

// peer is where a request came from, without the port.
func peer(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}
