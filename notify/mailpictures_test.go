package notify

import (
	"context"
	"encoding/base64"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// A mailProgram is one as far as a browser can play it.
type mailProgram struct {
	name          string
	width         int64
	dark          bool
	as            func(page string) string
	background    string // that the page must have come to have
	mobile        bool
	letterAtMost  int // the width of the column, in pixels
	letterAtLeast int
}

var (
	styleSheets  = regexp.MustCompile(`(?s)<style>.*?</style>\n?`)
	classes      = regexp.MustCompile(` class="[^"]*"`)
	notForWord   = regexp.MustCompile(`max-width:[^;"]*;?|border-radius:[^;"]*;?|overflow-wrap:[^;"]*;?`)
	wordSettings = regexp.MustCompile(`(?s)<xml>.*?</xml>`) // which a browser would print
	forWord      = regexp.MustCompile(`(?s)<!--\[if mso\]>(.*?)<!\[endif\]-->`)
)

// mailPrograms are those whose quirks the layout is made for. Gmail's is the app that
// strips style sheets; Outlook's lays out with Word, which reads the conditional
// comments and knows neither max-width nor round corners.
var mailPrograms = []mailProgram{
	{name: "light", width: 760, background: "rgb(255, 255, 255)", letterAtLeast: 590, letterAtMost: 600},
	{name: "dark", width: 760, dark: true, background: "rgb(21, 24, 28)", letterAtLeast: 590, letterAtMost: 600},
	{name: "gmail", width: 760, background: "rgb(255, 255, 255)", letterAtLeast: 590, letterAtMost: 600,
		as: func(p string) string { return classes.ReplaceAllString(styleSheets.ReplaceAllString(p, ""), "") }},
	{name: "outlook", width: 760, background: "rgb(255, 255, 255)", letterAtLeast: 590, letterAtMost: 600,
		as: func(p string) string {
			sheets := styleSheets.FindAllString(p, -1)
			for _, s := range sheets[1:] { // the first is Word's own
				p = strings.Replace(p, s, "", 1)
			}
			p = wordSettings.ReplaceAllString(p, "")
			return notForWord.ReplaceAllString(forWord.ReplaceAllString(p, "$1"), "")
		}},
	{name: "phone", width: 375, mobile: true, background: "rgb(255, 255, 255)", letterAtLeast: 340, letterAtMost: 343},
}

// The letter as mail programs show it: the column is as wide as it should be,
// nothing hangs over the edge, what is hidden stays hidden, and all is in the
// right colours. `make pictures` keeps what it looks like in docs/images.
func TestTheLetterInMailPrograms(t *testing.T) {
	ctx := browser(t)
	for _, r := range mailPrograms {
		t.Run(r.name, func(t *testing.T) {
			text := bodyOf(fullMail()).html()
			if r.as != nil {
				text = r.as(text)
			}
			got, picture := look(t, ctx, r, text)
			if got.Over > 0 {
				t.Errorf("it hangs %d pixels over the edge", got.Over)
			}
			if got.Letter < r.letterAtLeast || got.Letter > r.letterAtMost {
				t.Errorf("the letter is %d pixels wide, want %d to %d", got.Letter, r.letterAtLeast, r.letterAtMost)
			}
			if got.Background != r.background {
				t.Errorf("the background is %s, want %s", got.Background, r.background)
			}
			if !got.Hidden {
				t.Error("the words for the list of mails stand in the letter")
			}
			for _, f := range got.Faint {
				t.Errorf("hard to read: %s", f)
			}
			keepPicture(t, "mail-"+r.name, picture)
		})
	}
}

// looks is how a page came out.
type looks struct {
	Over, Letter, Height int
	Background           string
	Hidden               bool
	Faint                []string
}

func look(t *testing.T, ctx context.Context, r mailProgram, text string) (looks, []byte) {
	t.Helper()
	scheme, options := "light", []chromedp.EmulateViewportOption{}
	if r.dark {
		scheme = "dark"
	}
	if r.mobile {
		options = append(options, chromedp.EmulateMobile)
	}
	media := func(ctx context.Context, tab *chromedp.Target) (chromedp.Void, error) {
		_, err := cdp.Call(ctx, tab, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
		return chromedp.Void{}, err
	}
	err := chromedp.Do(ctx, chromedp.EmulateViewport(r.width, 600, options...), media,
		chromedp.Navigate("data:text/html;charset=utf-8;base64,"+base64.StdEncoding.EncodeToString([]byte(text))))
	if err != nil {
		t.Fatal(err)
	}
	got, err := chromedp.Run(ctx, chromedp.Evaluate[looks](looksOf))
	if err != nil {
		t.Fatal(err)
	}
	picture, err := chromedp.Run(ctx, func(ctx context.Context, tab *chromedp.Target) ([]byte, error) {
		whole := true
		shot, err := cdp.Call(ctx, tab, cdppage.CaptureScreenshot, cdppage.CaptureScreenshotParams{CaptureBeyondViewport: &whole,
			Clip: &cdppage.Viewport{Width: float64(r.width), Height: float64(got.Height), Scale: 1}})
		return shot.Data, err
	})
	if err != nil {
		t.Fatal(err)
	}
	return got, picture
}

// looksOf measures the page as it is rendered; contrast is WCAG's, of each piece
// of text against what is behind it.
const looksOf = `(() => {
	const rgb = s => s.match(/[\d.]+/g).map(Number)
	const lum = c => c.slice(0, 3).map(v => (v /= 255) <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4).reduce((a, v, i) => a + v * [.2126, .7152, .0722][i], 0)
	const behind = e => { for (; e; e = e.parentElement) { const c = rgb(getComputedStyle(e).backgroundColor); if (c.length < 4 || c[3] > 0) return c } return [255, 255, 255] }
	const faint = [], walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
	for (let n; n = walk.nextNode();) {
		const e = n.parentElement
		if (!n.data.trim() || !e.getClientRects().length) continue
		const a = lum(rgb(getComputedStyle(e).color)), b = lum(behind(e)), c = (Math.max(a, b) + .05) / (Math.min(a, b) + .05)
		if (c < 4.5) faint.push(n.data.trim().slice(0, 40) + ' ' + c.toFixed(1))
	}
	const doc = document.documentElement
	return {
		Over: Math.max(0, doc.scrollWidth - doc.clientWidth),
		Letter: Math.round([...document.querySelectorAll('td')].pop().getBoundingClientRect().width),
		Background: 'rgb(' + behind(document.body).slice(0, 3).join(', ') + ')',
		Hidden: !document.querySelector('body > div').getClientRects().length,
		Faint: faint,
		Height: Math.ceil(document.body.getBoundingClientRect().height),
	}
})()`

// browser is a headless Chromium; tests that need one are skipped without.
func browser(t *testing.T) context.Context {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "chrome"} {
		if p, err := exec.LookPath(name); err == nil {
			path = p
			break
		}
	}
	if path == "" {
		if os.Getenv("STEWARD_REQUIRE_ALL") != "" {
			t.Fatal("there is no Chromium to look at mail with; apt-get install chromium")
		}
		t.Skip("there is no Chromium to look at mail with; apt-get install chromium")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.Flag("hide-scrollbars", true), chromedp.Flag("force-color-profile", "srgb"))
	alloc, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(cancel)
	ctx, stop := chromedp.NewContext(alloc)
	t.Cleanup(stop)
	if err := chromedp.Do(ctx); err != nil { // starts it, without the limit below
		t.Fatal(err)
	}
	limited, cancel2 := context.WithTimeout(ctx, time.Minute)
	t.Cleanup(cancel2)
	return limited
}

// keepPicture writes a picture for the documentation, where `make pictures` asks
// for it.
func keepPicture(t *testing.T, name string, png []byte) {
	t.Helper()
	if os.Getenv("STEWARD_PICTURES") == "" {
		return
	}
	if len(png) > 150<<10 {
		t.Errorf("%s.png has %d KiB; 150 is the most", name, len(png)>>10)
	}
	if err := os.WriteFile(filepath.Join("..", "docs", "images", name+".png"), png, 0o644); err != nil {
		t.Fatal(err)
	}
}
