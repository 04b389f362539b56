package main

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	gocmp "github.com/google/go-cmp/cmp"

	"steward"
	"steward/configs"
	"steward/store"
	"steward/web"
)

// A gallery is a demo's workspace with its pages, at the end of the demo's days.
type gallery struct {
	testing.TB
	w     *worker
	clock *fakeClock
	url   string
}

const pageToken = "the-token-of-these-tests-0042"

// galleryHealth is what health and the journey are in the gallery.
const galleryHealth = `
health:
  scorecards:
    - name: default
      parts:
        - {name: usage,   weight: 50, score: "scale(change(logins, 14d), -60%, 0%)"}
        - {name: breadth, weight: 30, score: "scale(last(active_users) / seats, 0%, 60%)"}
        - {name: people,  weight: 20, score: "scale(days_since_touch() / 1d, 90, 7)"}
  grades: {red: 40, yellow: 70}
  min_known: 50%
journey:
  stages:
    - {stage: onboarding, target: 60d}
    - {stage: adoption, target: 120d}
    - {stage: value}
    - {stage: renewal}
`

func newGallery(t testing.TB, accounts, days int) *gallery {
	t.Helper()
	g := &gallery{TB: t, clock: &fakeClock{}}
	dir := filepath.Join(t.TempDir(), "demo")
	env := func(k string) string { return map[string]string{"TOKEN": pageToken}[k] }
	if code := run(t.Context(), []string{"demo", "--dir", dir, "--accounts", strconv.Itoa(accounts), "--days", strconv.Itoa(days), "--cards", "0"}, env, strings.NewReader(""), io.Discard, io.Discard); code != exitFine {
		t.Fatalf("the demo ended with %d", code)
	}
	server := httptest.NewUnstartedServer(nil)
	file, err := os.OpenFile(filepath.Join(dir, "steward.yaml"), os.O_APPEND|os.O_WRONLY, 0)
	g.must(err)
	_, err = io.WriteString(file, "\nprivate_url: http://"+server.Listener.Addr().String()+"\naccess: {token_env: TOKEN}\ncrm_link: https://crm.example.com/accounts/{id}\n"+galleryHealth)
	g.must(err)
	g.must(file.Close())

	a := newApp(env, strings.NewReader(""), io.Discard, io.Discard)
	a.dir, a.now = dir, g.clock.now
	h, err := a.enter(t.Context(), store.Options{Lock: true})
	g.must(err)
	t.Cleanup(func() { _ = h.close() })
	last, err := h.db.LastSlot(t.Context(), "evaluate")
	g.must(err)
	g.clock.set(last.Time().Add(4 * time.Hour))
	g.w = newWorker(a, h, discardLog())
	g.w.engine = h.engine(nowhere{}, discardLog())
	g.w.engine.Book = g.w.bookInUse
	server.Config.Handler = web.Private(web.PrivateOptions{Pages: g.w.pageOptions(), Logger: discardLog()})
	server.Start()
	t.Cleanup(server.Close)
	g.url = server.URL
	return g
}

func (g *gallery) must(err error) {
	g.Helper()
	if err != nil {
		g.Fatal(err)
	}
}

// waiting is the mail that has waited longest for approval.
func (g *gallery) waiting() steward.Message {
	g.Helper()
	list, _, err := g.w.db.Messages(g.Context(), store.MessageFilter{State: steward.AwaitingApproval})
	g.must(err)
	if len(list) == 0 {
		g.Fatal("the demo leaves no mail that waits for approval")
	}
	return list[len(list)-1]
}

// get fetches a page with a jar's cookies.
func (g *gallery) get(c *http.Client, path string) (status int, body string) {
	g.Helper()
	if strings.HasPrefix(path, "/") {
		path = g.url + path
	}
	resp, err := c.Get(path)
	g.must(err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	g.must(err)
	return resp.StatusCode, string(b)
}

func TestPages(t *testing.T) {
	g := newGallery(t, 60, 10)
	for _, story := range []struct {
		name string
		test func(*gallery)
	}{{"a card's link opens its account", aLinkOpensItsAccount}, {"a mail is approved", aMailIsApproved}} {
		t.Run(story.name, func(t *testing.T) { story.test(&gallery{TB: t, w: g.w, url: g.url, clock: g.clock}) })
	}
}

// The link of a card opens one account to whom it was made for, and no other;
// what they see is what the facts and the ledger say.
func aLinkOpensItsAccount(g *gallery) {
	m := g.waiting()
	owner := m.Approvers[0]
	link := g.w.bookInUse().Page(m.Account, owner, g.clock.now())
	jar := &oneJar{}
	c := &http.Client{Jar: jar}
	status, page := g.get(c, link)
	if status != 200 || !strings.Contains(page, m.Content.Title) || !strings.Contains(page, "<svg") || !strings.Contains(page, "You are here as "+string(owner)) || !strings.Contains(page, "Approve") {
		g.Fatalf("%d:\n%s", status, page)
	}
	if status, _ := g.get(c, "/a/"+string(m.Account)+"?kind=said"); status != 200 {
		g.Errorf("the filter of the timeline answers %d", status)
	}
	other := g.w.bookInUse().Page("A-1", "", g.clock.now())
	for _, path := range []string{"/", "/queue", "/a/A-1", strings.Replace(link, "/a/"+string(m.Account), "/a/A-1", 1), other[:len(other)-20]} {
		if status, _ := g.get(&http.Client{Jar: jar}, path); status != http.StatusForbidden {
			g.Errorf("%s answers %d with the link of another account", path, status)
		}
	}
	if _, page := g.get(&http.Client{}, g.w.bookInUse().Page(m.Account, "", g.clock.now())); strings.Contains(page, "Approve") || !strings.Contains(page, m.Content.Title) {
		g.Error("a link that names nobody offers something to do, or shows nothing")
	}
	before := g.clock.now()
	g.clock.set(before.Add(8 * 24 * time.Hour))
	defer g.clock.set(before)
	if status, page := g.get(c, link); status != http.StatusForbidden || !strings.Contains(page, "older") {
		g.Errorf("a week later the link answers %d", status)
	}
}

// A mail is approved from the page that a card's link opens, by whom the link was
// made for; a form that is sent again does nothing again, and one without the
// page's token does nothing at all.
func aMailIsApproved(g *gallery) {
	m := g.waiting()
	c := &http.Client{Jar: &oneJar{}}
	_, page := g.get(c, g.w.bookInUse().Page(m.Account, m.Approvers[0], g.clock.now()))
	form := url.Values{"verb": {"approve"}, "message": {string(m.ID)}, "version": {strconv.Itoa(m.Version)}, "once": {hidden(g, page, "once")}}
	path := g.url + "/a/" + url.PathEscape(string(m.Account))
	for _, x := range []struct {
		csrf, state string
		status      int
	}{{"", "awaiting_approval", 403}, {hidden(g, page, "csrf"), "planned", 200}, {hidden(g, page, "csrf"), "planned", 200}} {
		form.Set("csrf", x.csrf)
		resp, err := c.PostForm(path, form)
		g.must(err)
		b, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		after, err := g.w.db.Message(g.Context(), string(m.ID))
		g.must(err)
		if resp.StatusCode != x.status || string(after.State) != x.state {
			g.Errorf("%d and %s, want %d and %s:\n%s", resp.StatusCode, after.State, x.status, x.state, b)
		}
		if x.status == 200 && (after.ApprovedBy == "" || !strings.Contains(string(b), `role="status"`)) {
			g.Errorf("approved by %q, and the page says:\n%s", after.ApprovedBy, b)
		}
	}
	acts, err := g.w.db.Acts(g.Context(), store.ActFilter{Message: m.ID})
	g.must(err)
	if len(acts) != 1 || acts[0].By != m.Approvers[0] || acts[0].Via != steward.ViaPage {
		g.Errorf("kept are %+v", acts)
	}
}

// hidden is a hidden field of a page's first form.
func hidden(t testing.TB, page, name string) string {
	t.Helper()
	_, rest, ok := strings.Cut(page, `name="`+name+`" value="`)
	value, _, ends := strings.Cut(rest, `"`)
	if !ok || !ends {
		t.Fatalf("the page has no field %s:\n%s", name, page)
	}
	return value
}

// oneJar is a cookie jar that keeps to paths as browsers do.
type oneJar struct{ kept []*http.Cookie }

func (j *oneJar) SetCookies(_ *url.URL, cookies []*http.Cookie) { j.kept = append(j.kept, cookies...) }

func (j *oneJar) Cookies(u *url.URL) (out []*http.Cookie) {
	for _, c := range j.kept {
		if strings.HasPrefix(u.EscapedPath(), c.Path) {
			out = append(out, c)
		}
	}
	return out
}

// The page of one account among ten thousand: what it costs beside reading the
// portfolio, which it does not do.
func BenchmarkAccountPage(b *testing.B) {
	g := newGallery(b, 10_000, 1)
	list, err := g.w.db.Enrolments(b.Context(), store.EnrolmentFilter{Open: true, Limit: 1})
	g.must(err)
	path := g.w.bookInUse().Page(list[0].Subject.Account, "dana", g.clock.now())
	c := &http.Client{}
	if status, _ := g.get(c, path); status != 200 { // reads the facts, once
		b.Fatal(status)
	}
	began := time.Now()
	_, err = g.w.db.Portfolio(b.Context())
	g.must(err)
	portfolio := time.Since(began)
	for b.Loop() {
		g.get(c, path)
	}
	b.ReportMetric(float64(portfolio)*float64(b.N)/float64(b.Elapsed()), "pages/portfolio")
}

// Pages in a browser, on a desk, on a phone and in the dark: nothing is refused
// by their own policy, nothing hangs over the edge, all of it can be read, and a
// mail is approved without a line of script. `make pictures` keeps what they look
// like in docs/images.
func TestPagesPictures(t *testing.T) {
	if testing.Short() {
		t.Skip("a browser under the race detector takes long, and finds no race of ours")
	}
	g := newGallery(t, 60, 10)
	m := g.waiting()
	g.remember(m.Account)
	ctx := pageBrowser(t)
	complaints := &log{}
	messages := chromedp.Console(ctx)
	go func() {
		for m, err := range messages {
			// That somebody who is not let in is told so is no complaint.
			if err == nil && !strings.Contains(m.Text, "403 (Forbidden)") {
				_, _ = io.WriteString(complaints, m.Text+"\n")
			}
		}
	}()
	g.must(chromedp.Do(ctx, func(ctx context.Context, tab *chromedp.Target) (chromedp.Void, error) {
		_, err := cdp.Call(ctx, tab, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
		return chromedp.Void{}, err
	}))

	// Somebody who is not let in, and then is.
	g.must(chromedp.Do(ctx, chromedp.EmulateViewport(1180, 800), chromedp.Navigate(g.url+"/queue")))
	g.seen(ctx, "This page is not open to you yet")
	g.must(chromedp.Do(ctx, chromedp.Navigate(g.url+"/login?then=/queue"), chromedp.SendKeys("#token", pageToken+"\r"), chromedp.WaitVisible("#mails")))
	g.seen(ctx, "What waits for a person")

	account := "/a/" + string(m.Account)
	for _, p := range []struct {
		name, path, shows string
		width             int64
		dark, phone       bool
		most              float64 // of its height that is kept
	}{
		{"page-account", account, "What happened", 1180, false, false, 1900},
		{"page-account-dark", account, "What happened", 1180, true, false, 900},
		{"page-account-phone", account, "What happened", 375, false, true, 1700},
		{"page-queue", "/queue", "Openings that are held", 1180, false, false, 1100},
		{"page-queue-phone", "/queue", "Openings that are held", 375, true, true, 1300},
		{"page-start", "/?q=al", "By owner", 1180, false, false, 900},
		{"page-start-phone", "/?q=al", "By owner", 375, false, true, 900},
		{"page-login", "/login", "Access token", 375, true, true, 700},
	} {
		t.Run(p.name, func(t *testing.T) {
			picture := (&gallery{TB: t, url: g.url}).look(ctx, p.path, p.shows, p.width, p.dark, p.phone, p.most)
			keepPagePicture(t, p.name, picture)
		})
	}

	// A mail is approved.
	g.must(chromedp.Do(ctx, chromedp.EmulateViewport(1180, 800), chromedp.Navigate(g.url+"/queue")))
	button := `form:has(input[value="` + string(m.ID) + `"]):has(input[value="approve"]) button`
	g.must(chromedp.Do(ctx, chromedp.Click(chromedp.CSS(button)), chromedp.WaitVisible(chromedp.CSS(".said-note"))))
	after, err := g.w.db.Message(t.Context(), string(m.ID))
	g.must(err)
	if after.State == steward.AwaitingApproval {
		said, _ := chromedp.Run(ctx, chromedp.Text(chromedp.CSS(".said-note")))
		t.Errorf("the mail still waits: %q", said)
	}
	if c := complaints.String(); c != "" {
		t.Errorf("the browser complains:\n%s", c)
	}
}

// remember keeps half a year of an account's health, as the evaluations of those
// days would have.
func (g *gallery) remember(id steward.AccountID) {
	g.Helper()
	s, err := g.w.lastSituation(g.Context())
	g.must(err)
	for shift := 180; shift >= 0; shift-- {
		h, _ := s.Health(id, shift)
		var scores []steward.Score
		if h.Score.Known {
			scores = append(scores, steward.Score{Account: id, Name: "health", Value: h.Score.Num})
		}
		for _, p := range h.Parts {
			if p.Score.Known {
				scores = append(scores, steward.Score{Account: id, Name: "health." + p.Name, Value: p.Score.Num})
			}
		}
		g.must(g.w.db.KeepScores(g.Context(), steward.Run{}, s.Slot.Day(s.Book.Zone)-steward.Day(shift), scores))
	}
}

func (g *gallery) seen(ctx context.Context, text string) {
	g.Helper()
	body, err := chromedp.Run(ctx, chromedp.TextContent("body"))
	g.must(err)
	if !strings.Contains(body, text) {
		g.Fatalf("the page does not show %q:\n%s", text, body)
	}
}

// A pageLook is how a page came out.
type pageLook struct {
	Over, Height int
	Wide         []string // what hangs over the edge
	Faint        []string
	Unnamed      []string // what can be pressed, or seen, and has no name
}

// look opens a page as somebody would see it, holds it against what a page has to
// be, and takes a picture of its first part.
func (g *gallery) look(ctx context.Context, path, shows string, width int64, dark, phone bool, most float64) []byte {
	g.Helper()
	scheme, options := "light", []chromedp.EmulateViewportOption{}
	if dark {
		scheme = "dark"
	}
	if phone {
		options = append(options, chromedp.EmulateMobile)
	}
	media := func(ctx context.Context, tab *chromedp.Target) (chromedp.Void, error) {
		_, err := cdp.Call(ctx, tab, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
		return chromedp.Void{}, err
	}
	g.must(chromedp.Do(ctx, chromedp.EmulateViewport(width, 800, options...), media, chromedp.Navigate(g.url+path)))
	g.seen(ctx, shows)
	got, err := chromedp.Run(ctx, chromedp.Evaluate[pageLook](pageLookOf))
	g.must(err)
	if got.Over > 0 {
		g.Errorf("it hangs %d pixels over the edge: %s", got.Over, strings.Join(got.Wide, "; "))
	}
	for _, f := range got.Faint {
		g.Errorf("hard to read: %s", f)
	}
	for _, u := range got.Unnamed {
		g.Errorf("without a name for those who do not see it: %s", u)
	}
	picture, err := chromedp.Run(ctx, func(ctx context.Context, tab *chromedp.Target) ([]byte, error) {
		whole := true
		shot, err := cdp.Call(ctx, tab, cdppage.CaptureScreenshot, cdppage.CaptureScreenshotParams{CaptureBeyondViewport: &whole,
			Clip: &cdppage.Viewport{Width: float64(width), Height: min(most, float64(got.Height)), Scale: 1}})
		return shot.Data, err
	})
	g.must(err)
	return picture
}

// pageLookOf measures a page as it is rendered; contrast is WCAG's, of each piece
// of text against what is behind it.
const pageLookOf = `(() => {
	const rgb = s => (s.match(/[\d.]+/g) || [0, 0, 0, 0]).map(Number)
	const lum = c => c.slice(0, 3).map(v => (v /= 255) <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4).reduce((a, v, i) => a + v * [.2126, .7152, .0722][i], 0)
	const behind = e => { for (; e; e = e.parentElement) { const c = rgb(getComputedStyle(e).backgroundColor); if (c.length < 4 || c[3] > 0) return c } return [255, 255, 255] }
	const faint = [], walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
	for (let n; n = walk.nextNode();) {
		const e = n.parentElement
		if (!n.data.trim() || !e.getClientRects().length || e.closest('svg, .unseen, .skip')) continue
		const a = lum(rgb(getComputedStyle(e).color)), b = lum(behind(e)), c = (Math.max(a, b) + .05) / (Math.min(a, b) + .05)
		if (c < 4.5) faint.push(n.data.trim().slice(0, 40) + ' ' + c.toFixed(1))
	}
	const doc = document.documentElement, unnamed = []
	for (const e of document.querySelectorAll('button, a, summary, svg')) {
		if (!(e.textContent.trim() || e.getAttribute('aria-label'))) unnamed.push(e.outerHTML.slice(0, 80))
	}
	for (const e of document.querySelectorAll('input:not([type=hidden], [hidden])')) if (!e.labels.length) unnamed.push(e.outerHTML.slice(0, 80))
	for (const e of document.querySelectorAll('section')) if (!document.getElementById(e.getAttribute('aria-labelledby'))) unnamed.push(e.outerHTML.slice(0, 80))
	const ids = [...document.querySelectorAll('[id]')].map(e => e.id)
	ids.forEach((id, i) => { if (ids.indexOf(id) != i) unnamed.push('a second #' + id) })
	const wide = [...document.querySelectorAll('main *')].filter(e => !e.closest('.scroll') && e.getBoundingClientRect().right > doc.clientWidth + 1).map(e => e.tagName + '.' + e.className).slice(0, 5)
	return {Over: Math.max(0, doc.scrollWidth - doc.clientWidth), Wide: wide, Height: doc.scrollHeight, Faint: faint, Unnamed: unnamed}
})()`

// pageBrowser is a headless Chromium; tests that need one are skipped without.
func pageBrowser(t *testing.T) context.Context {
	t.Helper()
	at := slices.IndexFunc([]string{"chromium", "chromium-browser", "google-chrome"}, func(name string) bool { _, err := exec.LookPath(name); return err == nil })
	if at < 0 {
		const without = "there is no Chromium to look at pages with; apt-get install chromium"
		if os.Getenv("STEWARD_REQUIRE_ALL") != "" {
			t.Fatal(without)
		}
		t.Skip(without)
	}
	path, _ := exec.LookPath([]string{"chromium", "chromium-browser", "google-chrome"}[at])
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.Flag("hide-scrollbars", true), chromedp.Flag("force-color-profile", "srgb"))
	alloc, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(cancel)
	ctx, stop := chromedp.NewContext(alloc)
	t.Cleanup(stop)
	if err := chromedp.Do(ctx); err != nil { // starts it, without the limit below
		t.Fatal(err)
	}
	limited, done := context.WithTimeout(ctx, time.Minute)
	t.Cleanup(done)
	return limited
}

// keepPagePicture writes a picture that the documentation shows, where `make
// pictures` asks for it.
func keepPagePicture(t *testing.T, name string, picture []byte) {
	t.Helper()
	if os.Getenv("STEWARD_PICTURES") == "" || !strings.Contains(docText(t, "docs/pages.md")+docText(t, "docs/messages.md"), "images/"+name+".png") {
		return
	}
	picture = fewerColours(t, picture)
	if len(picture) > 150<<10 {
		t.Errorf("%s.png has %d KiB; 150 is the most", name, len(picture)>>10)
	}
	if err := os.WriteFile(filepath.Join(docsRoot, "docs", "images", name+".png"), picture, 0o644); err != nil {
		t.Fatal(err)
	}
}

// fewerColours is a picture in the 256 colours that it has most of: a page has
// few, and the shades at the edges of letters are not missed.
func fewerColours(t *testing.T, data []byte) []byte {
	t.Helper()
	img, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	count, at := map[color.RGBA]int{}, img.Bounds()
	for y := at.Min.Y; y < at.Max.Y; y++ {
		for x := at.Min.X; x < at.Max.X; x++ {
			count[color.RGBAModel.Convert(img.At(x, y)).(color.RGBA)]++
		}
	}
	all := slices.SortedFunc(maps.Keys(count), func(a, b color.RGBA) int {
		return cmp.Or(count[b]-count[a], cmp.Compare(a.R, b.R), cmp.Compare(a.G, b.G), cmp.Compare(a.B, b.B))
	})
	var few color.Palette
	for _, c := range all[:min(256, len(all))] {
		few = append(few, c)
	}
	nearest := map[color.RGBA]uint8{}
	out := image.NewPaletted(at, few)
	for y := at.Min.Y; y < at.Max.Y; y++ {
		for x := at.Min.X; x < at.Max.X; x++ {
			c := color.RGBAModel.Convert(img.At(x, y)).(color.RGBA)
			i, ok := nearest[c]
			if !ok {
				i = uint8(few.Index(c))
				nearest[c] = i
			}
			out.SetColorIndex(x, y, i)
		}
	}
	var b bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&b, out); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// What happened is told once each, newest first, by kind and in pages; what an
// act or a message says is not told again as a decision.
func TestTimeline(t *testing.T) {
	at := time.Date(2026, 3, 13, 8, 0, 0, 0, time.UTC)
	ws := &configs.Workspace{Zone: time.UTC, Owners: []steward.Owner{{ID: "dana", Name: "Dana Reyes"}}}
	s := steward.Story{
		Messages: []steward.Message{{ID: "m-1", Kind: steward.Card, State: steward.Sent, To: steward.Recipient{Name: "Dana Reyes"}, Planned: at, Settled: at.Add(time.Minute), Content: &steward.Content{Title: "Logins", Parts: []steward.ContentPart{{Markdown: "Fell **hard**"}}}}},
		Acts:     []steward.Act{{Key: "k", Verb: steward.VerbTake, At: at.Add(time.Hour), By: "dana", Via: steward.ViaSlack, Message: "m-1", Enrolment: "e-1"}, {Key: "l", Verb: steward.VerbDone, At: at.Add(2 * time.Hour), ByName: "pat", Via: steward.ViaPage, Refused: "It is over."}},
		Incoming: []steward.Incoming{{Kind: steward.AutoReply, Address: "ada@example.com", At: at.Add(3 * time.Hour), Back: steward.Date(2026, 4, 1)}},
		Records: []steward.Record{
			{At: steward.SlotAt(at.Add(time.Minute)), Message: "m-1", Decision: steward.Decision{Reason: steward.ReasonDelivered}},
			{At: steward.SlotAt(at.Add(time.Hour)), Enrolment: "e-1", Decision: steward.Decision{Reason: steward.ReasonTaken}},
			{At: steward.SlotAt(at.Add(-time.Hour)), Playbook: "drop", Decision: steward.Decision{Reason: steward.ReasonOpened, Detail: "logins fell"}},
		},
	}
	for i := range 100 {
		s.Records = append(s.Records, steward.Record{At: steward.SlotAt(at.AddDate(0, 0, -2-i)), Playbook: "drop", Step: "nudge", Decision: steward.Decision{Reason: steward.ReasonPaused, Detail: "sending is paused"}},
			steward.Record{At: steward.SlotAt(at.AddDate(0, -6, -2-i)), Playbook: "drop", Step: "nudge", Decision: steward.Decision{Reason: steward.ReasonCapped, Detail: "mail " + strconv.Itoa(i)}})
	}
	told := func(v web.TimelineView) (out []string) {
		for _, d := range v.Days {
			for _, e := range d.Entries {
				out = append(out, fmt.Sprintf("%s %s|%s|%s|%d", d.Day[len(d.Day)-13:], e.Time, e.Label.Text, e.Text, e.Times))
			}
		}
		return out
	}
	all := timeline(s, nil, web.TimelineQuery{}, ws)
	if all.Total != 106 || all.Shown != pageEntries || all.More {
		t.Errorf("%d of %d, more: %v", all.Shown, all.Total, all.More)
	}
	want := []string{
		"13 March 2026 11:00|out of office|From ada@example.com, back on 1 April 2026|0",
		"13 March 2026 10:00|came to nothing|pat finished it: It is over.|0",
		"13 March 2026 09:00|by Slack|Dana Reyes took it on|0",
		"13 March 2026 08:01|sent|Card to Dana Reyes|0",
		"13 March 2026 07:00|opened|Logins fell.|0",
		"11 March 2026 08:00|paused|Sending is paused.|100",
	}
	if diff := gocmp.Diff(want, told(all)[:6]); diff != "" {
		t.Error(diff)
	}
	if body := all.Days[0].Entries[3].Body; body != "Fell hard" {
		t.Errorf("the card said %q", body)
	}
	for kind, n := range map[web.TimelineKind]int{web.KindSaid: 1, web.KindPeople: 2, web.KindBack: 1, web.KindDecided: 102} {
		if got := timeline(s, nil, web.TimelineQuery{Kind: kind}, ws); got.Total != n {
			t.Errorf("%s: %d, want %d", kind, got.Total, n)
		}
	}
	last := timeline(s, nil, web.TimelineQuery{From: 100}, ws)
	if last.Shown != 6 {
		t.Errorf("from 100 on there are %d", last.Shown)
	}
	if none := timeline(steward.Story{}, nil, web.TimelineQuery{From: 7}, ws); none.Total != 0 || len(none.Days) != 0 {
		t.Errorf("of nothing there is %+v", none)
	}
}
